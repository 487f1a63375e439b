"""Records of the domain to schemas of the API."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from backend.models import catalogue as wire
from backend.models.config import Engine, Settings
from backend.models.loras import LoraInfo, LoraList, LoraSuggestion
from backend.models.schemas import ImageInfo, ImageRecord, TaskStatus
from backend.models.system import WorkerStatus
from backend.services.generation.planning.recommend import Advice, Offer
from backend.services.library.control_files import FoundControl
from backend.services.library.loras.catalogue import Lora, LoraContents
from backend.services.library.model_entry import ModelEntry
from backend.services.library.part_files import FoundPart
from backend.services.library.variants.presence import Here, path_of
from backend.services.library.variants.removal import Removal
from backend.services.tasks.executors.base import Worker
from backend.services.tasks.records import TaskRecord
from backend.utils.texts import as_utf_8


def present_image(record: ImageRecord, api_address: str) -> ImageInfo:
    """Adds the URLs of an image and its thumbnail."""
    return ImageInfo(
        **record.model_dump(),
        download_url=f"{api_address}/download/{record.id}",
        thumbnail_url=f"{api_address}/images/{record.id}/thumbnail",
    )


def present_task(task: TaskRecord, position: int | None, eta_s: float | None, api_address: str) -> TaskStatus:
    """Returns a task's status with its place in the queue and the seconds to its end."""
    images = [present_image(record, api_address) for record in task.images]
    return TaskStatus(
        task_id=task.id,
        status=task.status,
        progress=task.progress,
        total_steps=task.total_steps,
        current_step=task.current_step,
        step=task.step,
        steps=task.steps,
        message=task.message,
        result=images[-1] if images else None,
        num_images=task.request.num_images,
        images=images,
        error=task.error,
        error_code=task.error_code,
        cancelling=task.cancelling,
        queue_position=position,
        eta_seconds=None if eta_s is None else round(eta_s, 1),
        timings=task.timings,
        worker=task.worker,
        workers=list(task.workers),
        preview_seq=task.preview_seq,
        created_at=task.created_at,
        request=task.request,
    )


def present_worker(worker: Worker, *, is_drained: bool, is_busy: bool, task_id: str | None) -> WorkerStatus:
    """Returns what is shown of a worker; `task_id` is that of a task which the client may see."""
    state: str = worker.state
    if worker.state == "ready":
        state = "busy" if is_busy else "idle"
    return WorkerStatus.model_validate(
        {
            "id": worker.slot,
            "node": worker.node,
            "device": worker.device,
            "card": worker.card,
            "memory_gb": round(worker.memory_bytes / 2**30, 2) if worker.memory_bytes else None,
            "state": state,
            "drained": is_drained,
            "model": worker.model,
            "task_id": task_id,
            "note": worker.note,
        }
    )


def present_model(model: ModelEntry, download: wire.ModelDownload, engine: Engine) -> wire.ModelInfo:
    """Returns a model of the catalogue with its download."""
    return wire.ModelInfo(
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
        can=list(model.abilities(engine)),
        repository=model.repository,
        note=model.note if download.state == "none" else None,
        download=download,
        member=model.member,
        parts=[_present_part(part, model) for part in model.parts],
    )


def _present_part(part: FoundPart, model: ModelEntry) -> wire.ModelPart:
    choices = [other.name for other in model.choices.get(part.part, ())]
    return wire.ModelPart(
        part=part.part, file=part.name, format=part.format, size_bytes=part.size_bytes, choices=choices
    )


