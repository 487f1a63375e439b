"""Products of tokens with quantised matrices: decoded first, or by the integer and fp8 units of a device.

A native product quantises the tokens as well, a row at a time. It is used where a probe finds it correct and clearly
faster than decoding.
"""

from __future__ import annotations

import functools
import logging
import math
import time
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from zimage.precision import linear, quickest_s
from zimage.quant.layouts import widen_e4m3
from zimage.quant.packing import FP8, INT8, Format, Packed, quantize_rows, quantize_values, row_scales

logger = logging.getLogger(__name__)

ZERO_POINT = 128  # oneDNN multiplies unsigned tokens; signed ones take a path a hundred times slower without AMX
_PROBE_SHAPES = {"cpu": (128, 1024, 1024), "cuda": (2048, 4096, 4096)}  # tokens, rows, columns
_PROBE_ROUNDS = 20
_PROBE_LIMIT_S = 2.0  # reached only where other work takes the cores
_PROBE_ERROR = 0.1  # relative; tokens in fp8 are off by 0.03
_CLEARLY = 1.5  # faster than decoding, so that a restart does not change a seed's image
_SLIGHTLY = 1.25


class Product(Protocol):
    """Multiplication of tokens with a quantised matrix.

    Attributes:
        name: for reports.
        least_tokens: fewer are multiplied with the decoded matrix.
        compiles: whether torch.compile takes it.
    """

    name: str
    least_tokens: int
    compiles: bool

    def fits(self, weight: Tensor) -> bool:
        """Whether a matrix of this shape and dtype can be multiplied."""

    def prepare(self, weight: Tensor) -> Tensor:
        """Returns the values (rows, columns) as the product reads them."""

    def restore(self, prepared: Tensor) -> Tensor:
        """Returns the values (rows, columns) of `prepare`."""

    def multiply(self, x: Tensor, prepared: Tensor, scale: Tensor) -> Tensor:
        """Maps tokens (M, columns) → (M, rows) in the dtype of x.

        Args:
            x: tokens.
            prepared: result of `prepare`.
            scale: (rows,) in float32.
        """


class _Plain:
    """What most products share: any matrix, read as it is stored."""

    least_tokens = 0
    compiles = True

    def fits(self, weight: Tensor) -> bool:  # noqa: ARG002
        return True

    def prepare(self, weight: Tensor) -> Tensor:
        return weight

    def restore(self, prepared: Tensor) -> Tensor:
        return prepared


class Decode(_Plain):
    """The matrix is cast to the dtype of the tokens: on a CPU piece by piece, elsewhere as a whole."""

    name = "decode"

    def multiply(self, x: Tensor, prepared: Tensor, scale: Tensor) -> Tensor:
        """Maps (M, columns) → (M, rows)."""
        if x.device.type == "cpu":
            mapped = linear(x, prepared, widen=widen_e4m3 if prepared.dtype == torch.float8_e4m3fn else None)
        else:
            mapped = F.linear(x, prepared.to(x.dtype))
        return mapped.mul_(scale)


class IntMm(_Plain):
    """`torch._int_mm`: int8 with int32 sums."""

    name = "int_mm"

    def multiply(self, x: Tensor, prepared: Tensor, scale: Tensor) -> Tensor:
        """Maps (M, columns) → (M, rows)."""
        values, token_scale = quantize_values(x, INT8)
        sums = torch._int_mm(values, prepared.t())  # noqa: SLF001 — torch has no other name for it
        return sums.float().mul_(token_scale[:, None]).mul_(scale).to(x.dtype)


class CudaIntMm(IntMm):
    """`torch._int_mm` within cuBLAS's limits."""

    least_tokens = 17

    def fits(self, weight: Tensor) -> bool:
        """Whether rows and columns are multiples of 8."""
        return not any(length % 8 for length in weight.shape)


class OneDnn(_Plain):
    """oneDNN's product of unsigned tokens and a matrix that is packed beforehand, for VNNI and AMX."""

    name = "onednn"
    compiles = False

    def prepare(self, weight: Tensor) -> Tensor:
        """Packs the values."""
        packed: Tensor = torch.ops.onednn.qlinear_prepack(weight, None)
        return packed

    def restore(self, prepared: Tensor) -> Tensor:
        """Unpacks the values; oneDNN holds them transposed."""
        return prepared.to_dense().t().contiguous()

    def multiply(self, x: Tensor, prepared: Tensor, scale: Tensor) -> Tensor:
        """Maps (M, columns) → (M, rows)."""
        token_scale = row_scales(x, INT8.limit)[:, None]
        values = (x / token_scale).round_().add_(ZERO_POINT).to(torch.uint8)
        zeros = torch.zeros(len(scale), dtype=torch.int8)
        product: Tensor = torch.ops.onednn.qlinear_pointwise(
            values, 1.0, ZERO_POINT, prepared, scale, zeros, None, 1.0, 0, x.dtype, "none", [], ""
        )
        return product.mul_(token_scale)


