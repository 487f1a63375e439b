"""The finished LoRA as a file: PEFT's names, bfloat16, and what a user wants to know in its header.

A file without alpha keys is read as alpha = rank. So alpha / rank is multiplied into B.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import torch
from PIL import Image, ImageOps
from safetensors.torch import save_file
from torch import Tensor

from training.lora.adapter import Adapter

PREFIX = "transformer."
DTYPE = torch.bfloat16
THUMBNAIL_PX = 128
THUMBNAIL_QUALITY = 70


@dataclass(frozen=True)
class Card:
    """What the header says; empty entries are left out.

    Attributes:
        name: of the file, without suffix.
        title: for people.
        base: name of the model that it was trained on.
        trigger: what calls it; empty where it always acts.
        usage_hint: a sentence or two.
        tags: for searches.
        licence: its identifier.
        thumbnail: a picture of what it does.
        training: further facts, by their `ss_` names.
    """

    name: str
    title: str
    base: str
    trigger: str = ""
    usage_hint: str = ""
    tags: tuple[str, ...] = ()
    licence: str = ""
    thumbnail: Image.Image | None = None
    training: Mapping[str, str] = field(default_factory=dict)

    def header(self, rank: int, size: tuple[int, int], date: datetime, digest: str) -> dict[str, str]:
        """Returns the metadata by name; see Stability AI's `modelspec` 1.0.0 and kohya's `ss_` names."""
        entries = {
            "modelspec.sai_model_spec": "1.0.0",
            "modelspec.architecture": "Z-Image/lora",
            "modelspec.implementation": "diffusers",
            "modelspec.title": self.title,
            "modelspec.resolution": f"{size[0]}x{size[1]}",
            "modelspec.date": date.isoformat(timespec="seconds"),
            "modelspec.hash_sha256": digest,
            "modelspec.trigger_phrase": self.trigger,
            "modelspec.usage_hint": self.usage_hint,
            "modelspec.tags": ", ".join(self.tags),
            "modelspec.license": self.licence,
            "modelspec.thumbnail": "" if self.thumbnail is None else data_uri(self.thumbnail),
            "ss_output_name": self.name,
            "ss_base_model_version": self.base,
            "ss_network_module": "peft",
            "ss_network_dim": str(rank),
            "ss_network_alpha": str(rank),
            **self.training,
        }
        return {name: value for name, value in entries.items() if value}


def tensors_of(adapter: Adapter) -> dict[str, Tensor]:
    """Returns A and B of every path by PEFT's names, with the scale in B."""
    tensors: dict[str, Tensor] = {}
    for name, path in adapter.by_name():
        tensors[f"{PREFIX}{name}.lora_A.weight"] = path.down.detach().to("cpu", DTYPE).contiguous()
        tensors[f"{PREFIX}{name}.lora_B.weight"] = (path.up.detach() * path.scale).to("cpu", DTYPE).contiguous()
    return dict(sorted(tensors.items()))


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """Returns the SHA-256 of the values as safetensors lays them out, tensors of one dtype by name."""
    digest = hashlib.sha256()
    for _, tensor in sorted(tensors.items()):
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return f"0x{digest.hexdigest()}"


def data_uri(picture: Image.Image) -> str:
    """Returns a small square of a picture as text."""
    small = ImageOps.fit(picture.convert("RGB"), (THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=THUMBNAIL_QUALITY, method=6)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def write_lora(adapter: Adapter, card: Card, size: tuple[int, int], date: datetime, path: Path) -> None:
    """Writes the file under another name first, so that there is never half of one.

    Args:
        adapter: trained side paths.
        card: what the header says.
        size: that it was trained at, width and height in pixels.
        date: of its making.
        path: of the file.
    """
    tensors = tensors_of(adapter)
    header = card.header(adapter.rank, size, date, digest_of(tensors))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    save_file(tensors, partial, {"format": "pt", **header})
    partial.replace(path)


def as_json(value: object) -> str:
    """Returns a value as the `ss_` entries have it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
