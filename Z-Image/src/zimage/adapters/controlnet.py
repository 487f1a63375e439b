"""ControlNet of the Z-Image family: blocks beside the transformer, whose hints are added to its tokens.

    control ─ patches ─ embed ─ refiner ─┐ [control ; caption]
                                         ├─ before_proj ─ + x ─ block ─ block ─ …
    x, the joint sequence before layer 0 ┘                        │       │
                                                   after_proj ─ hint    hint ─ added after layers 0, s, 2s, …

x changes at every step, and with it the hints; the embedded control does not. What embeds times, pads and captions is
the transformer's. Formulas: aigc-apps/VideoX-Fun, z_image_transformer2d_control.py. Version 2.1 adds hints to the
noise refiner too; 2.0 makes these with the control layers, which then run twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self, cast

import torch
from torch import Tensor, nn

from zimage.adapters.control_kinds import PATCH, REFINER, ControlKind, Refiner, choose_kind, read_shape
from zimage.config import TransformerConfig
from zimage.errors import PartError, WeightsError
from zimage.layers import Block, Modulation
from zimage.precision import Linear, set_products
from zimage.quant.linear import Quantization
from zimage.sequence import patchify
from zimage.transformer import Blocks, Prepared, ZImageTransformer2DModel
from zimage.utils.loader import load_tensors
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.names.single_file import to_published
from zimage.weights.quantized import AnyTensor


class ControlBlock(Block):
    """Block of the transformer whose output is also projected to a hint."""

    def __init__(self, config: TransformerConfig, *, is_first: bool) -> None:
        super().__init__(config.dim, config.n_heads, config.norm_eps, qk_norm=config.qk_norm, modulated=True)
        if is_first:
            self.before_proj = Linear(config.dim, config.dim)
        self.after_proj = Linear(config.dim, config.dim)


class ControlBlocks(nn.ModuleList):
    """A stack of control blocks; the first one takes the tokens of the transformer in."""

    def __init__(self, config: TransformerConfig, n_blocks: int) -> None:
        super().__init__(ControlBlock(config, is_first=index == 0) for index in range(n_blocks))

    def __iter__(self) -> Iterator[ControlBlock]:
        """Iterates over the blocks."""
        return cast("Iterator[ControlBlock]", super().__iter__())

    def modulation(self, condition: Tensor) -> tuple[Modulation, ...]:
        """Returns the modulation of each block; see `Block.modulation`."""
        return tuple(block.modulation(condition) for block in self)

    def run(
        self, control: Tensor, x: Tensor, factors: Iterable[Modulation], rope: Tensor, mask: Tensor | None
    ) -> Iterator[tuple[ControlBlock, Tensor]]:
        """Yields each block with its output (B, S, dim), and computes no block before it is asked for."""
        for block, modulation in zip(self, factors, strict=True):
            if hasattr(block, "before_proj"):
                control = block.before_proj(control) + x
            control = block(control, modulation, rope, mask, control.shape[1])
            yield block, control


class ControlFactors(NamedTuple):
    """Modulation of all blocks of a ControlNet; (B, 1, dim) each."""

    refiner: tuple[Modulation, ...]
    layers: tuple[Modulation, ...]

    def at(self, step: int) -> ControlFactors:
        """Selects one step of a schedule that was modulated as a batch: (1, 1, dim) each."""
        now = slice(step, step + 1)
        return ControlFactors(*(tuple(Modulation(*(f[now] for f in block)) for block in blocks) for blocks in self))


class ControlNet(nn.Module):
    """Control branch of one file, for a transformer of given sizes.

    Attributes:
        kind: of its file.
        model: sizes of the transformer that it is made for.
        places: layers of the transformer after which its hints are added.
    """

    def __init__(self, kind: ControlKind, model: TransformerConfig) -> None:
        super().__init__()
        self.kind = kind
        self.model = model
        self.places = kind.places(model.n_layers)
        width = kind.channels(model.in_channels) * PATCH.frames * PATCH.side**2
        self.control_all_x_embedder = nn.ModuleDict({PATCH.key: Linear(width, model.dim)})
        self.control_layers = ControlBlocks(model, len(self.places))
        if kind.refiner is Refiner.PLAIN:
            self.control_noise_refiner: nn.ModuleList = Blocks(model, model.n_refiner_layers, modulated=True)
        elif kind.refiner is Refiner.CONTROL:
            self.control_noise_refiner = ControlBlocks(model, model.n_refiner_layers)

    @classmethod
    def load(
        cls,
        path: str | Path,
        transformer: ZImageTransformer2DModel,
        quantization: Quantization | str | None = None,
    ) -> Self:
        """Loads a file in any format that is read, onto the device and in the dtype of a transformer.

        Args:
            path: safetensors or GGUF file, or a folder with one or with shards.
            transformer: what it is put beside; it is not changed.
            quantization: `int8` or `fp8` for the matrices of attentions and feed-forwards; None for plain ones.

        Raises:
            PartError: it is missing, damaged, of an unknown kind, or of another model; the message names the file.
            ConfigError: `quantization` is unknown.
        """
        path = Path(path)
        if isinstance(quantization, str):
            quantization = Quantization.choose(quantization, transformer.device, transformer.compute_dtype)
        try:
            tensors = to_published(open_checkpoint(path))
            kind = _kind_of(path, tensors, transformer.config)
            if kind.refiner is Refiner.LAYERS:
                tensors = {name: stored for name, stored in tensors.items() if not name.startswith(f"{REFINER}.")}
            with torch.device("meta"):
                net = cls(kind, transformer.config)
            load_tensors(
                net, path, tensors, dtype=transformer.dtype, device=transformer.device, quantization=quantization
            )
        except WeightsError as error:
            raise PartError("controlnet", error) from error
        net.eval().requires_grad_(requires_grad=False)
        set_products(net, transformer.compute_dtype)
        for block in transformer.blocks()[:1]:
            net.set_attention(block)
        return net

    def set_attention(self, like: Block) -> None:
        """Sets the attention kernel of all blocks to that of another block."""
        for module in self.modules():
            if isinstance(module, Block):
                module.attention.attend = like.attention.attend

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.parameters()).device

    @property
    def takes_mask(self) -> bool:
        """Whether it reads a mask and a masked image."""
        return self.kind.takes_mask

    def embed(self, context: Tensor, dtype: torch.dtype) -> Tensor:
        """Embeds a control (channels, h, w) → (patches, dim)."""
        patches = patchify(context.unsqueeze(1).to(self.device), PATCH).to(dtype)
        embedded: Tensor = self.control_all_x_embedder[PATCH.key](patches)
        return embedded

    def modulate(self, condition: Tensor) -> ControlFactors:
        """Returns the modulation at embedded times (B, 1, modulation_dim); see the transformer's `condition`."""
        refiner = () if self.kind.refiner is Refiner.LAYERS else self._refiner.modulation(condition)
        return ControlFactors(refiner, self.control_layers.modulation(condition))

    def refine(
        self, control: Tensor, x: Tensor, factors: ControlFactors, prepared: Prepared
    ) -> tuple[list[Tensor], Tensor]:
        """Refines the embedded control.

        Args:
            control: tokens (B, S_image, dim), pads included.
            x: image tokens before the noise refiner, (B, S_image, dim).
            factors: modulation at the time of the step.
            prepared: precomputed inputs of the batch.

        Returns:
            Hints for the blocks of the noise refiner, and the refined control.
        """
        rope, mask = prepared.image_rope, prepared.image.mask
        if self.kind.refiner is Refiner.PLAIN:
            return [], self._refiner(control, factors.refiner, rope, mask)
        runs_layers = self.kind.refiner is Refiner.LAYERS
        blocks = self.control_layers if runs_layers else cast("ControlBlocks", self.control_noise_refiner)
        hints: list[Tensor] = []
        refined = control
        for block, refined in blocks.run(control, x, factors.layers if runs_layers else factors.refiner, rope, mask):
            if len(hints) < self.model.n_refiner_layers:
                hints.append(block.after_proj(refined))
        return hints, refined

    def hints(self, control: Tensor, x: Tensor, factors: ControlFactors, prepared: Prepared) -> Iterator[Tensor]:
        """Yields the hint of each place in order, and computes none before it is asked for.

        Args:
            control: the refined control, (B, S_image, dim).
            x: the joint sequence before the first layer, (B, S, dim).
            factors: modulation at the time of the step.
            prepared: precomputed inputs of the batch.
        """
        joint = torch.cat((control, prepared.context), dim=1)
        for block, output in self.control_layers.run(joint, x, factors.layers, prepared.rope, prepared.mask):
            yield block.after_proj(output)

    @property
    def _refiner(self) -> Blocks:
        return cast("Blocks", self.control_noise_refiner)


def _kind_of(path: Path, tensors: dict[str, AnyTensor], model: TransformerConfig) -> ControlKind:
    first = f"{REFINER}.0.before_proj.weight"

    def is_refiner_unused() -> bool:
        return first not in tensors or not bool(tensors[first].read(torch.float32).any())

    try:
        return choose_kind(read_shape(tensors), model, is_refiner_unused)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
