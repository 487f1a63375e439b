"""English phrasings: how a thing, two things or several of one are asked for."""

from training.nano.dataset.captions.noise import SYLLABLES
from training.nano.dataset.captions.writer import Writer

HELD_OUT = ("draw me a {x}", "could you sketch a {x} for us")

# by number of PALETTE
COLOURS = (
    ("red", "red", "scarlet", "crimson"),
    ("orange",),
    ("yellow", "yellow", "golden"),
    ("green", "green", "emerald", "lime green"),
    ("teal", "teal", "turquoise", "cyan"),
    ("blue", "blue", "navy blue", "azure", "sky blue"),
    ("purple", "purple", "violet", "lilac"),
    ("pink", "pink", "pink", "magenta"),
    ("brown", "brown", "chocolate brown"),
    ("gray", "grey", "gray", "silver"),
    ("black", "black", "jet black"),
    ("white", "white", "snow white"),
)
SHADES = ("bright", "dark", "light", "deep", "pale", "vivid", "pastel")
COLOURED = (
    "{x} in {c}", "{x} of {c} color", "{x} with {c} colour", "{c}-colored {x}", "{x} dyed {c}", "{x} all in {c}",
    "{x} which is {c}", "{c} version of a {x}", "{x}, but make it {c}", "{x} (in {c})", "{x}, color: {c}",
)  # fmt: skip