class ScaledMm(_Plain):
    """`torch._scaled_mm`: E4M3 with a scale for each row and each token."""

    name = "scaled_mm"

    def fits(self, weight: Tensor) -> bool:
        """Whether it is E4M3, and rows and columns are multiples of 16."""
        return weight.dtype == torch.float8_e4m3fn and not any(length % 16 for length in weight.shape)

    def multiply(self, x: Tensor, prepared: Tensor, scale: Tensor) -> Tensor:
        """Maps (M, columns) → (M, rows)."""
        values, token_scale = quantize_values(x, FP8)
        product: Tensor = torch._scaled_mm(  # noqa: SLF001 — torch has no other name for it
            values, prepared.t(), token_scale[:, None], scale[None], out_dtype=torch.bfloat16
        )
        return product.to(x.dtype)


DECODE: Product = Decode()
INT_MM: Product = IntMm()
NATIVE: dict[tuple[str, str], tuple[Product, ...]] = {
    (INT8.name, "cpu"): (INT_MM, OneDnn()),
    (INT8.name, "cuda"): (CudaIntMm(),),
    (FP8.name, "cuda"): (ScaledMm(),),
}
"""Products by format and device, the simplest first."""


@functools.cache
@torch.inference_mode()
def choose_product(format: Format, device: torch.device, dtype: torch.dtype) -> Product:
    """Returns the fastest correct product for tokens of `dtype`; several are tried in a few milliseconds.

    The first answer holds for the process: products round differently, and a model that is loaded anew on a busy
    machine is to draw the same.
    """
    candidates = NATIVE.get((format.name, device.type), ())
    if not candidates:
        return DECODE
    tokens, rows, columns = _PROBE_SHAPES[device.type]
    generator = torch.Generator().manual_seed(0)
    x, matrix = (torch.randn(length, columns, generator=generator) for length in (tokens, rows))
    x[0] = matrix[0] = 1  # the largest sums: processors without VNNI may add pairs in 16 bits, and saturate
    x, packed = x.to(device, dtype), quantize_rows(matrix, format).to(device)
    took_s = _take_turns([DECODE, *(product for product in candidates if _works(product, x, packed))], x, packed)
    logger.info("%s products, milliseconds: %s", format.name, {p.name: round(s * 1e3, 3) for p, s in took_s.items()})
    return _fastest(took_s)


def _fastest(took_s: dict[Product, float]) -> Product:
    """Returns a native product that is clearly faster than decoding; of those the first, unless others are faster."""
    chosen: Product = DECODE
    for product, seconds in took_s.items():
        if product is not DECODE and seconds * (_CLEARLY if chosen is DECODE else _SLIGHTLY) < took_s[chosen]:
            chosen = product
    return chosen


def _multiply(product: Product, x: Tensor, packed: Packed) -> Tensor:
    return product.multiply(x, product.prepare(packed.weight), packed.scale)


def _works(product: Product, x: Tensor, packed: Packed) -> bool:
    """Whether a product is there, and every token comes out right."""
    expected = _multiply(DECODE, x, packed).float()
    try:
        error = (_multiply(product, x, packed).float() - expected).norm(dim=-1)
    except (RuntimeError, AttributeError) as problem:  # of a device or a build without it
        logger.debug("%s does not work here: %s", product.name, problem)
        return False
    return bool((error <= _PROBE_ERROR * expected.norm(dim=-1)).all())


def _take_turns(products: Sequence[Product], x: Tensor, packed: Packed) -> dict[Product, float]:
    """Returns the shortest duration of each in seconds; in turns, so that other work on the machine befalls all."""
    prepared = {product: product.prepare(packed.weight) for product in products}
    took_s = dict.fromkeys(products, math.inf)

    def multiply(product: Product) -> None:
        product.multiply(x, prepared[product], packed.scale)
        if x.device.type == "cuda":
            torch.cuda.synchronize(x.device)

    started = time.perf_counter()
    for _ in range(_PROBE_ROUNDS):
        for product in products:
            took_s[product] = min(took_s[product], quickest_s(partial(multiply, product), rounds=1))
        if time.perf_counter() - started > _PROBE_LIMIT_S:
            break
    return took_s
