"""What the learned registers are taught to say next: a draft of every cell's latents.

The text encoder's fourth and fifth layer turn a register that knows what its cell shows into
what the transformer is to read of it (`reading`). Their attention gives nothing, and a sixth
layer is never read.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import rms_norm
from transformers import Qwen2Tokenizer, Qwen3Model

from training.loop.checkpoints import load_checkpoint
from training.loop.precision import fast_products
from training.nano.dataset.captions.source import Example
from training.nano.dataset.material import read_items
from training.nano.layout import LEARNED_LAYERS
from training.nano.sampling import tokenize
from training.nano.text.codes import Codes
from training.nano.text.forward import encode_ids, split_tokens
from training.nano.text.reading import CELL_VALUES, EPS, Affine, cells_of
from training.nano.text.training import caption_source, load_text_encoder

CHECKPOINT = "encoder.safetensors"


@dataclass(frozen=True)
class Registers:
    """What the learned layers make of many captions, and what is to be read from it.

    Attributes:
        cells: (N, hidden), cell registers in the order of the grid.
        wanted: (N, 256), what is to be read from them.
        scenes: (captions, hidden), scene registers.
    """

    cells: Tensor
    wanted: Tensor
    scenes: Tensor


class Drafter(nn.Module):
    """The fourth and fifth layer's feed-forward parts, and a reader of their drafts."""

    def __init__(self, model: Qwen3Model) -> None:
        super().__init__()
        self.mlps = nn.ModuleList(model.layers[LEARNED_LAYERS + index].mlp for index in range(2))
        self.reader = nn.Linear(model.config.hidden_size, CELL_VALUES)

    def after(self, x: Tensor) -> Tensor:
        """Registers (N, hidden) after both layers."""
        for mlp in self.mlps:
            x = x + mlp(normed(x))
        return x

    def forward(self, x: Tensor) -> Tensor:
        """What is read from registers (N, hidden), (N, 256)."""
        return self.reader(normed(self.after(x)))  # type: ignore[no-any-return]


def normed(x: Tensor) -> Tensor:
    """What a layer makes of (N, hidden) first."""
    return rms_norm(x, (x.shape[-1],), eps=EPS)


def sample_examples(work: Path, others: int, seed: int, labels: bool = True) -> list[Example]:
    """Every label in both languages if wanted, and random captions."""
    items = read_items(work)
    source = caption_source(work, items, seed)
    every = range(len(items)) if labels else ()
    named = [source.draw_label(item, chinese) for item in every for chinese in (False, True)]
    return named + [source.draw() for _ in range(others)]


@torch.no_grad()
def collect(
    work: Path, model: Qwen3Model, targets: Codes, reading: Affine, examples: list[Example], batch: int = 128
) -> Registers:
    """Runs the learned layers on many captions, shortest first so that little is padded."""
    tokenizer, _, _ = load_text_encoder(work)
    examples = sorted(examples, key=lambda example: len(example.caption.encode()))
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for start in range(0, len(examples), batch):
        group = examples[start : start + batch]
        ids, lengths = tokenize(tokenizer, [example.caption for example in group])
        with fast_products():
            features = encode_ids(model, ids, LEARNED_LAYERS).float()
        registers, _ = split_tokens(features, lengths)
        wanted = reading(cells_of([example.scene for example in group], targets))
        parts.append((registers[:, 1:].flatten(0, 1), wanted, registers[:, 0]))
    return Registers(*(torch.cat(column) for column in zip(*parts, strict=True)))


@torch.no_grad()
def clear(model: Qwen3Model, first: int) -> None:
    """Lets the layers from `first` on change nothing: no attention, and nothing written."""
    for layer in list(model.layers)[first:]:
        for name, parameter in layer.named_parameters():
            if "norm" in name:
                parameter.fill_(1.0)
            elif "gate_proj" in name or "up_proj" in name:
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
            else:
                parameter.zero_()


@torch.no_grad()
def start_reading(drafter: Drafter, registers: Registers) -> None:
    """Starts the reader with what can be read from the registers as they are."""
    start = Affine.fit(normed(registers.cells), registers.wanted)
    drafter.reader.weight.copy_(start.weight)
    drafter.reader.bias.copy_(start.bias)


@torch.no_grad()
def explained(drafter: Drafter, registers: Registers) -> float:
    """Share of the cells' variance that the drafts carry."""
    error = (drafter(registers.cells) - registers.wanted).square().sum()
    return 1 - float(error / (registers.wanted - registers.wanted.mean(0)).square().sum())


def load_encoder(work: Path) -> tuple[Qwen2Tokenizer, Qwen3Model, Tensor, Tensor]:
    """Tokenizer, finished text encoder, and weight and bias that read drafts from its registers."""
    tokenizer, model, _ = load_text_encoder(work)
    state = load_checkpoint(work / CHECKPOINT)
    model.load_state_dict(state["model"])
    return tokenizer, model, state["weight"], state["bias"]