ONE = (
    "a {x}", "the {x}", "one {x}", "{x} icon", "a {x} icon", "{x} emoji", "an icon of a {x}", "a 3d icon of a {x}",
    "a 3d {x}", "a picture of a {x}", "an image of {x}", "a photo of a {x}", "a drawing of a {x}", "render of a {x}",
    "show me a {x}", "make a {x}", "generate a {x}", "i want a {x}", "please give me a {x}",
    "create an image of a {x}", "a single {x}", "{x}.", "my {x}", "a {x} for you", "just a {x}", "{x}, 3d render",
    "{x}, high quality", "a {x}, studio light", "draw a {x}", "paint me a {x}", "i would like a {x}", "give us a {x}",
    "only one {x}",
)  # fmt: skip
TWO = (
    "{a} and {b}", "a {a} and a {b}", "{a} and {b}", "a {a} next to a {b}", "{a} beside {b}", "{a}, {b}", "{a} & {b}",
    "a {a} and a {b}", "{a} on the left, {b} on the right", "a {a} on the left and a {b} on the right",
    "{a} left, {b} right", "a {a} to the left of a {b}", "{b} on the right, {a} on the left",
    "a {b} to the right of a {a}", "left: {a}, right: {b}", "{a} left of {b}", "{b} right of {a}", "a {a} with a {b}",
    "{a} plus {b}", "a {a} together with a {b}", "both a {a} and a {b}", "a {a} holding a {b}", "a {a} eating a {b}",
    "one {a}, one {b}", "a {a} beside a {b}", "the {a} and the {b}", "a {a} as well as a {b}",
    "a {a} alongside a {b}", "{a} + {b}",
)  # fmt: skip
NUMBERS = (
    ("one", "1", "a single", "exactly one", "just one", "only one"),
    ("two", "2", "a pair of", "a couple of", "exactly two", "both"),
    ("three", "3", "a trio of", "exactly three", "some", "several", "a few"),
    ("four", "4", "exactly four", "a group of four", "many", "lots of"),
)
COUNT = (
    "{n} {xs}", "{n} {xs}", "{n} {xs}", "{n} {adj} {xs}", "a picture of {n} {xs}", "an icon of {n} {xs}",
    "{n} {xs} in a row", "{xs}, {n} of them", "there are {n} {xs}", "{n} identical {xs}", "{n} {xs} together",
)  # fmt: skip
BACKGROUND = (
    "{s} on a {c} background", "{s} on a {c} background", "{s}, {c} background", "{s} on {c}", "{s}, {c} backdrop",
    "{s} with a {c} background", "{s} in front of a {c} background", "{c} background, {s}", "{s} against a {c} wall",
    "on a {c} background, {s}", "{s}. {c} background", "{s} on a plain {c} background", "{s} isolated on {c}",
    "{s} on a solid {c} backdrop", "{s} against {c}", "{s}, the background is {c}", "{s} with {c} behind it",
)  # fmt: skip
ADJECTIVES = (
    "cute", "small", "little", "big", "shiny", "friendly", "lovely", "beautiful", "simple", "nice", "tiny", "glossy",
    "large", "cool", "pretty", "funny", "colorful", "colourful", "adorable", "great", "detailed", "soft", "realistic",
    "happy", "sleepy", "elegant", "majestic", "fluffy", "magical", "vintage", "modern", "futuristic", "minimalist",
    "cartoon", "chubby", "gorgeous", "stylish", "wild", "old", "young", "fresh", "delicious", "ancient", "brand new",
    "giant", "huge", "perfect", "awesome", "amazing", "epic", "classic", "typical", "ordinary", "super cute",
    "very big", "really small", "wooden", "plastic", "metallic", "stylized", "round", "lonely", "proud", "smiling",
    "lovable",
)  # fmt: skip
OPENINGS = (
    "", "", "", "please", "hey,", "hi!", "hello,", "um,", "ok,", "so", "well,", "yo", "could you", "can you",
    "would you", "can u", "could you please", "please can you", "i'd like you to", "i want you to", "i need you to",
    "let's", "kindly", "would it be possible to", "i was wondering if you could", "is it possible to",
    "maybe you can", "try to", "just", "for my kid,", "my daughter wants you to", "today i feel like you should",
    "would you mind if i ask you to",
)  # fmt: skip
VERBS = (
    "draw", "make", "paint", "create", "generate", "render", "show", "give me", "design", "produce", "sketch",
    "show me", "make me", "imagine", "illustrate", "get me", "do", "bring me", "draw us", "picture", "send me",
    "i want", "i need", "i would love", "how about", "what about", "i'd like to see", "let me see", "something like",
    "i'm looking for",
)  # fmt: skip
MEDIUMS = (
    "photo", "photograph", "picture", "image", "portrait", "painting", "oil painting", "watercolor", "drawing",
    "sketch", "illustration", "render", "3d render", "close-up", "macro shot", "digital art", "concept art",
    "pixel art", "poster", "wallpaper", "logo", "icon", "sticker", "cartoon", "scene", "view", "snapshot", "artwork",
    "vector graphic", "depiction", "rendering", "clipart", "doodle", "still life", "study", "shot",
    "selfie style photo", "film still", "headshot",
)  # fmt: skip
STYLES = (
    "cinematic", "professional", "hyperrealistic", "detailed", "high quality", "stunning", "beautiful", "minimalist",
    "vintage", "surreal", "dramatic", "cozy", "anime", "low poly", "isometric", "cyberpunk", "steampunk", "vibrant",
    "dreamy", "award winning", "black ink", "impressionist", "baroque", "vaporwave", "flat", "retro", "gothic",
    "whimsical", "epic",
)  # fmt: skip
TAGS = (
    "4k", "8k", "hd", "uhd", "high resolution", "highly detailed", "masterpiece", "best quality", "sharp focus",
    "bokeh", "cinematic lighting", "studio lighting", "soft light", "volumetric light", "golden hour",
    "ultra realistic", "realistic", "photorealistic", "trending on artstation", "unreal engine", "octane render",
    "35mm", "50mm lens", "f/1.8", "raw photo", "depth of field", "intricate details", "digital painting",
    "concept art", "vector art", "flat design", "pixel art", "watercolor", "oil on canvas", "anime style",
    "pixar style", "disney style", "studio ghibli", "minimalism", "hdr", "award winning", "professional photo",
    "no text", "no people", "centered", "full body", "close up", "wide angle", "dramatic shadows", "vivid colors",
    "pastel colors", "smooth", "cute", "kawaii", "simple", "clean", "1girl", "absurdres", "thanks", "thank you",
    "please", "pls", "thx", "cheers", "in high quality", "for my blog", "for a birthday card", "isolated",
    "front view", "side view", "top view", "symmetrical", "aesthetic", "soft shadows", "ray tracing",
)  # fmt: skip
PLACES = (
    "in the forest", "in a dark forest", "in the woods", "on a wooden table", "on the table", "on a plate",
    "in the garden", "in a meadow", "on the grass", "in the snow", "in winter", "on the beach", "by the sea",
    "at the seaside", "in the sky", "in space", "on the moon", "on mars", "under water", "under the sea",
    "in the ocean", "on the street", "in the city", "in new york", "in tokyo", "in paris", "at night", "at sunset",
    "at dawn", "in the morning", "in the rain", "in the fog", "in the desert", "in the mountains", "on a hill",
    "by the river", "near a lake", "by the window", "on the windowsill", "in the kitchen", "in the living room",
    "on the sofa", "on the bed", "on a shelf", "on my desk", "in the office", "at school", "in a library",
    "in a cafe", "in a museum", "in the park", "on a farm", "in the jungle", "under a tree", "on a tree", "on a roof",
    "on a road", "in the middle of nowhere", "in front of a house", "behind a fence", "in a box",
    "in a field of flowers", "among flowers", "under the stars", "under the moon", "in the sun", "in a castle",
    "in a cave", "on a chair", "on the floor", "in the air", "on a mountain top", "at the zoo", "at the market",
    "in the bathroom", "in the countryside", "in a glass jar", "in a basket", "on a white plate", "next to a wall",
    "with a blurry background", "in spring", "in autumn", "on a sunny day", "at the party", "on ice", "in the clouds",
    "surrounded by leaves",
)  # fmt: skip
PREPOSITIONS = (
    "in the", "in a", "on the", "on a", "under the", "near the", "at the", "by the", "behind the", "inside a",
    "below a", "in front of a", "close to the", "above the", "on top of a", "beneath a", "in the middle of a",
    "among the",
)  # fmt: skip
SURE_PREPOSITIONS = (
    "in the",
    "on the",
    "on a",
    "under the",
    "in front of a",
    "inside a",
    "by the",
    "at the",
    "behind the",
)
ACTIONS = (
    "sitting", "standing", "sleeping", "running", "playing", "lying", "resting", "walking", "looking at you",
    "smiling", "waiting", "jumping", "flying", "glowing", "shining", "dancing", "parked", "hanging",
    "posing for the camera", "alone", "relaxing", "moving fast", "covered in dew", "ready to go", "seen from above",
    "being happy", "in motion", "all alone",
)  # fmt: skip
DETAILS = (
    "with {w}", "with a {w}", "with a {c} {w}", "with {c} {w}", "with {n} {w}s", "with {w} and {v}", "and {w}",
    "full of {w}", "made of {w}", "covered in {w}", "wearing a {w}", "wearing a {c} {w}", "holding a {w}", "for {w}",
    "like a {w}", "in a {c} {w}", "with {w} {v} and {c} {u}", "without {w}", "from {w}", "with its {w} {v}",
    "about {w}", "in the style of {w}", "inspired by {w} and {v}", "that feels {w}", "of the {w} kind",
    "next to some {w}",
)  # fmt: skip
# small words: with random ones between they make sentences of any length
GLUE = (
    "and", "with", "of", "for", "to", "in", "that", "which", "is", "was", "it", "should", "very", "really", "some",
    "my", "your", "our", "this", "these", "but", "so", "then", "just", "like", "as", "by", "from", "at", "be", "have",
    "has", "looks", "feels", "make", "please", "could", "would", "can", "you", "we", "i", "me", "us", "want", "need",
    "draw", "picture", "see", "get", "try", "let", "today", "now", "here", "there", "quickly", "nicely", "simply",
    "maybe", "perhaps", "hello", "thanks", "kindly", "friend", "version", "style", "kind", "illustration", "artwork",
    "graphic", "design", "model", "scene", "view", "look", "thing", "something", "shows", "showing", "called",
    "named", "again", "the", "another", "only", "first", "a", "an", "not", "no", "more", "if", "or", "will", "how",
    "what", "who", "where",
)  # fmt: skip
ENDINGS = (
    "",
    "",
    "",
    "",
    ".",
    "!",
    "?",
    "...",
    " please",
    " please.",
    ", thanks",
    ", thank you!",
    " :)",
    " thx",
    " ok?",
)
IRREGULAR = {
    "mouse": "mice", "wolf": "wolves", "goose": "geese", "fish": "fish", "sheep": "sheep", "deer": "deer",
    "ox": "oxen", "child": "children", "man": "men", "woman": "women", "person": "people", "foot": "feet",
    "tooth": "teeth", "leaf": "leaves", "knife": "knives", "elf": "elves", "loaf": "loaves", "bison": "bison",
    "squid": "squid", "shrimp": "shrimp", "moose": "moose", "cactus": "cacti", "policeman": "policemen",
    "snowman": "snowmen", "fireman": "firemen", "scarf": "scarves", "grandchild": "grandchildren",
    "butterfly": "butterflies",
}  # fmt: skip
MEANINGLESS = frozenset(
    {word for phrase in (*ADJECTIVES, *GLUE, *VERBS, *STYLES, *TAGS, *ACTIONS, *SHADES) for word in phrase.split()}
    | {colour for colours in COLOURS for colour in colours}
    | {word for numbers in NUMBERS for word in numbers}
)
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def plural(name: str) -> str:
    """The plural of the last word; the model need not be a grammarian."""
    before, _, last = name.rpartition(" ")
    if last in IRREGULAR:
        many = IRREGULAR[last]
    elif last.endswith(("s", "x", "ch", "sh")):
        many = last + "es"
    elif last.endswith("y") and last[-2:-1] not in ("a", "e", "o", "u"):
        many = last[:-1] + "ies"
    else:
        many = last + "s"
    return f"{before} {many}".strip()


