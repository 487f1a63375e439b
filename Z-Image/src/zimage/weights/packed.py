"""Quantised matrices out of files: as they are stored where that is what is asked for, else quantised anew."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zimage.errors import WeightsError
from zimage.quant.blocks import BlockType
from zimage.quant.packing import Format, Packed, quantize_rows
from zimage.quant.schemes import Ggml, Scaled
from zimage.weights.files.safetensors_file import StoredTensor, read_tensor
from zimage.weights.quantized import AnyTensor, QuantizedTensor


def read_packed(
    stored: AnyTensor,
    format: Format,
    *,
    kept: Sequence[torch.dtype] | None = None,
    device: torch.device | str = "cpu",
) -> Packed:
    """Reads a matrix as quantised values; besides them, one matrix is held.

    Values that are stored in the format, with a scale for all or one a row, are taken as they are.

    Args:
        stored: the matrix.
        format: what is asked for.
        kept: dtypes of stored values that are taken as they are; default: those of the format.
        device: device of the result.

    Raises:
        WeightsError: the file cannot be read, or the matrix holds NaN or infinite values.
    """
    as_stored = _as_stored(stored, format.kept if kept is None else kept)
    if as_stored is not None:
        return as_stored.to(device)
    plain = isinstance(stored, StoredTensor) and stored.dtype.itemsize > 1
    matrix = stored.read() if plain else stored.read(torch.float32)
    try:
        return quantize_rows(matrix, format).to(device)
    except ValueError as error:
        raise WeightsError(f"{stored.path}: a matrix cannot be quantised to {format.name}: {error}") from error


def read_blocks(stored: AnyTensor, device: torch.device | str = "cpu") -> tuple[Tensor, BlockType]:
    """Reads the blocks of a matrix out of a GGUF file as they are, and nothing besides them.

    Args:
        stored: a matrix that has a `block_type`.
        device: device of the result.

    Returns:
        Rows of blocks, (rows, bytes) in uint8, and their type.

    Raises:
        WeightsError: the file cannot be read, or the matrix holds NaN or infinite values.
    """
    blocks = block_type(stored)
    if blocks is None or not isinstance(stored, QuantizedTensor):
        raise ValueError(f"{stored.path}: a matrix in {stored.format} has no blocks to keep")
    data = read_tensor(stored.parts["weight"])
    if not blocks.is_finite(data):
        raise WeightsError(f"{stored.path}: {stored.name} ({blocks.name}) holds NaN or infinite values")
    return data.to(device), blocks


def block_type(stored: AnyTensor) -> BlockType | None:
    """Returns the type of the blocks that a matrix can stay in; None where it is stored otherwise."""
    if not isinstance(stored, QuantizedTensor) or not isinstance(stored.scheme, Ggml):
        return None
    is_whole = stored.window is None and stored.shape == stored.scheme.shape_of(stored.parts["weight"].shape)
    return stored.scheme.blocks if is_whole and len(stored.shape) == 2 else None


def is_packed(stored: AnyTensor, kept: Sequence[torch.dtype]) -> bool:
    """Whether a matrix is stored in one of these dtypes, with no scale, one for all or one a row."""
    if isinstance(stored, StoredTensor):
        return stored.dtype in kept and stored.dtype.is_floating_point and len(stored.shape) == 2
    weight = stored.parts["weight"]
    is_whole = stored.window is None and stored.shape == weight.shape
    return (
        isinstance(stored.scheme, Scaled)
        and weight.dtype in kept
        and is_whole
        and stored.parts["scale"].shape in ((), (1,), (1, 1), weight.shape[:1], (weight.shape[0], 1))
        and _can_rotate(stored.scheme.rotation, weight.shape[1])
    )


def _can_rotate(size: int, columns: int) -> bool:
    """Whether groups of a size that is a power of four, or 0 for none, divide the columns."""
    is_power_of_four = size.bit_count() == 1 and size.bit_length() % 2 == 1
    return not size or (is_power_of_four and columns % size == 0)


def _as_stored(stored: AnyTensor, kept: Sequence[torch.dtype]) -> Packed | None:
    """Returns the stored values and scales; None where they are to be decoded, which also names what is wrong."""
    if not is_packed(stored, kept):
        return None
    if isinstance(stored, QuantizedTensor) and isinstance(stored.scheme, Scaled):
        weight, scale = (read_tensor(stored.parts[role]) for role in ("weight", "scale"))
        rotation = stored.scheme.rotation
    else:
        weight, scale, rotation = stored.read(), torch.ones(()), 0
    rows = scale.float().reshape(-1).expand(len(weight)).contiguous()
    is_sound = _is_finite(weight) and bool(rows.isfinite().all())
    return Packed(weight, rows, rotation) if is_sound else None


def _is_finite(weight: Tensor) -> bool:
    """Whether there is no NaN and no infinity; float8 knows no such question, hence by its bits."""
    if weight.dtype == torch.int8:
        return True
    magnitude = weight.view(torch.uint8) & 0x7F
    largest = 0x7E if weight.dtype == torch.float8_e4m3fn else 0x7B  # 448 and 57344
    return bool((magnitude <= largest).all())
