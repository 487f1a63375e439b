"""The text encoder's fourth and fifth layer, solved by least squares instead of trained.

After the learned layers a register tells things apart, but only knows roughly what they look
like. The fourth layer's feed-forward part is a memory: one unit a thing, whose gate opens for
that thing, writes its exact code. The fifth layer's is a table: every role has its own units,
whose gates open for that role alone and whose other half maps the code to the latents that
the cell shows. The attention of both gives nothing, and a sixth layer is never read.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import rms_norm, silu
from transformers import Qwen2Tokenizer, Qwen3Model

from zimage.tools.nano.captions import CaptionSource, Example
from zimage.tools.nano.codes import CODE, EMPTY_ROLE, FULL_ROLES, NO_ITEM, ROLES, Codes, build_codes
from zimage.tools.nano.latents import load_cache
from zimage.tools.nano.layout import TextSizes
from zimage.tools.nano.material import read_items
from zimage.tools.nano.sampling import tokenize
from zimage.tools.nano.text_forward import encode_ids
from zimage.tools.nano.text_training import LEARNED_LAYERS, Heads, load_text_encoder, registers_of
from zimage.tools.nano.training import load_checkpoint, save_atomically

CHECKPOINT = "encoder.safetensors"
GATE = 10.0
ITEM_GATE = 4.0
CELL_GATE = 10.0
LIKELY_SHARE = 1000  # one cell in so many may be likelier than the likeliest that a gate heeds
CODE_CONTENT = 0.5
LOUDNESS = 5.0  # so much louder than before, so that what is left of the old contents counts little
CONTENT = 0.5  # size of the contents relative to the constant part of a register
RIDGE = 1e-3
MEMORY_RIDGE = 1e-5
EPS = 1e-6


@dataclass(frozen=True)
class Registers:
    """Cell registers of many captions, in the order of the grid, and what they should show.

    The scene registers stand beside them: the layer must leave them alone.
    """

    features: Tensor
    scenes: Tensor
    roles: Tensor
    items: Tensor
    codes: Tensor
    cells: Tensor


def sample_examples(work: Path, others: int, seed: int, labels: bool = True) -> list[Example]:
    """Every label in both languages if wanted, and random captions."""
    items = read_items(work)
    source = CaptionSource(items, seed)
    every = range(len(items)) if labels else ()
    named = [source.draw_label(item, chinese) for item in every for chinese in (False, True)]
    return named + [source.draw() for _ in range(others)]


@torch.no_grad()
def collect(
    work: Path, targets: Codes, others: int = 1500, seed: int = 11, batch: int = 128, labels: bool = True
) -> Registers:
    """Runs the learned layers on many captions, shortest first so that little is padded."""
    tokenizer, model, _ = load_text_encoder(work)
    examples = sorted(sample_examples(work, others, seed, labels), key=lambda example: len(example.caption.encode()))
    parts: list[tuple[Tensor, ...]] = []
    for start in range(0, len(examples), batch):
        group = examples[start : start + batch]
        ids, lengths = tokenize(tokenizer, [example.caption for example in group])
        registers = registers_of(encode_ids(model, ids, LEARNED_LAYERS), lengths)
        scenes = [example.scene for example in group]
        codes, roles, cells = targets.wanted(scenes)
        rows = (registers[:, 1:], roles, targets.items(scenes), codes, cells)
        parts.append((registers[:, 0], *(row.flatten(0, 1) for row in rows)))
    scene, features, *others_ = (torch.cat(column) for column in zip(*parts, strict=True))
    return Registers(features, scene, *others_)


def regress(inputs: Tensor, outputs: Tensor, ridge: float = RIDGE) -> Tensor:
    """Ridge regression, (outputs, inputs)."""
    gram = inputs.T @ inputs / len(inputs)
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram))
    return torch.linalg.solve(gram, inputs.T @ outputs / len(inputs)).T  # type: ignore[no-any-return]


@dataclass(frozen=True)
class RoleMap:
    """From a normalised register to the latents of one role, as principal components of what it can predict.

    Attributes:
        role: which part of a thing.
        energies: (256,), share of the cells' variance that each component carries, falling.
        up: (256, hidden), reads the components.
        basis: (256, 256), one component a column.
    """

    role: int
    energies: Tensor
    up: Tensor
    basis: Tensor


def map_role(role: int, known: Tensor, registers: Registers) -> RoleMap:
    """Reduced-rank regression of one role's latents, all ranks at once."""
    mine = registers.roles == role
    weight = regress(known[mine], registers.cells[mine] - registers.cells.mean(0))
    predicted = known[mine] @ weight.T
    values, vectors = torch.linalg.eigh(predicted.T @ predicted / len(predicted))
    basis = vectors.flip(1)
    return RoleMap(role, values.flip(0), basis.T @ weight, basis)


