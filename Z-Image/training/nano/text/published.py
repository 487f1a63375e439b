"""What a published transformer is to read from the text encoder's registers.

It was taught to read its own text encoder, so it has habits of its own. That encoder understands plain captions of
one thing: what it says of them is wanted as it is. What it cannot say, a thing in a colour or several things, is
described by linear maps of the latents that are to be drawn.

Besides the registers the token before them is taught, the end of the prompt, which has seen all of it: a transformer
may have learned to look for the background's name among the words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, one_hot, pad, rms_norm
from transformers import Qwen2Tokenizer, Qwen3Model

from training.loop.precision import fast_products
from training.nano.dataset.captions.english import with_article
from training.nano.dataset.captions.source import CaptionSource
from training.nano.dataset.scenes import NATURAL, PALETTE, UNSPECIFIED, Scene
from training.nano.layout import LOUDNESS, TextSizes, build_text_encoder
from training.nano.sampling import tokenize
from training.nano.text.codes import Codes
from training.nano.text.forward import encode_ids, split_tokens
from training.nano.text.reading import CELL_VALUES, EPS, Affine, cells_of, quieten
from training.nano.text.tokenizer import REGISTERS, build_tokenizer

BATCH = 128
END = 1  # the token before the registers
READ = END + len(REGISTERS)
PLAIN_SCENES = 4000  # with several things or on a background, beside every thing by itself


@dataclass(frozen=True)
class Reader:
    """A caption embedder as one linear map of normalised tokens: weight (256, hidden) and bias (256,)."""

    weight: Tensor
    bias: Tensor

    @classmethod
    def of(cls, transformer: dict[str, Tensor]) -> "Reader":
        """From a transformer's parameters by name."""
        weight = transformer["cap_embedder.1.weight"] * transformer["cap_embedder.0.weight"]
        bias = transformer["cap_embedder.1.bias"]
        missing = CELL_VALUES - len(weight)
        return cls(pad(weight.float(), (0, 0, 0, missing)), pad(bias.float(), (0, missing)))

    def __call__(self, tokens: Tensor) -> Tensor:
        """Tokens (..., hidden) as they are read, (..., 256)."""
        return linear(rms_norm(tokens, (tokens.shape[-1],), eps=EPS), self.weight, self.bias)


class Published:
    """A published text encoder and what its transformer reads from it.

    Args:
        adopted: what `adopt` wrote.
        source: names of the things.
        targets: latents of the things.
    """

    def __init__(self, adopted: dict[str, Any], source: CaptionSource, targets: Codes) -> None:
        self.source, self.targets = source, targets
        merges = [tuple(pair) for pair in adopted["merges"]]
        self.tokenizer: Qwen2Tokenizer = build_tokenizer(adopted["vocabulary"], merges)
        self.encoder: Qwen3Model = build_text_encoder(TextSizes(), len(self.tokenizer))
        self.encoder.load_state_dict(adopted["text_encoder"])
        quieten(self.encoder, LOUDNESS)
        self.reader = Reader.of(adopted["transformer"])
        self.known: dict[Scene, Tensor] = {}
        self._fit(plain_scenes(len(source.items), PLAIN_SCENES))

    @torch.no_grad()
    def _fit(self, scenes: Sequence[Scene]) -> None:
        tokens, self.words = self._read(scenes)
        said, drawn = tokens[:, END + 1 :].flatten(0, 1), cells_of(scenes, self.targets)
        self.cells = Affine.fit(drawn, said)
        self.scene = Affine.fit(describe(scenes), tokens[:, END])
        self.spread = torch.stack([variance(tokens[:, 0]), variance(tokens[:, END]), variance(said)])
        share = 1 - (self.cells(drawn) - said).square().mean() / self.spread[-1]
        print(f"the published drafts are described to {float(share):.3f} of their variance", flush=True)

    def _read(self, scenes: Sequence[Scene]) -> tuple[Tensor, Tensor]:
        """End and registers (scenes, 18, 256) in the order of the scenes, and the mean of the other words (256,)."""
        captions = [plain_caption(self.source, scene) for scene in scenes]
        order = sorted(range(len(captions)), key=lambda index: len(captions[index].encode()))
        read = torch.empty(len(captions), READ, CELL_VALUES)
        words = []
        for start in range(0, len(order), BATCH):
            group = order[start : start + BATCH]
            ids, lengths = tokenize(self.tokenizer, [captions[index] for index in group])
            with fast_products():
                tokens = encode_ids(self.encoder, ids)
            read[group], own = split_tokens(self.reader(tokens.float()), lengths, END)
            words.append(own)
        return read, torch.cat(words).mean(0)

    @torch.no_grad()
    def wanted(self, scenes: Sequence[Scene]) -> Tensor:
        """What is to be read from the end of the prompt and the registers, (scenes, 18, 256)."""
        plain = [in_own_colours(scene) for scene in scenes]
        self._learn(set(plain))
        wanted = torch.stack([self.known[scene] for scene in plain]).float()
        wanted[:, END] = self.scene(describe(scenes))
        wanted[:, END + 1 :] = self.cells(cells_of(scenes, self.targets)).view(len(scenes), -1, CELL_VALUES)
        single = [index for index, scene in enumerate(scenes) if scene.count == 1]
        if single:
            own = [plain[index] for index in single]
            wanted[single] = torch.stack([self.known[scene] for scene in own]).float()
            drawn, natural = (cells_of(group, self.targets) for group in ([scenes[index] for index in single], own))
            wanted[single, END + 1 :] += linear(drawn - natural, self.cells.weight).view(len(single), -1, CELL_VALUES)
        return wanted

    def _learn(self, scenes: set[Scene]) -> None:
        unknown = [scene for scene in scenes if scene not in self.known]
        if unknown:
            tokens, _ = self._read(unknown)
            self.known.update(zip(unknown, tokens.half(), strict=True))


def variance(values: Tensor) -> Tensor:
    """Mean squared distance of the values of (N, values) from their mean."""
    return (values - values.mean(0)).square().mean()


def describe(scenes: Sequence[Scene]) -> Tensor:
    """Background, and whether there are several things, as ones among zeros, (scenes, 13 + 1)."""
    backgrounds = one_hot(torch.tensor([scene.named_background for scene in scenes]), len(PALETTE) + 1)
    several = torch.tensor([[scene.count > 1] for scene in scenes])
    return torch.cat([backgrounds, several], dim=1).float()


def in_own_colours(scene: Scene) -> Scene:
    """The first thing by itself in its own colours, on the background that the scene is drawn on."""
    return Scene(scene.left, scene.left, 1, scene.named_background, NATURAL, NATURAL)


def plain_caption(source: CaptionSource, scene: Scene) -> str:
    """One thing by its label, or two as they stand beside each other, on a background if it is not the usual one."""
    caption = source.english[scene.left].label
    if scene.count > 1:
        caption = f"{caption} on the left, {source.english[scene.right].label} on the right"
    if scene.background == UNSPECIFIED:
        return caption
    return with_article(f"a {caption} on a {PALETTE[scene.background][0]} background")


def plain_scenes(items: int, others: int, seed: int = 0) -> list[Scene]:
    """Every thing by itself, and random ones in pairs and on backgrounds."""
    random = Random(seed)
    scenes = [Scene(item, item, 1, UNSPECIFIED) for item in range(items)]
    for _ in range(others):
        left, right = random.randrange(items), random.randrange(items)
        count = 2 if random.random() < 0.5 else 1
        background = random.choice((UNSPECIFIED, random.randrange(len(PALETTE))))
        scenes.append(Scene(left, right if count == 2 else left, count, background))
    return scenes
