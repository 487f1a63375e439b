"""Models as Ollama lists them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from backend.api.compat.values import shortened
from backend.services.errors import UnknownModel
from backend.services.library.catalogue import Catalogue
from backend.services.library.model_entry import ModelEntry

TAG = ":latest"
_FAMILY = "z-image"


def find_model(catalogue: Catalogue, name: str) -> ModelEntry:
    """Returns the installed model of a name, in any case, without the tag and the publisher that Ollama puts around it.

    Raises:
        ModelError: there is none, or it is not installed.
    """
    if not name.strip():
        raise UnknownModel("A model is needed: `/api/tags` lists them, and `auto` is the best one.")
    bare = name.strip().partition(":")[0].rpartition("/")[2].lower()
    for model in catalogue.models():
        if name == model.id or bare in (model.id.lower(), model.name.lower()):
            return catalogue.resolve(model.id)
    return catalogue.resolve(shortened(bare))


def present_model(model: ModelEntry) -> dict[str, Any]:
    """Returns an installed model as an item of `/api/tags`."""
    files = sorted(_files(model))
    return {
        "name": f"{model.id}{TAG}",
        "model": f"{model.id}{TAG}",
        "modified_at": _modified_at(files),
        "size": sum(size for _, size, _ in files),
        "digest": hashlib.sha256(json.dumps([model.id, files]).encode()).hexdigest(),
        "details": present_details(model),
    }


def present_details(model: ModelEntry) -> dict[str, Any]:
    """Returns what kind of a model it is."""
    transformer = next((part for part in model.parts if part.part == "transformer"), None)
    is_gguf = transformer is not None and transformer.path.suffix.lower() == ".gguf"
    return {
        "parent_model": "",
        "format": "gguf" if is_gguf else "safetensors",
        "family": _FAMILY,
        "families": [_FAMILY],
        "parameter_size": "6B" if model.repository or model.member else "",
        "quantization_level": transformer.format if transformer is not None else "",
    }


def present_shown(model: ModelEntry) -> dict[str, Any]:
    """Returns the answer to `/api/show`."""
    return {
        "modelfile": "",
        "parameters": "",
        "template": "{{ .Prompt }}",
        "details": present_details(model),
        "model_info": {
            "general.architecture": _FAMILY,
            "general.name": model.name,
            "general.description": model.description,
            f"{_FAMILY}.default_steps": model.default_steps,
            f"{_FAMILY}.size_multiple": model.size_multiple,
        },
        "capabilities": ["image"],
        "modified_at": _modified_at(_files(model)),
    }


def _files(model: ModelEntry) -> list[tuple[str, int, int]]:
    """Returns name, size and time of change of the files; none where they are gone by now."""
    try:
        return [file for part in model.files.signature() for file in part] if model.files is not None else []
    except OSError:
        return []


def _modified_at(files: list[tuple[str, int, int]]) -> str:
    newest_ns = max((changed_ns for _, _, changed_ns in files), default=0)
    return as_text(datetime.fromtimestamp(newest_ns / 1e9, UTC))


def as_text(moment: datetime) -> str:
    """Writes a time as Ollama does."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
