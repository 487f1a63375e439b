"""LoRAs: files of small changes to a transformer, added beside its layers while it runs.

    from zimage.adapters.lora import ActiveLora

    lora = pipeline.load_lora("style.safetensors")
    pipeline.set_loras([ActiveLora(lora, 0.8)])

The front of four files: `lora_keys.py` finds the modules that keys mean, `lora_match.py` checks shapes, `lora_kinds.py`
has the formulas, `lora_layers.py` the side paths, and `lora_stack.py` those that act on one transformer.
"""

from __future__ import annotations

import logging
import math
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from zimage.adapters.lora_files import listed, open_lora, require_usable
from zimage.adapters.lora_keys import Role, Target, module_table
from zimage.adapters.lora_kinds import Delta, Full, Hadamard, Kronecker, LowRank, Weighted, weigh
from zimage.adapters.lora_layers import base_weight
from zimage.adapters.lora_match import Matched, Module, match
from zimage.adapters.lora_scale import Scaling
from zimage.config import TransformerConfig
from zimage.errors import ConfigError, LoraError, WeightsError

logger = logging.getLogger(__name__)

_KEPT = (torch.float32, torch.bfloat16, torch.float16)


@dataclass(frozen=True)
class LoraReport:
    """What of a file is used.

    Attributes:
        n_matched: number of its modules that the transformer has.
        n_modules: number of its modules, text encoders aside.
        unmatched: those that the transformer does not have; nothing is added for them.
        encoder_keys: keys of a text encoder, which are left out.
        redundant: modules that the file has a second time in the published layout, which counts.
    """

    n_matched: int
    n_modules: int
    unmatched: tuple[str, ...]
    encoder_keys: tuple[str, ...]
    redundant: tuple[str, ...]

    @property
    def warning(self) -> str | None:
        """What is left out, for people; None where all is used."""
        said = []
        if self.unmatched:
            used = f"{self.n_matched} of {self.n_modules} modules are used"
            said.append(f"{used}; the transformer has no {listed(self.unmatched)}")
        if self.encoder_keys:
            said.append(f"{len(self.encoder_keys)} tensors of a text encoder are left out")
        return "; ".join(said) or None


@dataclass(frozen=True)
class Change:
    """What one LoRA changes at one place.

    Attributes:
        target: the place.
        delta: change of its matrix.
        bias: what is added to the output of its layer, (out_features,).
        vector: change of a tensor that is no matrix, (width,).
        magnitude: of DoRA, which needs the base weight.
    """

    target: Target
    delta: Delta | Weighted | None = None
    bias: Tensor | None = None
    vector: Tensor | None = None
    magnitude: Tensor | None = None


class Lora:
    """A LoRA of one file, for one transformer; it is in the main memory, and on the device while it is active.

    Attributes:
        path: of the file.
        report: what of it is used.
        changes: what it changes.
    """

    def __init__(self, path: Path, report: LoraReport, changes: tuple[Change, ...], model: nn.Module) -> None:
        self.path = path
        self.report = report
        self.changes = changes
        self._model = weakref.ref(model)
        self._placed: tuple[Change, ...] | None = None
        self._gains: dict[Target, Weighted | Full] = {}

    @classmethod
    def load(cls, path: str | Path, model: nn.Module, config: TransformerConfig) -> Self:
        """Loads a safetensors file in any dialect that is read.

        Args:
            path: of the file.
            model: transformer that it is for, ours or diffusers'; it is not changed.
            config: of the transformer.

        Raises:
            LoraError: the file is missing, damaged, none of the family, or of a kind that is not read.
        """
        path = Path(path)
        content = open_lora(path)
        try:
            matched = match(content.tensors, module_table(config))
            require_usable(matched, content.tensors)
            scaling = Scaling.of(content.metadata)
            changes = tuple(change for module in matched.modules for change in read_changes(module, scaling))
        except (LoraError, WeightsError) as error:
            raise LoraError(f"{path}: {str(error).removeprefix('lora: ')}") from error
        report = _report(matched)
        if report.warning is not None:
            logger.warning("%s: %s", path.name, report.warning)
        return cls(path, report, changes, model)

    @property
    def order(self) -> tuple[str, str]:
        """Place in a sum, so that it is the same in whatever order LoRAs are given."""
        return self.path.stem, str(self.path)

    def is_for(self, model: nn.Module) -> bool:
        """Whether it was loaded for this very transformer."""
        return self._model() is model

    def place(self, model: nn.Module, device: torch.device, dtype: torch.dtype) -> tuple[Change, ...]:
        """Returns its changes on a device, where they stay until `leave`."""
        if self._placed is None:
            self._placed = tuple(self._moved(change, model, device, dtype) for change in self.changes)
        return self._placed

    def leave(self) -> None:
        """Frees the memory of the device."""
        self._placed = None

    def _moved(self, change: Change, model: nn.Module, device: torch.device, dtype: torch.dtype) -> Change:
        bias, vector = (
            None if part is None else part.to(device, torch.float32) for part in (change.bias, change.vector)
        )
        delta = change.delta
        if change.magnitude is not None and isinstance(delta, Delta):
            delta = self._weighted(change.target, delta, change.magnitude, model, device, dtype)
        elif delta is not None:
            delta = delta.to(device, dtype)
        return Change(change.target, delta, None if bias is None else bias.to(dtype), vector)

    def _weighted(
        self,
        target: Target,
        delta: Delta,
        magnitude: Tensor,
        model: nn.Module,
        device: torch.device,
        dtype: torch.dtype,
    ) -> Delta | Weighted:
        """Returns DoRA for the base weight, whose norms are computed at the first time."""
        if target not in self._gains:
            base = base_weight(model.get_submodule(target.module), device)
            found = weigh(delta.to(device, torch.float32), magnitude, base)
            self._gains[target] = (
                Weighted(delta, found.gain.cpu()) if isinstance(found, Weighted) else Full(found.matrix.cpu())
            )
        return self._gains[target].to(device, dtype)


