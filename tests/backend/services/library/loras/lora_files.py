"""Files of LoRAs without values worth the name, written without torch, and what a reader says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.services.library.loras.architectures import Architecture
from backend.services.library.loras.facts import Purpose
from backend.services.lora_errors import LoraDamaged

DIM = 3840
KEY = "diffusion_model.layers.{}.attention.to_q"
FLUX = "lora_unet_double_blocks_0_img_attn_proj"


def write_lora(
    path: Path,
    metadata: Mapping[str, Any] | None = None,
    *,
    dim: int = DIM,
    rank: int = 4,
    modules: tuple[str, ...] = (KEY.format(0),),
    more: Mapping[str, tuple[int, ...]] | None = None,
    fill: int = 0,
) -> Path:
    """Writes a file with a pair of bfloat16 factors a module; `fill` is every byte of their values."""
    shapes = {f"{module}.lora_A.weight": (rank, dim) for module in modules}
    shapes |= {f"{module}.lora_B.weight": (dim, rank) for module in modules}
    return write_tensors(path, {**shapes, **(more or {})}, metadata, fill=fill)


def write_tensors(
    path: Path, shapes: Mapping[str, tuple[int, ...]], metadata: Mapping[str, Any] | None = None, *, fill: int = 0
) -> Path:
    """Writes tensors of bfloat16."""
    entries: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    at = 0
    for name, shape in shapes.items():
        size = 2
        for side in shape:
            size *= side
        entries[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    header = json.dumps(entries).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes([fill]) * at)
    return path


@dataclass(frozen=True)
class FakeDescription:
    kind: str = "lora"
    ranks: tuple[int, ...] = (4, 16)
    dtypes: tuple[str, ...] = ("BF16",)
    n_matched: int = 2
    n_modules: int = 2
    unmatched: tuple[str, ...] = ()
    encoder_keys: tuple[str, ...] = ()
    family: str | None = None
    purpose: Purpose | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None


class FakeReader:
    """Reads nothing, counts what was asked for, and says what a test wants."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.said: dict[str, FakeDescription] = {}
        self.broken: set[str] = set()

    def __call__(self, path: Path, architecture: Architecture) -> FakeDescription:
        self.asked.append(path.name)
        if path.name in self.broken:
            raise LoraDamaged("It is damaged.")
        return self.said.get(path.stem, FakeDescription())
