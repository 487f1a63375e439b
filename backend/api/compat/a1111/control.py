"""Routes of the web UI's API beside those that draw and those that list: options, progress, parameters of images."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from backend.api.compat.a1111.drawing import Asking, Caller
from backend.api.compat.a1111.models import find_model
from backend.api.compat.a1111.running import interrupt, present_progress, skip
from backend.api.compat.a1111.wire import ImageRequest
from backend.api.compat.values import decode_image
from backend.api.deps import App, Client, Tasks
from backend.services.errors import InputRefused, NoParameters
from backend.services.images.metadata.a1111 import parse_settings
from backend.services.images.metadata.foreign import find_parameters
from backend.services.images.metadata.own import COMMON_KEYWORD
from backend.services.images.metadata.texts import read_texts
from backend.services.library.model_entry import AUTO

router = APIRouter()


@router.get("/options")
def get_options(caller: Caller = Asking) -> dict[str, Any]:
    """Tells the client's model, and what the others of their options would be here."""
    catalogue, chosen = caller.app.catalogue, caller.chosen.of(caller.client)
    best = catalogue.best(catalogue.models()) if chosen == AUTO else None
    return {
        "sd_model_checkpoint": (best.id if best else None) if chosen == AUTO else chosen,
        "sd_checkpoint_hash": None,
        "sd_vae": "Automatic",
        "CLIP_stop_at_last_layers": 1,
        "samples_save": True,
        "samples_format": "png",
        "enable_pnginfo": True,
        "live_previews_enable": True,
    }


@router.post("/options")
def set_options(options: Annotated[dict[str, Any], Body()], caller: Caller = Asking) -> None:
    """Chooses the client's model; other options are taken and mean nothing."""
    name = options.get("sd_model_checkpoint")
    if name:
        caller.chosen.choose(caller.client, find_model(caller.app.catalogue, str(name)).id)


@router.get("/progress")
def get_progress(tasks: Tasks, client: Client, skip_current_image: bool = False) -> dict[str, Any]:
    """Tells how far the client's task is, with its preview."""
    return present_progress(tasks, client, with_image=not skip_current_image)


@router.post("/interrupt")
def interrupt_task(tasks: Tasks, client: Client) -> dict[str, Any]:
    """Ends the client's task."""
    interrupt(tasks, client)
    return {}


@router.post("/skip")
def skip_image(tasks: Tasks, client: Client) -> None:
    """Ends the image that is drawn now, if it is the task's last."""
    skip(tasks, client)


@router.post("/unload-checkpoint")
def unload_model(app: App) -> dict[str, Any]:
    """Frees the memory of the models."""
    app.tasks.free_memory()
    return {}


@router.post("/reload-checkpoint")
def reload_model() -> dict[str, Any]:
    """Does nothing: the next task loads its model."""
    return {}


@router.post("/png-info")
def read_image(body: ImageRequest) -> dict[str, Any]:
    """Reads the parameters in an image, whichever program wrote them."""
    try:
        texts = read_texts(decode_image(body.image, "image"))
    except NoParameters as error:
        raise InputRefused("image", str(error)) from error
    try:
        told = find_parameters(texts).parameters
    except NoParameters:
        return {"info": "", "items": texts, "parameters": {}}
    info = texts.get(COMMON_KEYWORD, "")
    found = {
        "Prompt": told.prompt,
        "Negative prompt": told.negative_prompt,
        "Steps": told.num_inference_steps,
        "Seed": told.seed,
        "CFG scale": None if told.guidance_scale is None else told.guidance_scale + 1,
        "Model": told.model,
        "Size-1": told.width,
        "Size-2": told.height,
    }
    own = parse_settings(info.rpartition("\n")[2]) if "Steps:" in info else {}
    parameters = own | {name: value for name, value in found.items() if value is not None}
    return {"info": info, "items": texts, "parameters": {name: str(value) for name, value in parameters.items()}}


@router.post("/interrogate")
def interrogate(_body: ImageRequest) -> dict[str, Any]:
    """Refuses: nothing here describes images."""
    raise InputRefused("image", "There is no model here that describes images.")
