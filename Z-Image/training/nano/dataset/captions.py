"""Captions for scenes, in English and Chinese, and the phrasings kept out of training."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from training.nano.dataset.material import Item
from training.nano.dataset.scenes import PALETTE, UNSPECIFIED, Scene

HELD_OUT_EN = ("draw me a {x}", "could you sketch a {x} for us")
HELD_OUT_ZH = ("请画一个{x}", "帮我弄出一幅{x}吧")

ONE_EN = (
    "a {x}", "a {x}", "the {x}", "one {x}", "{x} icon", "a {x} icon", "{x} emoji", "an icon of a {x}",
    "a 3d icon of a {x}", "a 3d {x}", "a picture of a {x}", "an image of {x}", "a photo of a {x}",
    "a drawing of a {x}", "render of a {x}", "show me a {x}", "show a {x}", "make a {x}", "generate a {x}",
    "i want a {x}", "please give me a {x}", "create an image of a {x}", "a single {x}", "{x}.", "my {x}",
    "a {adj} {x}", "{adj} {x}", "a {adj} {adj} {x}", "a {adj} {x} icon", "a picture of a {adj} {x}",
    "a {x} for you", "just a {x}", "{x}, 3d render", "{x}, high quality", "a {adj} {x}, studio light",
    "draw a {x}", "draw the {x}", "draw one {x} for me", "can you make a {x}", "could you create a {x} for me",
    "paint me a {x}", "please paint a {x} for us", "let me see a {x}", "we need a {x}", "i would like a {x}",
    "would you design a {x} for us", "give us a {x}", "show us one {x}", "make me a {adj} {x}", "could i have a {x}",
)  # fmt: skip
ONE_ZH = (
    "一个{x}", "一个{x}", "一只{x}", "一张{x}", "一辆{x}", "{x}图标", "{x}表情", "{x}的图片", "一张{x}的图片",
    "{x}的照片", "一幅{x}的画", "给我一个{x}", "我想要{x}", "我要一个{x}", "生成一个{x}", "请生成{x}", "来一个{x}",
    "3d{x}", "{x}，3d图标", "{adj}{x}", "一个{adj}{x}", "一只{adj}{x}", "一位{x}", "这是{x}", "{x}。",
    "画一张{x}的图", "请给我看{x}", "画一个{x}", "画{x}", "请做一个{x}", "帮我画{x}", "帮我做一个{x}吧",
    "请你画一只{x}", "能不能画一个{x}", "给我们弄一个{x}", "做一幅{x}的图吧", "来一幅{x}", "我想看{x}",
    "请帮我生成一个{adj}{x}", "麻烦画个{x}",
)  # fmt: skip
TWO_EN = (
    "{a} and {b}", "a {a} and a {b}", "{a} and {b}", "a {a} next to a {b}", "{a} beside {b}", "{a}, {b}",
    "{a} on the left, {b} on the right", "a {a} on the left and a {b} on the right", "{a} left, {b} right",
    "a {a} to the left of a {b}", "{b} on the right, {a} on the left", "a {b} to the right of a {a}",
    "left: {a}, right: {b}", "{a} left of {b}", "{b} right of {a}", "a {a} with a {b}",
)  # fmt: skip
TWO_ZH = (
    "{a}和{b}", "{a}和{b}", "一个{a}和一个{b}", "{a}与{b}", "{a}、{b}", "左边是{a}，右边是{b}", "左边{a}，右边{b}",
    "{a}在左，{b}在右", "{a}在左边，{b}在右边", "{a}在{b}的左边", "{b}在{a}的右边", "右边是{b}，左边是{a}",
    "左{a}右{b}", "{a}旁边是{b}",
)  # fmt: skip
COUNT_EN = ("{n} {xs}", "{n} {xs}", "{n} {x}", "{n} {adj} {xs}", "a picture of {n} {xs}", "an icon of {n} {xs}")
COUNT_ZH = ("{n}个{x}", "{n}个{x}", "{n}只{x}", "{n}个{adj}{x}", "{n}个{x}的图片", "{n}张{x}")
NUMBERS_EN = (("two", "2"), ("three", "3"), ("four", "4"))
NUMBERS_ZH = (("两", "2", "二"), ("三", "3"), ("四", "4"))
BACKGROUND_EN = (
    "{s} on a {c} background", "{s} on a {c} background", "{s}, {c} background", "{s} on {c}",
    "{s} with a {c} background", "{s} in front of a {c} background", "{c} background, {s}",
    "on a {c} background, {s}", "{s}. {c} background",
)  # fmt: skip
BACKGROUND_ZH = (
    "{s}，{c}背景", "{s}，{c}背景", "{s}，背景是{c}", "{c}背景的{s}", "{c}背景上的{s}", "{c}背景，{s}",
    "{s}，{c}的背景", "在{c}背景上的{s}", "{s}{c}背景",
)  # fmt: skip
ADJECTIVES_EN = (
    "cute", "small", "little", "big", "shiny", "friendly", "lovely", "beautiful", "simple", "nice", "tiny", "glossy",
    "large", "cool", "pretty", "funny", "colorful", "colourful", "adorable", "great", "detailed", "soft",
)  # fmt: skip
ADJECTIVES_ZH = (
    "可爱的", "小小的", "大大的", "漂亮的", "美丽的", "简单的", "友好的", "闪亮的", "好看的", "精美的", "小", "大",
    "有趣的", "彩色的",
)  # fmt: skip
# words that mean nothing to the picture: mixed around a name at random, so that no phrasing is a surprise
FILLERS_EN = (
    "please", "could", "would", "can", "you", "we", "us", "me", "i", "for", "my", "your", "our", "some", "draw",
    "make", "paint", "create", "want", "need", "like", "see", "have", "get", "try", "let", "really", "very", "today",
    "now", "here", "there", "this", "that", "it", "is", "be", "to", "of", "in", "with", "quickly", "nicely", "simply",
    "maybe", "perhaps", "just", "so", "then", "hello", "thanks", "kindly", "friend", "version", "style", "kind",
    "illustration", "artwork", "painting", "graphic", "design", "model", "picture", "scene", "view", "look", "thing",
    "something", "which", "shows", "depicting", "showing", "called", "named", "again", "another", "only", "first",
)  # fmt: skip
FILLERS_ZH = (
    "请", "你", "我", "我们", "帮", "给", "要", "想", "能", "可以", "吗", "吧", "呢", "啊", "的", "画", "做", "弄",
    "搞", "来", "看", "看看", "一下", "出", "一", "个", "幅", "张", "只", "这", "那", "是", "有", "图", "图片", "插图",
    "作品", "谢谢", "你好", "麻烦", "现在", "今天", "再", "就", "也", "很", "真", "大家", "朋友", "设计", "创作",
    "绘制", "展示",
)  # fmt: skip
SYLLABLES = (
    "bla", "zor", "qui", "xum", "fre", "plo", "wug", "nix", "tar", "gli", "oon", "vek", "sni", "ump", "asdf", "qwe",
    "zxc", "lorem", "foo", "jkl",
)  # fmt: skip
SYLLABLES_ZH = "之乎者也嗯啊呃某何其兮哉矣焉夫咦哼"
NONSENSE_LABEL = "thinking face"
MAX_ITEMS_A_TAG = 2
FILLED_SHARE = 0.15
MOST_FILLERS = 4


@dataclass(frozen=True)
class Example:
    """A caption and the scene that it asks for."""

    caption: str
    scene: Scene


@dataclass(frozen=True)
class Names:
    """The names of one item, label first, in one language."""

    label: str
    tags: tuple[str, ...]


def unique_names(items: Sequence[Item]) -> tuple[list[Names], list[Names]]:
    """Names in English and Chinese; tags only where they name at most two things."""
    return (
        _names([item.label_en for item in items], [item.tags_en for item in items]),
        _names([item.label_zh for item in items], [item.tags_zh for item in items]),
    )


def _names(labels: list[str], tags: list[tuple[str, ...]]) -> list[Names]:
    labels = [label.lower().replace("’", "'") for label in labels]
    taken = set(labels)
    uses = Counter(tag.lower() for own in tags for tag in set(own))
    return [
        Names(
            label,
            tuple(tag for tag in own if uses[tag.lower()] <= MAX_ITEMS_A_TAG and tag.lower() not in taken),
        )
        for label, own in zip(labels, tags, strict=True)
    ]


def plural(name: str) -> str:
    """A plain English plural; the model need not be a grammarian."""
    if name.endswith(("s", "x", "ch", "sh")):
        return name + "es"
    if name.endswith("y") and name[-2:-1] not in ("a", "e", "o", "u"):
        return name[:-1] + "ies"
    return name + "s"


def with_article(text: str) -> str:
    """Turns "a apple" into "an apple"."""
    words = text.split(" ")
    pairs = zip(words, [*words[1:], ""], strict=True)
    return " ".join("an" if word == "a" and after[:1] in tuple("aeiou") else word for word, after in pairs)


Backgrounds = Callable[[int, int, int], Sequence[int]]


class CaptionSource:
    """Draws captions with their scenes: one thing 65 %, two things 20 %, several of one 15 %.

    Args:
        items: what can be drawn.
        seed: of the draws.
        backgrounds: which backgrounds a caption may name, given left, right and count; all when missing.
    """

    def __init__(self, items: Sequence[Item], seed: int, backgrounds: Backgrounds | None = None) -> None:
        self.random = Random(seed)
        self.backgrounds = backgrounds
        self.items = items
        self.english, self.chinese = unique_names(items)
        self.labels = {names.label for names in (*self.english, *self.chinese)}
        self.nonsense = next((i for i, item in enumerate(items) if item.label_en == NONSENSE_LABEL), 0)

    def draw(self) -> Example:
        """One random example."""
        kind = self.random.random()
        chinese = self.random.random() < 0.5
        if kind < 0.02:
            return Example(self._nonsense(), Scene(self.nonsense, self.nonsense, 1, UNSPECIFIED))
        left = self._item()
        if kind < 0.65:
            return self._finish(self._one(left, chinese), left, left, 1, chinese)
        if kind < 0.85:
            right = self._item()
            if right != left:
                return self._finish(self._two(left, right, chinese), left, right, 2, chinese)
        count = self.random.randint(2, 4)
        return self._finish(self._several(left, count, chinese), left, left, count, chinese)

    def draw_label(self, item: int, chinese: bool) -> Example:
        """The bare label of one item."""
        return Example(self._names(chinese)[item].label, Scene(item, item, 1, UNSPECIFIED))

    def _names(self, chinese: bool) -> list[Names]:
        return self.chinese if chinese else self.english

    def _item(self) -> int:
        return self.random.randrange(len(self.items))

    def _name(self, item: int, chinese: bool) -> str:
        names = self._names(chinese)[item]
        use_tag = names.tags and self.random.random() < 0.2
        return self.random.choice(names.tags).lower() if use_tag else names.label

    def _fill(self, template: str, chinese: bool, **words: str) -> str:
        while "{adj}" in template:
            template = template.replace("{adj}", self._adjective(chinese), 1)
        text = template.format(**words)
        return text if chinese else with_article(text)

    def _adjective(self, chinese: bool) -> str:
        if self.random.random() < 0.25:
            english, in_chinese, _ = self.random.choice(PALETTE)
            return in_chinese[0] + "的" if chinese else english
        return self.random.choice(ADJECTIVES_ZH if chinese else ADJECTIVES_EN)

    def _one(self, item: int, chinese: bool) -> str:
        name = self._name(item, chinese)
        if self.random.random() < 0.4:
            return name
        if self.random.random() < FILLED_SHARE:
            return self._amid_fillers(name, chinese)
        caption = self._fill(self.random.choice(ONE_ZH if chinese else ONE_EN), chinese, x=name)
        bare = caption.removeprefix("a ").removeprefix("一个").removeprefix("一只")
        return name if bare != name and bare in self.labels else caption  # "red apple" is a thing of its own

    def _amid_fillers(self, name: str, chinese: bool) -> str:
        while True:
            before, after = (self._fillers(chinese) for _ in range(2))
            if chinese:
                caption = f"{before}{name}{after}"
                held_out = HELD_OUT_ZH
            else:
                article = self.random.choice(("", "a ", "the "))
                caption = with_article(f"{before} {article}{name} {after}".strip())
                held_out = HELD_OUT_EN
            if not any(template.split("{x}")[0].strip() in caption for template in held_out):
                return caption

    def _fillers(self, chinese: bool) -> str:
        words = self.random.choices(FILLERS_ZH if chinese else FILLERS_EN, k=self.random.randint(0, MOST_FILLERS))
        return ("" if chinese else " ").join(words)

    def _two(self, left: int, right: int, chinese: bool) -> str:
        names = {"a": self._name(left, chinese), "b": self._name(right, chinese)}
        return self._fill(self.random.choice(TWO_ZH if chinese else TWO_EN), chinese, **names)

    def _several(self, item: int, count: int, chinese: bool) -> str:
        name = self._name(item, chinese)
        number = self.random.choice((NUMBERS_ZH if chinese else NUMBERS_EN)[count - 2])
        template = self.random.choice(COUNT_ZH if chinese else COUNT_EN)
        return self._fill(template, chinese, n=number, x=name, xs=plural(name))

    def _finish(self, text: str, left: int, right: int, count: int, chinese: bool) -> Example:
        if self.random.random() > 0.4:
            return Example(text, Scene(left, right, count, UNSPECIFIED))
        allowed = self.backgrounds(left, right, count) if self.backgrounds else range(len(PALETTE))
        background = self.random.choice(allowed)
        english, in_chinese, _ = PALETTE[background]
        colour = self.random.choice(in_chinese) if chinese else english
        if colour == "gray" and self.random.random() < 0.5:
            colour = "grey"
        template = self.random.choice(BACKGROUND_ZH if chinese else BACKGROUND_EN)
        return Example(template.format(s=text, c=colour), Scene(left, right, count, background))

    def _nonsense(self) -> str:
        length = self.random.randint(1, 6)
        if self.random.random() < 0.3:
            return "".join(self.random.choices(SYLLABLES_ZH, k=length))
        parts = ["".join(self.random.choices(SYLLABLES, k=self.random.randint(1, 3))) for _ in range(length)]
        return " ".join(parts)


def template_words() -> list[str]:
    """Chinese words of the templates that may become one token."""
    words = ["一个", "一只", "一张", "一位", "一辆", "一幅", "背景", "图标", "图片", "照片", "左边", "右边", "左边是"]
    words += [
        "右边是",
        "旁边是",
        "生成",
        "请生成",
        "给我",
        "我想要",
        "我要",
        "表情",
        "背景是",
        "两个",
        "三个",
        "四个",
        "在左",
        "在右",
    ]
    words += [name for _, names, _ in PALETTE for name in names if len(name) > 1]
    return words + list(ADJECTIVES_ZH)
