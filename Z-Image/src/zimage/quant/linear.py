"""Linear layers whose matrices stay quantised in memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zimage.errors import ConfigError
from zimage.precision import Side, linear_in_half
from zimage.quant.blocks import BlockType
from zimage.quant.layouts import rotate_inputs, rotation_factors
from zimage.quant.packing import FORMATS, FP8, INT8, Format, Packed
from zimage.quant.products import DECODE, INT_MM, Product, choose_product

GGUF = "gguf"
QUANTIZATIONS = (*FORMATS, GGUF)


@dataclass(frozen=True)
class Quantization:
    """How matrices are held and multiplied.

    Attributes:
        format: of the matrices.
        product: of tokens with them; matrices that it does not fit are decoded instead.
        keeps_blocks: whether the matrices of a GGUF file stay as they are stored, and only those of other files are
            in `format`. Types that torch does not decode here, see `zimage.quant.blocks`, become plain.
    """

    format: Format
    product: Product = DECODE
    keeps_blocks: bool = False

    @classmethod
    def choose(cls, name: str, device: torch.device, dtype: torch.dtype) -> Quantization:
        """Chooses the product of a format for tokens of `dtype` on a device.

        Args:
            name: one of `QUANTIZATIONS`; `gguf` keeps the blocks of GGUF files, and holds those of others in int8.
            device: of the matrices.
            dtype: of tokens.

        Raises:
            ConfigError: the format is unknown, or the device does not have it.
        """
        if name not in QUANTIZATIONS:
            raise ConfigError(f"quantization must be one of {', '.join(QUANTIZATIONS)}, or None, got {name!r}")
        chosen = FORMATS.get(name, INT8)
        if chosen is FP8 and device.type == "mps":
            raise ConfigError("quantization fp8 needs a float8 dtype, which mps does not have: use int8")
        return cls(chosen, choose_product(chosen, device, dtype), keeps_blocks=name == GGUF)

    def __str__(self) -> str:
        """Names format and product."""
        held = f"{self.format.name} by {self.product.name}"
        return f"of GGUF in its blocks, others {held}" if self.keeps_blocks else held


class QuantLinear(nn.Module):
    """Linear layer with a quantised matrix.

    A rotated matrix meets tokens that are rotated in the same way, so that it is never rotated back.

    Attributes:
        product: what multiplies.
        rotation: size of rotated groups of inputs; 0 for none.
        side: what is added beside it, of tokens that are not rotated; None for nothing.
    """

    weight: Tensor
    scale: Tensor
    bias: nn.Parameter | None
    left: Tensor
    right: Tensor
    side: Side | None = None

    def __init__(self, packed: Packed, product: Product = DECODE, bias: nn.Parameter | None = None) -> None:
        """Takes a matrix over.

        Args:
            packed: (out_features, in_features); its values are held as `product` reads them.
            product: what multiplies; a matrix that it does not fit is decoded.
            bias: (out_features,).

        Raises:
            ValueError: the scales do not fit the values, or the rotation not the columns.
        """
        super().__init__()
        self.out_features, self.in_features = packed.weight.shape
        if packed.scale.shape != (self.out_features,):
            raise ValueError(f"{self.out_features} rows need as many scales, got {tuple(packed.scale.shape)}")
        if packed.rotation and self.in_features % packed.rotation:
            raise ValueError(f"groups of {packed.rotation} inputs do not divide {self.in_features}")
        self.rotation = packed.rotation
        self.product: Product = DECODE
        self.register_buffer("weight", packed.weight)
        self.register_buffer("scale", packed.scale)
        self.register_parameter("bias", bias)
        if self.rotation:
            left, right = rotation_factors(self.rotation)
            self.register_buffer("left", left.to(packed.weight.device), persistent=False)
            self.register_buffer("right", right.to(packed.weight.device), persistent=False)
        self.set_product(product)

    def set_product(self, product: Product) -> None:
        """Sets what multiplies; a matrix that it does not fit is decoded."""
        weight = self.product.restore(self.weight)
        self.product = product if product.fits(weight) else DECODE
        self.weight = self.product.prepare(weight)

    @property
    def packed(self) -> Packed:
        """The matrix as it was taken over."""
        return Packed(self.product.restore(self.weight), self.scale, self.rotation)

    def forward(self, input: Tensor) -> Tensor:
        """Maps (..., in_features) → (..., out_features) in the dtype of the input."""
        x = input.reshape(-1, self.in_features)
        if self.rotation:
            x = rotate_inputs(x, self.left, self.right)
        product = self.product if x.shape[0] >= self.product.least_tokens else DECODE
        mapped = product.multiply(x, self.weight, self.scale).view(*input.shape[:-1], self.out_features)
        output = mapped if self.bias is None else mapped + self.bias.to(mapped.dtype)
        return output if self.side is None else self.side(input, output)

    def extra_repr(self) -> str:
        """Describes the layer as `nn.Linear` does."""
        shape = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{shape}, dtype={self.weight.dtype}, rotation={self.rotation}, product={self.product.name}"


class BlockLinear(nn.Module):
    """Linear layer whose matrix stays in the blocks of a GGUF file; it is decoded at every product, and forgotten.

    The product is that of a plain layer with the decoded matrix, so that the output is the same to the last bit.

    Attributes:
        blocks: type of the blocks.
        in_half: whether it multiplies in float16 and takes and gives float32; see `zimage.precision.set_products`.
        side: what is added beside it; None for nothing.
    """

    weight: Tensor
    bias: nn.Parameter | None
    in_half: bool = False
    side: Side | None = None

    def __init__(self, data: Tensor, blocks: BlockType, bias: nn.Parameter | None = None) -> None:
        """Takes a matrix over.

        Args:
            data: its rows of blocks, (out_features, bytes) in uint8.
            blocks: type of the blocks.
            bias: (out_features,).
        """
        super().__init__()
        self.blocks = blocks
        self.out_features, self.in_features = len(data), blocks.columns(data.shape[1])
        self.register_buffer("weight", data)
        self.register_parameter("bias", bias)

    def forward(self, input: Tensor) -> Tensor:
        """Maps (..., in_features) → (..., out_features) in the dtype of the input."""
        if self.in_half:
            output = linear_in_half(input, self.blocks.decode(self.weight, torch.float16), self.bias)
        else:
            bias = None if self.bias is None else self.bias.to(input.dtype)
            output = F.linear(input, self.blocks.decode(self.weight, input.dtype), bias)
        return output if self.side is None else self.side(input, output)

    def extra_repr(self) -> str:
        """Describes the layer as `nn.Linear` does."""
        return f"in_features={self.in_features}, out_features={self.out_features}, blocks={self.blocks.name}"


def make_compilable(model: nn.Module) -> None:
    """Replaces products that torch.compile does not take by `_int_mm`."""
    for layer in model.modules():
        if isinstance(layer, QuantLinear) and not layer.product.compiles:
            layer.set_product(INT_MM)
