"""Starts a work folder from a published model, so that later stages tune it instead of learning anew.

The autoencoder is taken as it is; the text encoder and the transformer are where their stages begin.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.loop.checkpoints import load_checkpoint, save_atomically
from training.nano.autoencoder.training import CHECKPOINT as VAE_CHECKPOINT
from training.nano.folder import load_folder
from training.nano.layout import LEARNED_LAYERS, LOUDNESS
from training.nano.sampling import Parts

CHECKPOINT = "adopted.safetensors"


def adopt(work: Path, folder: Path, teacher: Path | None = None) -> None:
    """Writes the published weights into the work folder as the stages expect them.

    Args:
        work: a folder without checkpoints of its own.
        folder: the published folder.
        teacher: folder of an earlier version, whose plain captions say what is to be read; `folder` when missing.
    """
    work.mkdir(parents=True, exist_ok=True)
    parts = load_folder(folder)
    state = {**_state_of(parts, folder), "scale": parts.scale, "shift": parts.shift}
    if teacher is not None:
        state["teacher"] = _state_of(load_folder(teacher), teacher)
    save_atomically(state, work / CHECKPOINT)
    vae = {name: value.contiguous() for name, value in parts.vae.state_dict().items()}
    save_atomically({"average": {"values": vae}, "step": 0}, work / VAE_CHECKPOINT)


def _state_of(parts: Parts, folder: Path) -> dict[str, Any]:
    model = json.loads((folder / "tokenizer" / "tokenizer.json").read_text("utf-8"))["model"]
    return {
        "text_encoder": loud(parts.text_encoder.state_dict()),
        "transformer": parts.transformer.state_dict(),
        "tokens": parts.tokenizer.convert_ids_to_tokens(list(range(len(parts.tokenizer)))),
        "vocabulary": model["vocab"],
        "merges": [list(pair) for pair in model["merges"]],
    }


def read_adopted(work: Path) -> dict[str, Any] | None:
    """What `adopt` wrote, or None where the work folder began with nothing."""
    return load_checkpoint(work / CHECKPOINT) if (work / CHECKPOINT).exists() else None


def read_scale(work: Path) -> tuple[float, float] | None:
    """Shift and scale of the adopted model's latents."""
    adopted = read_adopted(work)
    return (adopted["shift"], adopted["scale"]) if adopted else None


def loud(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A text encoder's learned layers as loud as they were while they learned; drafting made them quiet."""
    written = ("self_attn.o_proj.weight", "mlp.down_proj.weight")
    ends = tuple(f"layers.{layer}.{name}" for layer in range(LEARNED_LAYERS) for name in written)
    return {
        name: value / LOUDNESS if name.endswith((*ends, "embed_tokens.weight")) else value.clone()
        for name, value in state.items()
    }


def embeddings_for(tokens: list[str], adopted: dict[str, Any], parts: dict[str, tuple[str, str]]) -> Tensor:
    """Rows for a larger vocabulary: known tokens keep theirs, merged ones start between those of their parts.

    Args:
        tokens: the new vocabulary, by number.
        adopted: see `read_adopted`.
        parts: what each merged token was merged from.

    Returns:
        (len(tokens), hidden)
    """
    old = adopted["text_encoder"]["embed_tokens.weight"]
    rows: dict[str, Tensor] = dict(zip(adopted["tokens"], old, strict=False))

    def row(token: str) -> Tensor:
        if token not in rows:
            left, right = parts[token]
            rows[token] = (row(left) + row(right)) / 2
        return rows[token]

    return torch.stack([row(token) for token in tokens])
