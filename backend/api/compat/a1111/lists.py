"""Routes of the web UI's API that tell what there is. Much of it is empty here."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from backend.api.compat.a1111.extras import NONE
from backend.api.compat.a1111.translate import SAMPLER, SCHEDULER, UPSCALER
from backend.api.deps import App
from backend.models.config import is_loopback
from backend.services.library.model_entry import AUTO

Items = list[dict[str, Any]]

router = APIRouter()


@router.get("/sd-models")
def list_models(app: App) -> Items:
    """Lists the installed models."""
    return [
        {
            "title": model.id,
            "model_name": model.name,
            "hash": None,
            "sha256": None,
            "filename": model.id,
            "config": None,
        }
        for model in app.catalogue.models()
        if model.installed
    ]


@router.get("/samplers")
def list_samplers() -> Items:
    """Lists the one sampler."""
    return [{"name": SAMPLER, "aliases": ["euler", "k_euler"], "options": {}}]


@router.get("/schedulers")
def list_schedulers() -> Items:
    """Lists the one schedule, and the name that leaves it open."""
    return [
        {"name": label.lower(), "label": label, "aliases": None, "default_rho": -1.0, "need_inner_model": False}
        for label in ("Automatic", SCHEDULER)
    ]


@router.get("/upscalers")
def list_upscalers() -> Items:
    """Lists the upscaler that draws over in tiles, and none."""
    return [
        {"name": name, "model_name": None, "model_path": None, "model_url": None, "scale": 2.0}
        for name in (NONE, UPSCALER)
    ]


@router.get("/loras")
def list_loras(app: App) -> Items:
    """Lists the LoRAs."""
    contents = app.loras.catalogue.look(app.loras.architecture_of(AUTO))
    return [
        {"name": lora.name, "alias": next(lora.other_names, lora.name), "path": lora.path_name, "metadata": {}}
        for lora in contents.loras
        if not lora.problem
    ]


@router.get("/scripts")
def list_scripts() -> dict[str, Any]:
    """Lists scripts and extensions: none."""
    return {"txt2img": [], "img2img": []}


@router.get("/embeddings")
def list_embeddings() -> dict[str, Any]:
    """Lists textual inversions: none."""
    return {"loaded": {}, "skipped": {}}


@router.get("/sd-vae")
@router.get("/latent-upscale-modes")
@router.get("/hypernetworks")
@router.get("/face-restorers")
@router.get("/realesrgan-models")
@router.get("/prompt-styles")
@router.get("/script-info")
@router.get("/extensions")
def list_nothing() -> Items:
    """Lists what there is none of."""
    return []


@router.post("/refresh-checkpoints")
@router.post("/refresh-vae")
@router.post("/refresh-loras")
@router.post("/refresh-embeddings")
def refresh() -> None:
    """Does nothing: every look at a list is a look at the disk."""


@router.get("/memory")
def get_memory(app: App) -> dict[str, Any]:
    """Tells how much memory is used, in bytes."""
    status = app.monitor.status()
    gpu = status.gpu
    cuda: dict[str, Any] = {"error": "unavailable"}
    if gpu is not None and gpu.memory_total_gb is not None and gpu.memory_used_gb is not None:
        cuda = {"system": _memory(gpu.memory_total_gb, gpu.memory_used_gb)}
    return {"ram": _memory(status.memory.total_gb, status.memory.used_gb), "cuda": cuda}


def _memory(total_gb: float, used_gb: float) -> dict[str, int]:
    total, used = round(total_gb * 2**30), round(used_gb * 2**30)
    return {"free": total - used, "used": used, "total": total}


@router.get("/cmd-flags")
def get_flags(app: App) -> dict[str, Any]:
    """Tells with which of their options this server could have been started."""
    settings = app.settings
    return {
        "api": True,
        "listen": not is_loopback(settings.host),
        "port": settings.port,
        "subpath": settings.root_path,
        "api_auth": None,
    }
