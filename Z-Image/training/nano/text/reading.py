"""What the transformer is to read from the text encoder's tokens.

A cell's token is read as a draft of the latents of that cell, with the cell's and its part's identity in the
directions in which drafts hardly ever differ. A published transformer has habits of its own: to tune it, what it read
from its text encoder is described by linear maps, and the new text encoder is taught to be read in the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, one_hot, pad, rms_norm
from transformers import Qwen3Model

from training.nano.adopt import read_adopted
from training.nano.dataset.captions.english import plural, with_article
from training.nano.dataset.captions.source import CaptionSource, Example
from training.nano.dataset.material import read_items
from training.nano.dataset.scenes import LAYOUTS, PALETTE, UNSPECIFIED, Scene
from training.nano.layout import LEARNED_LAYERS, LOUDNESS, TextSizes, build_text_encoder
from training.nano.sampling import tokenize
from training.nano.text.codes import FULL_ROLES, ROLES, Codes
from training.nano.text.forward import encode_ids, split_tokens
from training.nano.text.tokenizer import build_tokenizer

CELL_VALUES = 256
RIDGE = 1e-4
IDENTITY_SIZE = 4.0
EPS = 1e-6
PLAIN_CAPTIONS = 4000  # to a published model, beside every label
NUMBERS = ("one", "two", "three", "four")


@dataclass(frozen=True)
class Affine:
    """A linear map and what is added to it."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """(N, inputs) to (N, outputs)."""
        return linear(x, self.weight, self.bias)

    @classmethod
    def fit(cls, inputs: Tensor, outputs: Tensor) -> "Affine":
        """Ridge regression of (N, outputs) on (N, inputs)."""
        middle, goal = inputs.mean(0), outputs.mean(0)
        weight = regress(inputs - middle, outputs - goal)
        return cls(weight, goal - weight @ middle)


@dataclass(frozen=True)
class Reading:
    """What is to be read from each kind of token.

    Attributes:
        cells: of latents and identities (N, 256 + cells + ROLES), (N, 256).
        scenes: of what a scene is (N, …), see `describe`; nothing in particular when missing.
        words: what is read from a token of the prompt itself, (256,); anything when missing.
    """

    cells: Affine
    scenes: Affine | None
    words: Tensor | None


def regress(inputs: Tensor, outputs: Tensor, ridge: float = RIDGE) -> Tensor:
    """Ridge regression without a constant, (outputs, inputs)."""
    gram = inputs.T @ inputs / len(inputs)
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram))
    return torch.linalg.solve(gram, inputs.T @ outputs / len(inputs)).T  # type: ignore[no-any-return]


def identities_of(roles: Tensor) -> Tensor:
    """Cells and roles (B, 16) as ones among zeros, (B * 16, cells + ROLES)."""
    cells = torch.arange(FULL_ROLES).expand_as(roles)
    return torch.cat([one_hot(cells, FULL_ROLES), one_hot(roles, ROLES)], dim=-1).flatten(0, 1).float()


def describe(scenes: Sequence[Scene]) -> Tensor:
    """Background and count as ones among zeros, (scenes, 13 + 4): all that nobody but the scene's token says."""
    backgrounds = one_hot(torch.tensor([scene.named_background for scene in scenes]), len(PALETTE) + 1)
    counts = one_hot(torch.tensor([scene.count - 1 for scene in scenes]), len(LAYOUTS))
    return torch.cat([backgrounds, counts], dim=1).float()


def cells_of(scenes: Sequence[Scene], targets: Codes) -> Tensor:
    """Latents and identities of every cell, (scenes * 16, 256 + cells + ROLES)."""
    _, roles, wanted = targets.wanted(scenes)
    return torch.cat([wanted.flatten(0, 1), identities_of(roles)], dim=1)


def read_anew(scenes: Sequence[Scene], targets: Codes) -> Reading:
    """The latents, with the identities in the directions in which they hardly differ."""
    cells = cells_of(scenes, targets)
    values = targets.cells.shape[-1]
    wanted, identities = cells[:, :values], cells[:, values:]
    centred = wanted - wanted.mean(0)
    spare = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, : identities.shape[1]]  # the weakest
    keep = torch.eye(values) - spare @ spare.T
    weight = torch.cat([keep, IDENTITY_SIZE * spare], dim=1)
    middle = torch.cat([torch.zeros(values), identities.mean(0)])
    return Reading(Affine(weight, -weight @ middle), None, None)