def switch(known: Tensor, scenes: Tensor, on: Tensor) -> Tensor:
    """A direction that reads +1 where `on` is true and -1 elsewhere and at scene registers, (1, hidden).

    Both sides count the same, however many there are of each.
    """
    inputs = torch.cat([known, scenes])
    open_here = torch.cat([on, torch.zeros(len(scenes), dtype=torch.bool)]).float()
    weight = open_here / open_here.sum() + (1 - open_here) / (1 - open_here).sum()
    root = (weight * len(inputs) / 2).sqrt()[:, None]
    return regress(root * inputs, root * (2 * open_here - 1)[:, None])


def role_units(known: Tensor, scenes: Tensor, registers: Registers, units: int) -> tuple[Tensor, Tensor, Tensor]:
    """Gate, up and down rows of all roles' units, for normalised features `known`.

    Every role gets as many of the `units` as its components are among the strongest of all.
    """
    maps = [map_role(role, known, registers) for role in range(EMPTY_ROLE)]
    weakest = torch.cat([one.energies for one in maps]).topk(units).values[-1]
    ups, downs, gates = [], [], []
    for one in maps:
        rank = int((one.energies >= weakest).sum())
        ups.append(one.up[:rank])
        downs.append(one.basis[:, :rank])
        gates.append(switch(known, scenes, registers.roles == one.role).expand(rank, -1))
    return torch.cat(gates) * GATE, torch.cat(ups), torch.cat(downs, dim=1) / GATE


