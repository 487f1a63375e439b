"""Token counts of prompts, the model's template included, without loading the model."""

from __future__ import annotations

import threading
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from backend.models.gallery import TokenCount
from backend.services.errors import ModelBroken
from backend.services.library.catalogue import Catalogue
from backend.utils.zimage_library import make_importable

if TYPE_CHECKING:
    from zimage.text.tokenizer import PromptTokenizer

MAX_PROMPT_TOKENS = 512
"""Z-Image was trained on captions of at most this many tokens, template included; the rest is cut."""


class TokenCounter:
    """Counts tokens; caches the last tokenizer."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._tokenizer: PromptTokenizer | None = None

    def count(self, prompt: str, model_id: str) -> TokenCount:
        """Counts a prompt's tokens for a model.

        Raises:
            ModelError: The model is unknown, not installed, or has no readable tokenizer.
        """
        files = self._catalogue.resolve(model_id).files
        if files is None:
            raise RuntimeError("resolve() returns installed models only")
        tokenizer = self._load(files.tokenizer)
        text = tokenizer.in_template(prompt)
        offsets = tokenizer.encode(text).offsets
        tokens, read = len(offsets), len(prompt)
        if tokens > MAX_PROMPT_TOKENS:
            read = _characters_before(offsets[MAX_PROMPT_TOKENS][0], text, prompt)
        return TokenCount(
            tokens=tokens,
            template_tokens=len(tokenizer.encode(tokenizer.in_template("")).offsets),
            limit=MAX_PROMPT_TOKENS,
            truncated=tokens > MAX_PROMPT_TOKENS,
            characters=read,
        )

    def _load(self, path: Path | None) -> PromptTokenizer:
        make_importable()
        from zimage.errors import ConfigError
        from zimage.text.tokenizer import load_embedded_tokenizer, load_tokenizer

        with self._lock:
            if self._tokenizer is None or self._path != path:
                try:
                    self._tokenizer = load_tokenizer(path) if path is not None else load_embedded_tokenizer()
                    self._path = path
                except ConfigError as error:
                    raise ModelBroken("The tokenizer of this model is missing or damaged.") from error
            return self._tokenizer


def _characters_before(end: int, text: str, prompt: str) -> int:
    """How many characters of a prompt stand before a place in the text that a template made of it.

    Templates trim the prompt, and some make it lower case.
    """
    own = prompt.strip()
    before = len(prompt) - len(prompt.lstrip())
    start = text.find(own)
    widths = [1] * len(own)
    if start < 0:
        start = text.find(own.lower())
        widths = [len(character.lower()) for character in own]  # İ becomes two
    if start < 0:
        return min(end, len(prompt))
    read = sum(place <= end - start for place in accumulate(widths))
    return before + read if read < len(own) else len(prompt)