@torch.no_grad()
def read_as_published(
    adopted: dict[str, Any], examples: Sequence[Example], targets: Codes, batch: int = 128
) -> Reading:
    """Fits what a published transformer reads from its own text encoder, asked in its own words."""
    vocabulary, merges = adopted["vocabulary"], [tuple(pair) for pair in adopted["merges"]]
    tokenizer = build_tokenizer(vocabulary, merges)
    model = build_text_encoder(TextSizes(), len(tokenizer))
    model.load_state_dict(adopted["text_encoder"])
    quieten(model, LOUDNESS)
    examples = sorted(examples, key=lambda example: len(example.caption.encode()))
    cells, scenes, words = [], [], []
    for start in range(0, len(examples), batch):
        group = examples[start : start + batch]
        ids, lengths = tokenize(tokenizer, [example.caption for example in group])
        read = read_by(adopted["transformer"], encode_ids(model, ids))
        registers, own = split_tokens(read, lengths)
        cells.append(registers[:, 1:].flatten(0, 1))
        scenes.append(registers[:, 0])
        words.append(own)
    asked = [example.scene for example in examples]
    inputs, outputs = cells_of(asked, targets), torch.cat(cells)
    reading = Reading(
        Affine.fit(inputs, outputs), Affine.fit(describe(asked), torch.cat(scenes)), torch.cat(words).mean(0)
    )
    error = (reading.cells(inputs) - outputs).square().sum() / (outputs - outputs.mean(0)).square().sum()
    print(f"the published drafts are described to {1 - float(error):.3f} of their variance", flush=True)
    return reading


def read_by(transformer: dict[str, Tensor], features: Tensor) -> Tensor:
    """What a transformer's caption embedder makes of features (…, hidden), as many values as a cell has (…, 256)."""
    normed = rms_norm(features, (features.shape[-1],), transformer["cap_embedder.0.weight"], EPS)
    read = linear(normed, transformer["cap_embedder.1.weight"], transformer["cap_embedder.1.bias"])
    return pad(read, (0, CELL_VALUES - read.shape[-1]))


@torch.no_grad()
def quieten(model: Qwen3Model, factor: float) -> None:
    """Scales everything that the learned layers add, which their norms do not notice."""
    model.embed_tokens.weight.mul_(factor)
    for layer in list(model.layers)[:LEARNED_LAYERS]:
        layer.self_attn.o_proj.weight.mul_(factor)
        layer.mlp.down_proj.weight.mul_(factor)


def plain_examples(work: Path, number: int, seed: int) -> list[Example]:
    """Every label in both languages, and labels in pairs, in numbers and on backgrounds."""
    items = read_items(work)
    source, random = CaptionSource(items, seed), Random(seed)
    examples = [source.draw_label(item, chinese) for item in range(len(items)) for chinese in (False, True)]
    for _ in range(number):
        left, right = random.randrange(len(items)), random.randrange(len(items))
        name, other = source.english[left].label, source.english[right].label
        count = random.randint(1, len(LAYOUTS))
        if random.random() < 0.4 and left != right:
            caption, scene = f"a {name} and a {other}", Scene(left, right, 2, UNSPECIFIED)
        else:
            many = plural(name) if count > 1 else name
            caption, scene = (
                f"{NUMBERS[count - 1]} {many}" if count > 1 else f"a {name}",
                Scene(left, left, count, UNSPECIFIED),
            )
        if random.random() < 0.7:
            background = random.randrange(len(PALETTE))
            caption, scene = f"{caption} on a {PALETTE[background][0]} background", scene.on(background)
        examples.append(Example(with_article(caption), scene))
    return examples


def prepare_reading(work: Path, targets: Codes) -> Reading:
    """As the adopted model reads, or anew where none was adopted."""
    examples = plain_examples(work, PLAIN_CAPTIONS, 0)
    adopted = read_adopted(work)
    if adopted:
        return read_as_published(adopted, examples, targets)
    return read_anew([example.scene for example in examples], targets)
