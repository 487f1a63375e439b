"""Draws captions together with the scenes that they ask for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from training.nano.dataset.captions.chinese import ADJECTIVES, MEDIUMS, TAGS, VERBS, Chinese
from training.nano.dataset.captions.chinese import COLOURS as CHINESE_COLOURS
from training.nano.dataset.captions.chinese import MEANINGLESS as MEANINGLESS_ZH
from training.nano.dataset.captions.english import COLOURS as ENGLISH_COLOURS
from training.nano.dataset.captions.english import MEANINGLESS as MEANINGLESS_EN
from training.nano.dataset.captions.english import English
from training.nano.dataset.captions.names import Names, name_items
from training.nano.dataset.captions.noise import NO_WORDS, Noise
from training.nano.dataset.material import Item
from training.nano.dataset.scenes import NATURAL, NEUTRAL, PALETTE, UNSPECIFIED, Scene

NONSENSE_LABEL = "thinking face"
NONSENSE, ONE, TWO = 0.05, 0.67, 0.85  # the kinds of scenes, cumulated; the rest shows several of one
COLOURED = 0.35
ON_BACKGROUND = 0.25
MISSPELT = 0.13
MIXED = 0.06  # captions with a name of the other language

Backgrounds = Callable[[Scene], Sequence[int]]


@dataclass(frozen=True)
class Example:
    """A caption and the scene that it asks for."""

    caption: str
    scene: Scene


class CaptionSource:
    """Draws captions with their scenes.

    Args:
        items: what can be drawn.
        seed: of the draws.
        noise: words without a meaning.
        backgrounds: which backgrounds a caption may name with a scene; all when missing.
    """

    def __init__(
        self, items: Sequence[Item], seed: int, noise: Noise = NO_WORDS, backgrounds: Backgrounds | None = None
    ) -> None:
        self.random = Random(seed)
        self.backgrounds = backgrounds
        self.items = items
        self.english, self.chinese = name_items(items, MEANINGLESS_EN | MEANINGLESS_ZH)
        self.labels = {names.label for names in (*self.english, *self.chinese)}
        self.nonsense = next((i for i, item in enumerate(items) if item.label_en == NONSENSE_LABEL), 0)
        others = [[name for names in own for name in names.every] for own in (self.english, self.chinese)]
        self.writers = (
            English(self.random, noise.english, others[0]),
            Chinese(self.random, noise.chinese, others[1]),
        )

    def draw(self) -> Example:
        """One random example."""
        kind, chinese = self.random.random(), self.random.random() < 0.5
        writer = self.writers[chinese]
        if kind < NONSENSE:
            return Example(writer.nonsense(), Scene(self.nonsense, self.nonsense, 1, UNSPECIFIED))
        left = self._item()
        if kind < ONE:
            name, colour = self._thing(left, chinese, alone=True)
            return self._finish(self._one(name, writer), Scene(left, left, 1, UNSPECIFIED, colour, colour), writer)
        right = self._item()
        if kind < TWO and right != left:
            (first, colour), (second, other) = (self._thing(item, chinese, shared=True) for item in (left, right))
            scene = Scene(left, right, 2, UNSPECIFIED, colour, other)
            return self._finish(writer.two(first, second), scene, writer)
        count = self.random.choices((1, 2, 3, 4), (1, 3, 3, 3))[0]
        name, colour = self._thing(left, chinese)
        scene = Scene(left, left, count, UNSPECIFIED, colour, colour)
        return self._finish(writer.several(name, count), scene, writer)

    def draw_label(self, item: int, chinese: bool) -> Example:
        """The bare label of one item."""
        return Example(self._names(chinese)[item].label, Scene(item, item, 1, UNSPECIFIED))

    def _names(self, chinese: bool) -> list[Names]:
        return self.chinese if chinese else self.english

    def _item(self) -> int:
        return self.random.randrange(len(self.items))

    def _name(self, item: int, chinese: bool) -> str:
        if self.random.random() < MIXED:
            chinese = not chinese
        names = self._names(chinese)[item]
        pick = self.random.random()
        if names.aliases and pick < 0.45:
            return self.random.choice(names.aliases)
        if names.tags and pick > 0.9:
            return self.random.choice(names.tags)
        return names.label

    def _thing(self, item: int, chinese: bool, alone: bool = False, shared: bool = False) -> tuple[str, int]:
        """What the caption calls it, and its colour; beside another thing never that of the background."""
        name = self._name(item, chinese)
        writer = self.writers[chinese]
        if self.random.random() < MISSPELT:
            name = writer.misspelt(name)
        if self.random.random() >= COLOURED or has_colour(name):
            return name, NATURAL
        colour = self.random.randrange(len(PALETTE))
        coloured = writer.coloured(name, colour, alone)
        if coloured in self.labels or (shared and colour == NEUTRAL):  # "red apple" is a thing of its own
            return name, NATURAL
        return coloured, colour

    def _one(self, name: str, writer: English | Chinese) -> str:
        if self.random.random() < 0.2:
            return name
        while True:
            caption = writer.one(name)
            bare = caption.removeprefix("a ").removeprefix("一个").removeprefix("一只")
            if bare != name and bare in self.labels:
                return name
            if not any(template.split("{x}")[0].strip() in caption for template in writer.held_out):
                return caption

    def _finish(self, text: str, scene: Scene, writer: English | Chinese) -> Example:
        if self.random.random() > ON_BACKGROUND:
            return Example(text, scene)
        allowed = self.backgrounds(scene) if self.backgrounds else range(len(PALETTE))
        allowed = [background for background in allowed if background not in scene.colours]
        if not allowed:
            return Example(text, scene)
        background = self.random.choice(allowed)
        return Example(writer.on_background(text, background), scene.on(background))


def is_chinese(character: str) -> bool:
    """True for CJK ideographs."""
    return "\u4e00" <= character <= "\u9fff"


def has_colour(name: str) -> bool:
    """Whether a name already says a colour."""
    if any(word in name.split() for words in ENGLISH_COLOURS for word in words):
        return True
    return any(colour in name for colours in CHINESE_COLOURS for colour in colours if len(colour) == 1)


def template_words() -> list[str]:
    """Chinese words of the templates that may become one token."""
    words = ["一个", "一只", "一张", "一位", "一辆", "一幅", "背景", "左边", "右边", "左边是", "右边是", "旁边是"]
    words += ["两个", "三个", "四个", "在左", "在右", "背景是"]
    phrases = (*ADJECTIVES, *MEDIUMS, *TAGS, *VERBS, *(name for names in CHINESE_COLOURS for name in names))
    return words + [word for word in phrases if len(word) == 2 and is_chinese(word[0])]
