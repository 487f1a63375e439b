"""What the captions' writers of both languages have in common."""

from collections.abc import Sequence
from random import Random
from typing import ClassVar


class Writer:
    """Draws the words of a language; how they become a caption is its own.

    Args:
        random: source of every choice.
        words: words without a meaning.
        others: names of things, for places where another thing may be.
    """

    colours: ClassVar[Sequence[Sequence[str]]]
    adjectives: ClassVar[Sequence[str]]

    def __init__(self, random: Random, words: Sequence[str], others: Sequence[str]) -> None:
        self.random, self.words, self.others = random, words, others

    def colour(self, index: int) -> str:
        """A word for a colour of the palette."""
        return self.random.choice(self.colours[index])

    def _adjective(self) -> str:
        return self.random.choice(self.adjectives)

    def _word(self) -> str:
        return self.random.choice(self.words)
