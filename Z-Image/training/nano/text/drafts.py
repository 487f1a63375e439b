"""What the learned registers are taught to say next: a draft of every cell's latents.

The text encoder's fourth and fifth layer turn a register that knows what its cell shows into
the latents of that cell on the neutral background. Their attention gives nothing, and a sixth
layer is never read.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, rms_norm
from transformers import Qwen2Tokenizer, Qwen3Model

from training.nano.dataset.captions import CaptionSource, Example
from training.nano.dataset.material import read_items
from training.nano.loop.checkpoints import load_checkpoint
from training.nano.sampling import tokenize
from training.nano.text.codes import FULL_ROLES, ROLES, Codes
from training.nano.text.forward import encode_ids
from training.nano.text.training import LEARNED_LAYERS, load_text_encoder, registers_of

CHECKPOINT = "encoder.safetensors"
CELL_VALUES = 256
RIDGE = 1e-4
IDENTITY_SIZE = 4.0
EPS = 1e-6


@dataclass(frozen=True)
class Registers:
    """What the learned layers make of many captions.

    Attributes:
        cells: (N, hidden), cell registers in the order of the grid.
        scenes: (captions, hidden), scene registers.
        wanted: (N, 256), the latents that the cells should show.
        identities: (N, cells + ROLES), which cell and which role each is, as ones among zeros.
    """

    cells: Tensor
    scenes: Tensor
    wanted: Tensor
    identities: Tensor


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
        """Drafts of the cells' latents, (N, 256)."""
        return self.reader(normed(self.after(x)))  # type: ignore[no-any-return]


def normed(x: Tensor) -> Tensor:
    """What a layer makes of (N, hidden) first."""
    return rms_norm(x, (x.shape[-1],), eps=EPS)


def sample_examples(work: Path, others: int, seed: int, labels: bool = True) -> list[Example]:
    """Every label in both languages if wanted, and random captions."""
    items = read_items(work)
    source = CaptionSource(items, seed)
    every = range(len(items)) if labels else ()
    named = [source.draw_label(item, chinese) for item in every for chinese in (False, True)]
    return named + [source.draw() for _ in range(others)]


@torch.no_grad()
def collect(work: Path, model: Qwen3Model, targets: Codes, examples: list[Example], batch: int = 128) -> Registers:
    """Runs the learned layers on many captions, shortest first so that little is padded."""
    tokenizer, _, _ = load_text_encoder(work)
    examples = sorted(examples, key=lambda example: len(example.caption.encode()))
    parts: list[tuple[Tensor, ...]] = []
    for start in range(0, len(examples), batch):
        group = examples[start : start + batch]
        ids, lengths = tokenize(tokenizer, [example.caption for example in group])
        registers = registers_of(encode_ids(model, ids, LEARNED_LAYERS), lengths)
        _, roles, wanted = targets.wanted([example.scene for example in group])
        cells = registers[:, 1:].flatten(0, 1)
        parts.append((cells, registers[:, 0], wanted.flatten(0, 1), identities_of(roles)))
    return Registers(*(torch.cat(column) for column in zip(*parts, strict=True)))


def identities_of(roles: Tensor) -> Tensor:
    """Cells and roles (B, 16) as ones among zeros, (B * 16, cells + ROLES)."""
    cells = torch.arange(FULL_ROLES).expand_as(roles)
    return torch.cat([one_hot(cells, FULL_ROLES), one_hot(roles, ROLES)], dim=-1).flatten(0, 1).float()


def regress(inputs: Tensor, outputs: Tensor, ridge: float = RIDGE) -> Tensor:
    """Ridge regression, (outputs, inputs)."""
    gram = inputs.T @ inputs / len(inputs)
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram))
    return torch.linalg.solve(gram, inputs.T @ outputs / len(inputs)).T  # type: ignore[no-any-return]


@torch.no_grad()
def quieten(model: Qwen3Model, factor: float) -> None:
    """Scales everything that the learned layers add, which their norms do not notice."""
    model.embed_tokens.weight.mul_(factor)
    for layer in list(model.layers)[:LEARNED_LAYERS]:
        layer.self_attn.o_proj.weight.mul_(factor)
        layer.mlp.down_proj.weight.mul_(factor)


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
    known = torch.cat([normed(registers.cells), torch.ones(len(registers.cells), 1)], dim=1)
    weight = regress(known, registers.wanted)
    drafter.reader.weight.copy_(weight[:, :-1])
    drafter.reader.bias.copy_(weight[:, -1])


@torch.no_grad()
def explained(drafter: Drafter, registers: Registers) -> float:
    """Share of the cells' variance that the drafts carry."""
    error = (drafter(registers.cells) - registers.wanted).square().sum()
    return 1 - float(error / (registers.wanted - registers.wanted.mean(0)).square().sum())


@torch.no_grad()
def with_identities(drafter: Drafter, registers: Registers) -> tuple[Tensor, Tensor]:
    """The reader, with the cell's identity in the directions in which drafts hardly ever differ.

    Returns:
        Weight (256, hidden) and bias (256,).
    """
    known = normed(drafter.after(registers.cells))
    centred = registers.wanted - registers.wanted.mean(0)
    number = registers.identities.shape[1]
    spare = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, :number]  # the weakest
    identity = IDENTITY_SIZE * spare @ regress(known, registers.identities - registers.identities.mean(0))
    keep = torch.eye(CELL_VALUES) - spare @ spare.T
    return keep @ drafter.reader.weight + identity, keep @ drafter.reader.bias


def load_encoder(work: Path) -> tuple[Qwen2Tokenizer, Qwen3Model, Tensor, Tensor]:
    """Tokenizer, finished text encoder, and weight and bias that read drafts from its registers."""
    tokenizer, model, _ = load_text_encoder(work)
    state = load_checkpoint(work / CHECKPOINT)
    model.load_state_dict(state["model"])
    return tokenizer, model, state["weight"], state["bias"]
