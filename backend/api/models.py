"""The catalogue of models."""

from __future__ import annotations

from fastapi import APIRouter

from backend.api.dependencies import App
from backend.models.schemas import ModelInfo, ModelList
from backend.services.catalogue import Model

router = APIRouter(prefix="/models", tags=["models"])


@router.get("")
def list_models(app: App) -> ModelList:
    """Lists the models of the family and your own ones, and which of them `auto` means."""
    models = app.catalogue.models()
    best = app.catalogue.best(models)
    return ModelList(
        default=best.id if best else None,
        loaded=app.generator.loaded_model,
        models=[_present(model) for model in models],
    )


def _present(model: Model) -> ModelInfo:
    return ModelInfo(
        id=model.id,
        name=model.name,
        description=model.description,
        installed=model.installed,
        demo=model.demo,
        source=model.source,
        download_gb=model.download_gb,
        size_multiple=model.size_multiple,
        sizes=list(model.sizes),
        default_steps=model.default_steps,
        guidance_scale=model.guidance_scale,
        guidance=model.guided,
        negative_prompt=model.negative_prompt,
        repository=model.repository,
    )