def group_means(x: Tensor, roles: Tensor) -> Tensor:
    """For every row of `x` the mean of all rows with the same cell and role."""
    cells = torch.arange(FULL_ROLES).repeat(len(x) // FULL_ROLES)
    groups = cells * ROLES + roles
    sums = torch.zeros(FULL_ROLES * ROLES, x.shape[1]).index_add_(0, groups, x)
    return (sums / groups.bincount(minlength=len(sums)).clamp(min=1)[:, None])[groups]


def item_gates(known: Tensor, scenes: Tensor, registers: Registers, heads: Heads) -> Tensor:
    """Rows that open for one thing each, (items, hidden), from the classifier of the cells.

    A row reads ITEM_GATE in the mean of its own thing's cells, minus ITEM_GATE where the
    likeliest of the other cells read, and is closed at scene registers. The classifier's offset
    is read from the direction that is one everywhere.
    """
    shown = registers.items != NO_ITEM
    logits = heads.item(known[shown])
    items = registers.items[shown]
    number = logits.shape[1]
    own = logits.gather(1, items[:, None])[:, 0]
    sums = torch.zeros(number).index_add_(0, items, own)
    inside = sums / items.bincount(minlength=number).clamp(min=1)
    others = logits.scatter(1, items[:, None], -torch.inf)
    outside = others.topk(max(1, len(others) // LIKELY_SHARE), dim=0).values[-1]
    slope = 2 * ITEM_GATE / (inside - outside).clamp(min=1)
    offset = heads.item.bias - (inside + outside) / 2
    one = constant_of(known, scenes)
    everywhere = switch(known, scenes, torch.ones(len(known), dtype=torch.bool))
    return slope[:, None] * (heads.item.weight + offset[:, None] * one) + CELL_GATE * (everywhere - one)  # type: ignore[no-any-return]


def constant_of(known: Tensor, scenes: Tensor) -> Tensor:
    """A direction that reads one at cells and at scene registers, (1, hidden)."""
    repeats = max(1, len(known) // len(scenes) // 2)
    inputs = torch.cat([known, scenes.repeat(repeats, 1)])
    return regress(inputs, torch.ones(len(inputs), 1))


def code_space(kept: Tensor) -> Tensor:
    """Orthonormal directions that the kept means use least, (CODE, hidden)."""
    return torch.linalg.eigh(kept.T @ kept).eigenvectors[:, :CODE].T  # type: ignore[no-any-return]


@torch.no_grad()
def remember(model: Qwen3Model, registers: Registers, heads: Heads) -> Registers:
    """Fills the memory layer and returns the registers after it."""
    x = registers.features
    hidden = x.shape[1]
    known, scenes = (rms_norm(part, (hidden,), eps=EPS) for part in (x, registers.scenes))
    everywhere = switch(known, scenes, torch.ones(len(x), dtype=torch.bool))
    gate = torch.cat([item_gates(known, scenes, registers, heads), GATE * everywhere.expand(hidden, -1)])
    items = len(gate) - hidden
    up = torch.cat([constant_of(known, scenes).expand(items, -1), torch.eye(hidden)])
    activity = silu(known @ gate.T) * (known @ up.T)
    kept = LOUDNESS * group_means(x, registers.roles)
    scale = CODE_CONTENT * kept.square().sum(1).mean().sqrt() / registers.codes.square().sum(1).mean().sqrt()
    wanted = kept + scale * registers.codes @ code_space(kept)
    down = regress(activity, wanted - x, MEMORY_RIDGE)
    fill(model, LEARNED_LAYERS, gate, up, down)
    after = x + activity @ down.T
    error = (after - wanted).square().sum() / (wanted - kept).square().sum()
    print(f"memory: {1 - float(error):.3f} of the codes' variance", flush=True)
    return replace(registers, features=after)


@torch.no_grad()
def tabulate(model: Qwen3Model, registers: Registers) -> tuple[Tensor, Tensor, float]:
    """Fills the table layer.

    Returns:
        Weight (256, hidden) and bias (256,) that read the draft from a normalised register, and
        the share of the cells' variance that this draft explains.
    """
    x = registers.features
    hidden = x.shape[1]
    known, scenes = (rms_norm(part, (hidden,), eps=EPS) for part in (x, registers.scenes))
    gates, ups, downs = role_units(known, scenes, registers, TextSizes().intermediate - hidden)
    kept = group_means(x, registers.roles)
    remove = regress(known, x) - regress(known, kept)
    everywhere = switch(known, scenes, torch.ones(len(x), dtype=torch.bool))
    gate = torch.cat([gates, GATE * everywhere.expand(hidden, -1)])
    up = torch.cat([ups, -remove])
    scale = CONTENT * kept.square().mean().sqrt() / registers.cells.std()
    down = torch.cat([downs * scale, torch.eye(hidden) / GATE], dim=1)
    fill(model, LEARNED_LAYERS + 1, gate, up, down)
    shown = rms_norm(x + (silu(known @ gate.T) * (known @ up.T)) @ down.T, (hidden,), eps=EPS)
    with_one = torch.cat([shown, torch.ones(len(x), 1)], dim=1)
    reader = regress(with_one, registers.cells)
    error = (with_one @ reader.T - registers.cells).square().sum()
    explained = 1 - float(error / (registers.cells - registers.cells.mean(0)).square().sum())
    return reader[:, :-1], reader[:, -1], explained


def fill(model: Qwen3Model, index: int, gate: Tensor, up: Tensor, down: Tensor) -> None:
    """Writes units (units, hidden) and their outputs (hidden, units) into a cleared layer."""
    mlp, units = model.layers[index].mlp, len(gate)
    mlp.gate_proj.weight[:units], mlp.up_proj.weight[:units] = gate, up
    mlp.down_proj.weight[:, :units] = down


@torch.no_grad()
def clear(model: Qwen3Model, first: int) -> None:
    """Zeroes the matrices of all layers from `first` on, so that they change nothing."""
    for layer in list(model.layers)[first:]:
        for name, parameter in layer.named_parameters():
            parameter.fill_(1.0 if "norm" in name else 0.0)


def unpack(work: Path) -> float:
    """Solves the last layers and writes the finished text encoder with its reader.

    Returns:
        The share of the cells' variance that the drafts explain.
    """
    registers = collect(work, build_codes(load_cache(work)))
    _, model, heads = load_text_encoder(work)
    clear(model, LEARNED_LAYERS)
    weight, bias, explained = tabulate(model, remember(model, registers, heads))
    state = {"model": model.state_dict(), "weight": weight, "bias": bias, "explained": explained}
    save_atomically(state, work / CHECKPOINT)
    print(f"drafts explain {explained:.3f} of the cells' variance", flush=True)
    return explained


def load_encoder(work: Path) -> tuple[Qwen2Tokenizer, Qwen3Model, Tensor, Tensor]:
    """Tokenizer, finished text encoder, and weight and bias that read drafts from its registers."""
    tokenizer, model, _ = load_text_encoder(work)
    state = load_checkpoint(work / CHECKPOINT)
    model.load_state_dict(state["model"])
    return tokenizer, model, state["weight"], state["bias"]
