"""A model of any size whose tensors are windows of one small file of random values: loaded as real files are.

Nothing is written but what the largest tensor of each scale needs, a gigabyte for Turbo's 20.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from zimage import ZImagePipeline  # noqa: E402
from zimage.autoencoder import AutoencoderKL  # noqa: E402
from zimage.config import SchedulerConfig, TextEncoderConfig  # noqa: E402
from zimage.placement import Placement  # noqa: E402
from zimage.quant.packing import is_quantizable  # noqa: E402
from zimage.quant.schemes import Scaled  # noqa: E402
from zimage.text.qwen3 import Qwen3Encoder  # noqa: E402
from zimage.text.tokenizer import load_embedded_tokenizer, load_tokenizer  # noqa: E402
from zimage.tiling import Tiles  # noqa: E402
from zimage.transformer import ZImageTransformer2DModel  # noqa: E402
from zimage.weights.files.safetensors_file import StoredTensor  # noqa: E402
from zimage.weights.parts import ModelFiles, PartFile, load_files  # noqa: E402
from zimage.weights.quantized import AnyTensor, QuantizedTensor  # noqa: E402

from bench.random_model import NANO, Sizes  # noqa: E402

PIECE_VALUES = 2**20
STORED = {"int8": torch.int8, "fp8": torch.float8_e4m3fn}
SCHEMES = {"int8": "int8_tensorwise", "fp8": "float8_e4m3fn_rowwise"}
SPREAD = {torch.int8: 40.0, torch.float8_e4m3fn: 1.0}
"""Standard deviation of stored values."""


@dataclass(frozen=True)
class Region:
    """A stretch of the file: values of one dtype, mean and deviation."""

    dtype: torch.dtype
    mean: float
    deviation: float

    def piece(self, n_values: int) -> Tensor:
        """Returns values that the stretch repeats."""
        generator = torch.Generator().manual_seed(0)
        values = torch.randn(n_values, generator=generator) * self.deviation + self.mean
        if self.dtype == torch.int8:
            values = values.round().clamp(-127, 127)
        return values.to(self.dtype)


class BlockFile:
    """The file, grown region by region; opened again it is found as it was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offsets: dict[Region, int] = {}
        self._end = 0

    def write(self, wanted: Mapping[Region, int]) -> None:
        """Lays out regions of so many values, and writes them where the file is not there yet."""
        is_there = self._path.exists()
        with self._path.open("rb" if is_there else "wb") as file:
            for region, n_values in wanted.items():
                self._offsets[region] = self._end
                self._end += n_values * region.dtype.itemsize
                if not is_there:
                    piece = region.piece(min(n_values, PIECE_VALUES)).view(torch.uint8).numpy().tobytes()
                    whole, rest = divmod(n_values * region.dtype.itemsize, len(piece))
                    for _ in range(whole):
                        file.write(piece)
                    file.write(piece[:rest])

    def tensor(self, region: Region, shape: tuple[int, ...]) -> StoredTensor:
        """Returns a tensor that begins where a region does."""
        return StoredTensor(self._path, self._offsets[region], region.dtype, shape)


@dataclass(frozen=True)
class VirtualModel:
    """A model without files of its own."""

    files: ModelFiles
    tokenizer: Path | None

    def open(
        self,
        device: str,
        dtype: torch.dtype,
        *,
        quantization: str | None = None,
        tiles: Tiles | None = None,
        **more: Any,
    ) -> ZImagePipeline:
        """Loads the model by the ways that real files take."""
        place = Placement.choose(
            self.files.transformer_config, device, dtype, more.get("attention"), None, quantization,
            more.get("residency"),
        )  # fmt: skip
        tokenizer = load_embedded_tokenizer() if self.tokenizer is None else load_tokenizer(self.tokenizer)
        parts = load_files(self.files, tokenizer, SchedulerConfig(shift=3.0), **place.for_loading())
        return ZImagePipeline._joined(parts, place, tiles)  # noqa: SLF001 — files have no other way in


def build_virtual_model(sizes: Sizes, file: Path, stored: str | None = None) -> VirtualModel:
    """Builds a model of bfloat16 values, or with matrices stored in `int8` or `fp8`."""
    text_config = TextEncoderConfig(**sizes.text)
    with torch.device("meta"):
        models: tuple[nn.Module, ...] = (
            ZImageTransformer2DModel(**sizes.transformer.to_dict()),
            Qwen3Encoder(text_config),
            AutoencoderKL(**sizes.vae.to_dict()),
        )
    shapes = [{name: tuple(value.shape) for name, value in model.state_dict().items()} for model in models]
    block, wanted = BlockFile(file), {}
    for name, shape in ((name, shape) for part in shapes for name, shape in part.items()):
        for kind in (None, *STORED):
            for region, n_values in _regions(name, shape, kind):
                wanted[region] = max(wanted.get(region, 0), n_values)
    block.write(wanted)
    parts = [
        PartFile(file, {name: _tensor(block, name, shape, stored) for name, shape in part.items()}) for part in shapes
    ]
    vocabulary = text_config.vocab_size
    files = ModelFiles(*parts, sizes.transformer, text_config, sizes.vae)
    return VirtualModel(files, None if vocabulary >= TextEncoderConfig.vocab_size else NANO / "tokenizer")


def _regions(name: str, shape: tuple[int, ...], stored: str | None) -> list[tuple[Region, int]]:
    """Returns the regions of a tensor and how many values it takes of each: the values, and the scales of rows."""
    n_values = torch.Size(shape).numel()
    if len(shape) < 2:
        return [(Region(torch.bfloat16, 0.0 if name.endswith("bias") else 1.0, 0.0), n_values)]
    deviation = torch.Size(shape[1:]).numel() ** -0.5
    if stored is None or not is_quantizable(f".{name}"):
        return [(Region(torch.bfloat16, 0.0, deviation), n_values)]
    dtype = STORED[stored]
    values = Region(dtype, 0.0, SPREAD[dtype])
    return [(values, n_values), (Region(torch.float32, deviation / SPREAD[dtype], 0.0), shape[0])]


def _tensor(block: BlockFile, name: str, shape: tuple[int, ...], stored: str | None) -> AnyTensor:
    (values, _), *scales = _regions(name, shape, stored)
    weight = block.tensor(values, shape)
    if not scales or stored is None:
        return weight
    scale = block.tensor(scales[0][0], (shape[0],))
    return QuantizedTensor(weight.path, name, Scaled(SCHEMES[stored]), {"weight": weight, "scale": scale}, shape, shape)