def present_variant(
    offer: Offer, advice: Advice, here: Here, model_id: str | None, download: wire.ModelDownload
) -> wire.ModelVariant:
    """Returns a published variant, with what it needs here and whether it is recommended."""
    variant = offer.variant
    files = variant.files
    repositories = dict.fromkeys([variant.repository] if variant.repository else [file.repository for file in files])
    reason = advice.recommended.get(variant.id)
    return wire.ModelVariant(
        id=variant.id,
        of=variant.model.id,
        label=variant.label,
        format=variant.format,
        licence=variant.licence,
        quality=variant.quality,
        repositories=list(repositories),
        files=[
            wire.VariantFile(
                part=file.part,
                repository=file.repository,
                file=file.name,
                size_bytes=file.size_bytes,
                here=path_of(file, here) is not None,
            )
            for file in files
        ],
        size_bytes=variant.size_bytes,
        missing_bytes=offer.missing_bytes,
        needs=_present_needs(offer),
        recommended=reason and wire.Recommendation(reason=reason, short_of_disk=variant.id in advice.short_of_disk),
        model=model_id,
        download=download,
    )


def _present_needs(offer: Offer) -> wire.VariantNeeds:
    plan, prediction = offer.outlook.plan, offer.outlook.prediction
    return wire.VariantNeeds(
        device=plan.device,
        dtype=plan.dtype,
        quantization=plan.quantization,
        offload=plan.offload,
        fits=prediction.fits,
        device_bytes=prediction.device_bytes,
        device_total_bytes=prediction.device_total_bytes,
        host_bytes=prediction.host_bytes,
        host_total_bytes=prediction.host_total_bytes,
    )


def present_removal(removal: Removal) -> wire.ModelRemoval:
    """Returns what a deletion removes."""
    return wire.ModelRemoval(
        files=[wire.DoomedFile(name=doomed.name, size_bytes=doomed.size_bytes) for doomed in removal.files],
        kept=[wire.KeptPart(name=name, reason=reason) for name, reason in removal.kept.items()],
        size_bytes=sum(doomed.size_bytes for doomed in removal.files),
    )


def present_control(control: FoundControl) -> wire.ControlInfo:
    """Describes a ControlNet."""
    return wire.ControlInfo(
        name=control.name,
        kind=control.kind,
        format=control.format,
        size_bytes=control.size_bytes,
        takes_mask=control.takes_mask,
    )


def present_lora(lora: Lora, api_address: str, *, is_own: bool) -> LoraInfo:
    """Describes a LoRA."""
    facts, words, version = lora.facts, lora.facts.words, lora.preview_version
    return LoraInfo(
        name=lora.name,
        title=words.title,
        file=as_utf_8(lora.file.name),
        kind=facts.kind,
        rank=facts.rank,
        dtype=facts.dtype,
        base=words.base,
        family=facts.family,
        role=facts.role,
        matched=facts.matched,
        of=facts.of,
        trigger_words=list(words.triggers),
        tags=list(words.tags),
        description=words.description,
        usage_hint=words.usage_hint,
        suggested=LoraSuggestion(
            strength=words.strength,
            num_inference_steps=facts.steps,
            guidance_scale=facts.guidance_scale,
            negative_prompt=words.negative_prompt,
        ),
        preview=version and f"{api_address}/loras/{quote(lora.name, safe='')}/preview?v={version}",
        size_bytes=lora.file.size_bytes,
        sha256=lora.digest and lora.digest.sha256,
        modified_at=datetime.fromtimestamp(lora.file.mtime_ns / 1e9, UTC),
        is_own=is_own,
        problem=lora.problem,
        warning=facts.warning,
    )


class LoraLists:
    """Lists of LoRAs as JSON, the last of which is kept: of a thousand, nothing else takes as long."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._last: tuple[LoraContents, set[str], bytes] | None = None

    def present(self, contents: LoraContents, own: set[str]) -> bytes:
        """Returns the list of what was found, with the paths of what can be deleted."""
        last = self._last
        if last is not None and last[0] is contents and last[1] == own:
            return last[2]
        address = self._settings.api_address
        listed = LoraList(
            loras=[present_lora(lora, address, is_own=lora.file.path in own) for lora in contents.loras],
            n_unread=contents.n_unread,
            max_upload_bytes=self._settings.max_lora_mb * 2**20,
        )
        text = listed.model_dump_json().encode()
        self._last = contents, own, text
        return text