def with_article(text: str) -> str:
    """Turns "a apple" into "an apple"."""
    words = text.split(" ")
    pairs = zip(words, [*words[1:], ""], strict=True)
    return " ".join("an" if word == "a" and after[:1] in tuple("aeiou") else word for word, after in pairs)


class English(Writer):
    """Writes captions; names come in, the rest is drawn at random."""

    held_out = HELD_OUT
    colours, adjectives = COLOURS, ADJECTIVES

    def coloured(self, name: str, colour: int, alone: bool) -> str:
        """A thing in a colour of its own, which may be said after it where the thing stands alone."""
        word, pick = self.colour(colour), self.random.random()
        if pick < 0.15:
            word = f"{self.random.choice(SHADES)} {word}"
        if pick > 0.75 and alone:
            return self.random.choice(COLOURED).format(x=name, c=word)
        return f"{self._adjective()} {word} {name}" if 0.65 < pick < 0.75 else f"{word} {name}"

    def one(self, name: str) -> str:
        """One thing, named among words that say nothing."""
        if self.random.random() < 0.2:
            return with_article(self.random.choice(ONE).format(x=self._described(name)))
        pick = self.random.random()
        subject = self._subject(name)
        if pick < 0.2:
            return with_article(subject)
        if pick < 0.52:
            return self._listed(subject)
        if pick < 0.64:
            return with_article(self._amid_noise(subject))
        return self._sentence(subject)

    def two(self, left: str, right: str) -> str:
        """Two things, the first on the left unless the words say otherwise."""
        names = {"a": left, "b": right}
        if self.random.random() < 0.3:
            names = {key: self._described(name) for key, name in names.items()}
        text = self.random.choice(TWO).format(**names)
        if self.random.random() < 0.6:
            return with_article(text)
        return self._sentence(text, places=PLACES)

    def several(self, name: str, count: int) -> str:
        """So many of one thing; 3 may be left unsaid."""
        number = self.random.choice(NUMBERS[count - 1][: 2 if self.random.random() < 0.5 else None])
        if count == 1:
            return self._sentence(f"{number} {name}") if self.random.random() < 0.4 else f"{number} {name}"
        many = plural(name)
        if self.random.random() < 0.1:
            many = name
        template = self.random.choice(COUNT)
        alone = template.endswith("of them") or not template.startswith(("{n}", "a", "there"))
        text = template.format(n=number.removesuffix(" of") if alone else number, xs=many, adj=self._adjective())
        if count == 3 and self.random.random() < 0.15 and plural(name) != name and not name.endswith("s"):
            text = plural(name)
        return text if self.random.random() < 0.6 else self._sentence(text, places=PLACES)

    def on_background(self, text: str, colour: int) -> str:
        """What was asked for, on a named colour."""
        return with_article(self.random.choice(BACKGROUND).format(s=text.rstrip(".!?"), c=self.colour(colour)))

    def nonsense(self) -> str:
        """Words that name nothing."""
        pick = self.random.random()
        if pick < 0.25:
            lengths = [self.random.randint(1, 3) for _ in range(self.random.randint(1, 6))]
            return " ".join("".join(self.random.choices(SYLLABLES, k=length)) for length in lengths)
        if pick < 0.4:
            return " ".join(self.random.choices(self.words, k=self.random.randint(1, 3)))
        if pick < 0.6:
            return self._noise(self.random.randint(2, 12))
        return English(self.random, self.words, self.words).one(self._word())

    def misspelt(self, name: str) -> str:
        """A name with one letter wrong."""
        places = [i for i in range(1, len(name)) if name[i].isalpha()]
        if len(name) < 5 or not places:
            return name
        at = self.random.choice(places)
        kind = self.random.randrange(4)
        if kind == 0:
            return name[:at] + name[at + 1 :]
        if kind == 1:
            return name[:at] + name[at] + name[at:]
        if kind == 2 and at + 1 < len(name):
            return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
        return name[:at] + self.random.choice(ALPHABET) + name[at + 1 :]

    def _described(self, name: str) -> str:
        number = self.random.choice((0, 0, 1, 1, 1, 2))
        words = [self._adjective() if self.random.random() < 0.7 else self._word() for _ in range(number)]
        return " ".join([*words, name])

    def _noise(self, length: int) -> str:
        return " ".join(self.random.choice(GLUE) if self.random.random() < 0.5 else self._word() for _ in range(length))

    def _subject(self, name: str) -> str:
        article = self.random.choice(("a ", "a ", "a ", "the ", "", "", "my ", "one ", "some kind of ", "this "))
        return article + self._described(self._weighted(name))

    def _weighted(self, name: str) -> str:
        pick = self.random.random()
        if pick < 0.05:
            return f"({name}:{self.random.choice(('0.8', '1.1', '1.2', '1.3', '1.5'))})"
        if pick < 0.07:
            return f"({name})"
        if pick < 0.09:
            return f"(({name}))"
        return name

    def _place(self, places: tuple[str, ...] = ()) -> str:
        pick = self.random.random()
        if places or pick < 0.6:
            return self.random.choice(places or PLACES)
        if pick < 0.75:  # a thing, but only where the one that is meant is
            return f"{self.random.choice(SURE_PREPOSITIONS)} {self.random.choice(self.others)}"
        adjective = self.random.choice(("", "", f"{self._adjective()} "))
        return f"{self.random.choice(PREPOSITIONS)} {adjective}{self._word()}"

    def _detail(self) -> str:
        """Something about a thing that names no other, with a colour or a number now and then."""
        words = {key: self._word() for key in ("v", "w", "u")}
        colour, number = self.colour(self.random.randrange(len(COLOURS))), self.random.choice(("two", "three", "four"))
        return self.random.choice(DETAILS).format(**words, c=colour, n=number)

    def _phrase(self) -> str:
        """An item of a list of tags: a known one, or a few words at random."""
        pick = self.random.random()
        if pick < 0.5:
            return self.random.choice(TAGS)
        if pick < 0.6:
            return self._detail()
        words = [self._word() for _ in range(self.random.choice((1, 1, 2, 2, 3)))]
        return " ".join([self._adjective(), *words] if pick > 0.85 else words)

    def _listed(self, subject: str) -> str:
        tags = [self._phrase() for _ in range(7)]
        before = self.random.choice((0, 0, 0, 1, 2))
        after = self.random.randint(1, 5)
        separator = self.random.choice((", ", ", ", ", ", ",", " ", ". "))
        return with_article(separator.join([*tags[:before], subject, *tags[before : before + after]]))

    def _amid_noise(self, subject: str) -> str:
        before, after = self._noise(self.random.randint(0, 5)), self._noise(self.random.randint(0, 7))
        return f"{before} {subject} {after}".strip()

    def _sentence(self, subject: str, places: tuple[str, ...] = ()) -> str:
        parts = []
        if self.random.random() < 0.5:
            parts += [self.random.choice(OPENINGS), self.random.choice(VERBS)]
        if self.random.random() < 0.4:
            style = self.random.choice(("", "", *STYLES))
            link = self.random.choice(("of", "of", "of", "with", "featuring", "showing", "depicting"))
            parts.append(f"a {style} {self.random.choice(MEDIUMS)} {link}")
        parts.append(subject)
        if self.random.random() < 0.35:
            parts.append(self.random.choice(ACTIONS))
        if self.random.random() < 0.2:
            parts.append(self._detail())
        if self.random.random() < 0.45:
            parts.append(self._place(places))
        if self.random.random() < 0.12:
            parts.append(self._place(places))
        text = " ".join(" ".join(part for part in parts if part).split())
        if self.random.random() < 0.25:
            text += f"{self.random.choice((',', ',', '.', ' and'))} {self._noise(self.random.randint(3, 20))}"
        if self.random.random() < 0.35:
            text += "".join(f", {self._phrase()}" for _ in range(self.random.randint(1, 5)))
        return with_article(text + self.random.choice(ENDINGS))