def check_lora(path: str | Path, config: TransformerConfig | None = None) -> None:
    """Reads all values of a file that would be used, one tensor at a time, and keeps none.

    Args:
        path: safetensors file.
        config: of the transformer that it is matched with; default: Turbo's.

    Raises:
        LoraError: it cannot be used, as `Lora.load` would say.
    """
    path = Path(path)
    content = open_lora(path)
    try:
        matched = match(content.tensors, module_table(config or TransformerConfig()))
        require_usable(matched, content.tensors)
        for module in matched.modules:
            for role in module.stored:
                _read(module, role)
    except (LoraError, WeightsError) as error:
        raise LoraError(f"{path}: {str(error).removeprefix('lora: ')}") from error


@dataclass(frozen=True)
class ActiveLora:
    """A LoRA that acts, and how.

    Attributes:
        lora: the LoRA; one that was loaded for this transformer.
        strength: factor of what it adds; 0 is the very image without it, and a negative one takes away.
        start: fraction of the schedule before which it does not act.
        end: fraction of the schedule after which it does not act.
    """

    lora: Lora
    strength: float = 1.0
    start: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        """Validates the numbers."""
        if not math.isfinite(self.strength):
            raise ConfigError(f"the strength of a LoRA must be a finite number, got {self.strength}")
        if not 0 <= self.start < self.end <= 1:
            raise ConfigError(f"a LoRA acts from 0 ≤ start < end ≤ 1, got {self.start} and {self.end}")

    @property
    def is_whole(self) -> bool:
        """Whether it acts at all steps."""
        return self.start == 0 and self.end == 1

    def acts_at(self, step: int, n_steps: int) -> bool:
        """Whether it acts at a step: whole steps between start and end do."""
        return self.strength != 0 and step / n_steps >= self.start and (step + 1) / n_steps <= self.end


def read_changes(module: Module, scaling: Scaling) -> Iterator[Change]:
    """Reads what a file has for a module, once for each target.

    Args:
        module: of a file, whose shapes fit.
        scaling: what is known of alphas beside those that modules have.

    Raises:
        LoraError: a value is NaN or infinite.
        WeightsError: the file ends too early.
    """
    values = {role: _read(module, role) for role in module.stored}
    bias = values.get(Role.DIFF_BIAS)
    if not module.targets[0].is_matrix:
        yield Change(module.targets[0], vector=values[Role.DIFF].reshape(-1))
        return
    scale = _scale(module, values, scaling)
    delta = _delta(module, values, scale)
    if Role.UP_BIAS in values:
        scaled = values[Role.UP_BIAS].float() * scale
        bias = scaled if bias is None else bias.float() + scaled
    magnitude = values.get(Role.MAGNITUDE)
    start = 0
    for target in module.targets:
        stop = start + target.shape[0]
        rows = slice(start, stop)
        is_whole = len(module.targets) == 1
        yield Change(
            target,
            delta if is_whole or delta is None else delta.rows(start, stop),
            None if bias is None else bias[rows],
            None,
            magnitude if is_whole or magnitude is None else magnitude[rows],
        )
        start = stop


def _delta(module: Module, values: dict[Role, Tensor], scale: float) -> Delta | None:
    match module.kind:
        case "lora":
            return LowRank(values[Role.DOWN], values[Role.UP], scale)
        case "loha":
            first = LowRank(values[Role.HADA_1B], values[Role.HADA_1A], 1.0)
            second = LowRank(values[Role.HADA_2B], values[Role.HADA_2A], 1.0)
            return Hadamard(first, second, scale)
        case "lokr":
            left = _factor(values, Role.W1, Role.W1_A, Role.W1_B)
            right = _factor(values, Role.W2, Role.W2_A, Role.W2_B)
            return Kronecker(left, right, scale)
        case _:
            return Full(values[Role.DIFF]) if Role.DIFF in values else None


def _factor(values: dict[Role, Tensor], whole: Role, first: Role, second: Role) -> Tensor:
    return values[whole] if whole in values else values[first].float() @ values[second].float()


def _scale(module: Module, values: dict[Role, Tensor], scaling: Scaling) -> float:
    """Returns alpha / rank; 1 where there is no rank, whatever alpha says: LyCORIS writes one for whole factors too."""
    if module.rank is None:
        return 1.0
    if Role.ALPHA not in values:
        return scaling.without_alpha(module.path, module.rank)
    return float(values[Role.ALPHA]) / module.rank


def _read(module: Module, role: Role) -> Tensor:
    stored = module.stored[role]
    values = stored.read() if stored.dtype in _KEPT else stored.read().float()
    if not bool(values.isfinite().all()):
        raise LoraError(f"{module.keys[role]} holds NaN or infinite values")
    return values


def _report(matched: Matched) -> LoraReport:
    return LoraReport(len(matched.modules), matched.n_modules, matched.unmatched, matched.encoder, matched.redundant)
