"""Texts made comparable: what a reader takes for the same word is the same."""

from __future__ import annotations

import unicodedata

_WIDE = {"，": ",", "：": ":", "；": ";", "！": "!", "？": "?", "（": "(", "）": ")"}
"""In nearly every Chinese text: replaced first, since that takes a tenth of the time of a normalization."""
_DOTTED_I = "i\u0307"
"""What case folding makes of İ: the letter and a dot above."""


def fold(text: str) -> str:
    """Folds case, width and composition (Unicode's compatibility caseless match), and the Turkish letters i into one.

    `Café`, whether its é is one character or two, becomes `café`; `ＦＯＸ` becomes `fox`; `，` becomes `,`.
    """
    if text.isascii():
        return text.lower()
    for wide, narrow in _WIDE.items():
        text = text.replace(wide, narrow)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return text.replace(_DOTTED_I, "i").replace("ı", "i")
