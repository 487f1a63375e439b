"""What a request will take, before it is sent: tokens, memory, seconds."""

from __future__ import annotations

from fastapi import APIRouter

from backend.api.deps import App, Owner
from backend.api.errors import documented
from backend.models.estimate import Estimate, Size
from backend.models.gallery import TokenCount, TokenRequest
from backend.models.schemas import GenerateRequest
from backend.services.generation.lora_tags import take_sound_tags

router = APIRouter(tags=["generate"])


@router.post("/tokens", responses=documented(400, 413, 422))
def count_tokens(request: TokenRequest, app: App) -> TokenCount:
    """Counts a prompt's tokens, those of LoRAs left out. The model does not read those beyond its limit."""
    words, tags = take_sound_tags(request.prompt)
    counted = app.tokens.count(words, request.model)
    if not tags or counted.truncated:
        return counted
    return counted.model_copy(update={"characters": len(request.prompt)})


@router.post("/estimate", responses=documented(400, 413, 422))
def estimate(request: GenerateRequest, app: App, owner: Owner) -> Estimate:
    """Predicts memory and seconds of a request that is not queued, from what images have taken on this machine."""
    job = app.resolver.resolve(app.resolver.complete(app.sources.keep(request, owner)))
    model, recipe = app.catalogue.resolve(job.recipe.model), job.recipe
    is_loaded = model.id in app.executor.loaded_models
    outlook = app.planner.outlook(model, recipe, use_gpu=job.use_gpu, is_loaded=is_loaded)
    plan, prediction = outlook.plan, outlook.prediction
    return Estimate(
        model=model.id,
        width=recipe.width,
        height=recipe.height,
        device=plan.device,
        dtype=plan.dtype,
        quantization=plan.quantization,
        offload=plan.offload,
        fits=prediction.fits,
        device_bytes=prediction.device_bytes,
        device_total_bytes=prediction.device_total_bytes,
        host_bytes=prediction.host_bytes,
        host_total_bytes=prediction.host_total_bytes,
        load_s=prediction.load_s,
        first_s=prediction.first_s,
        next_s=prediction.next_s,
        offer=Size(width=outlook.offer[0], height=outlook.offer[1]) if outlook.offer else None,
    )
