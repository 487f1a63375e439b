"""The catalogue of models."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from backend.api.deps import App
from backend.api.errors import documented
from backend.models.catalogue import (
    ControlInfo,
    ModelChoice,
    ModelDownload,
    ModelInfo,
    ModelList,
    ModelPart,
    PartName,
    RefusedFile,
)
from backend.services.library.control_files import FoundControl
from backend.services.library.model_entry import ModelEntry
from backend.services.library.part_files import FoundPart

router = APIRouter(prefix="/models", tags=["models"])

ModelId = Annotated[str, Path(description="Id of a model.")]


@router.get("")
def list_models(app: App) -> ModelList:
    """Lists the models of the family and your own, and the one that `auto` means."""
    models = app.catalogue.models()
    best = app.catalogue.best(models)
    return ModelList(
        default=best.id if best else None,
        loaded=next(iter(app.executor.loaded_models), None),
        models=[_present(model, app.downloads.state(model)) for model in models],
        controls=[_present_control(control) for control in app.catalogue.controls()],
        refused=[RefusedFile(file=file.name, reason=file.fault) for file in app.catalogue.weight_files() if file.fault],
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
    return _present(model, app.downloads.state(model))


def _present(model: ModelEntry, download: ModelDownload) -> ModelInfo:
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
        shift=model.shift,
        negative_prompt=model.negative_prompt,
        repository=model.repository,
        note=model.note if download.state == "none" else None,
        download=download,
        member=model.member,
        parts=[_present_part(part, model) for part in model.parts],
    )


def _present_part(part: FoundPart, model: ModelEntry) -> ModelPart:
    choices = [other.name for other in model.choices.get(part.part, ())]
    return ModelPart(part=part.part, file=part.name, format=part.format, size_bytes=part.size_bytes, choices=choices)


def _present_control(control: FoundControl) -> ControlInfo:
    return ControlInfo(
        name=control.name,
        kind=control.kind,
        format=control.format,
        size_bytes=control.size_bytes,
        takes_mask=control.takes_mask,
    )
