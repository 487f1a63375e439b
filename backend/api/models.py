"""The catalogue of models."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from backend.api.deps import App
from backend.api.errors import documented
from backend.api.presenters import present_control, present_model, present_removal, present_variant
from backend.models.catalogue import (
    ModelChoice,
    ModelInfo,
    ModelList,
    ModelRemoval,
    PartName,
    RefusedFile,
    VariantList,
)
from backend.services.generation.planning.recommend import advise
from backend.services.library.variants.presence import find_here, model_of
from backend.services.library.variants.table import VARIANTS

router = APIRouter(prefix="/models", tags=["models"])

ModelId = Annotated[str, Path(description="Id of a model.")]


@router.get("")
def list_models(app: App) -> ModelList:
    """Lists the models of the family and your own, and the one that `auto` means."""
    contents = app.catalogue.look()
    best = app.catalogue.best(list(contents.models))
    return ModelList(
        default=best.id if best else None,
        loaded=next(iter(app.executor.loaded_models), None),
        models=[present_model(model, app.downloads.state(model), app.settings.engine) for model in contents.models],
        controls=[present_control(control) for control in contents.controls],
        refused=[RefusedFile(file=file.name, reason=file.fault) for file in contents.files if file.fault],
        downloading=app.downloads.running_id,
    )


@router.get("/variants")
def list_variants(app: App) -> VariantList:
    """Lists the published variants of the family: size, what each needs on this machine, and which one suits it."""
    contents = app.catalogue.look()
    here = find_here(contents.files)
    installed = {
        variant.id: model.id
        for variant in VARIANTS
        if (model := model_of(variant, contents.models)) is not None and model.installed
    }
    missing = {
        variant.id: 0 if variant.id in installed else app.downloads.missing_bytes(variant, here) for variant in VARIANTS
    }
    room_bytes = app.downloads.room_bytes
    advice = advise(app.planner, VARIANTS, lambda variant: missing[variant.id], room_bytes)
    return VariantList(
        room_bytes=room_bytes,
        variants=[
            present_variant(
                offer,
                advice,
                here,
                installed.get(offer.variant.id),
                app.downloads.state_of(offer.variant, here),
            )
            for offer in advice.offers
        ],
    )


@router.post("/unload", status_code=202, response_class=Response)
def free_memory(app: App) -> Response:
    """Frees the memory of the loaded models, each as soon as no task needs it. The next task loads its model again."""
    app.tasks.free_memory()
    return Response(status_code=202)


@router.post("/{name}/download", status_code=202, response_class=Response, responses=documented(404, 409, 422, 507))
def start_download(name: ModelId, app: App) -> Response:
    """Starts or resumes the download of a model. The list of models has its progress."""
    app.downloads.start(name)
    return Response(status_code=202)


@router.delete("/{name}/download", status_code=204, responses=documented(404, 422))
def cancel_download(name: ModelId, app: App) -> Response:
    """Cancels a download, or clears a failed one. Downloaded bytes stay for the next one."""
    app.downloads.cancel(name)
    return Response(status_code=204)


@router.put("/{name}/parts", responses=documented(404, 422, 507))
def choose_parts(name: ModelId, choice: ModelChoice, app: App) -> ModelInfo:
    """Chooses what a model of single files is run as. The next task loads it anew."""
    parts: dict[PartName, str | None] = {"text_encoder": choice.text_encoder, "vae": choice.vae}
    chosen = {part: file for part, file in parts.items() if file is not None}
    model = app.catalogue.choose(name, choice.member, chosen)
    return present_model(model, app.downloads.state(model), app.settings.engine)


@router.get("/{name}/removal", responses=documented(404, 409, 422))
def preview_removal(name: ModelId, app: App) -> ModelRemoval:
    """Tells what deleting a model would remove and which of its parts would stay, or why it is not deleted."""
    return present_removal(app.removals.plan(name))


@router.delete("/{name}", responses=documented(404, 409, 422))
def delete_model(name: ModelId, app: App) -> ModelRemoval:
    """Deletes what is ours of a model: what was downloaded here, or lies in a folder of models that is Z-Image's own.

    Parts that other models use stay, and so does what belongs to ComfyUI or lies in the hub's cache. A model in memory
    or one that a task waits for is not deleted.
    """
    return present_removal(app.removals.remove(name))
