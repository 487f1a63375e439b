"""Words that mean nothing to the picture."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.nano.dataset.material import WORDS_FILE

SYLLABLES = (
    "bla", "zor", "qui", "xum", "fre", "plo", "wug", "nix", "tar", "gli", "oon", "vek", "sni", "ump", "asdf", "qwe",
    "zxc", "lorem", "foo", "jkl",
)  # fmt: skip
SYLLABLES_ZH = "之乎者也嗯啊呃某何其兮哉矣焉夫咦哼"


@dataclass(frozen=True)
class Noise:
    """Words at random, none of which is the name of a thing."""

    english: Sequence[str]
    chinese: Sequence[str]


NO_WORDS = Noise(SYLLABLES, SYLLABLES_ZH)


def read_noise(work: Path, english_names: Iterable[str], chinese_names: Iterable[str]) -> Noise:
    """The word lists of the material without everything that may be a name.

    A word that is only part of a name stays, so that "way" is no milky way.

    Args:
        work: folder with the words that `prepare_material` wrote.
        english_names: names of all things; they and their plurals are left out.
        chinese_names: names of all things; words that contain one are left out, or end in one of a single character.
    """
    words = json.loads((work / WORDS_FILE).read_text("utf-8"))
    stems = {stem(name) for name in english_names}
    names = set(chinese_names)
    return Noise(
        [word for word in words["english"] if stem(word) not in stems],
        [
            word
            for word in words["chinese"]
            if word[-1] not in names and not any(part in names for part in _parts(word))
        ],
    )


def stem(word: str) -> str:
    """A word without the usual endings, so that a plural or an -ing is the same."""
    for ending in ("ies", "ing", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _parts(word: str) -> Iterable[str]:
    """Of two characters and more."""
    return (word[start:end] for start in range(len(word)) for end in range(start + 2, len(word) + 1))
