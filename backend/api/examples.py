"""One example of each body, for OpenAPI."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel

from backend import __version__
from backend.api.middleware.body import COMPRESSED
from backend.models.capabilities import DrainRequest, Readiness, describe_capabilities
from backend.models.catalogue import (
    DoomedFile,
    KeptPart,
    ModelChoice,
    ModelDownload,
    ModelInfo,
    ModelList,
    ModelRemoval,
    ModelVariant,
    Recommendation,
    VariantFile,
    VariantList,
    VariantNeeds,
)
from backend.models.config import Settings
from backend.models.edit import ControlImageRequest, FromHistory, MaskImageRequest
from backend.models.estimate import Estimate
from backend.models.gallery import (
    BulkRequest,
    BulkResult,
    ExportRequest,
    ImageChange,
    ReadParameters,
    ReadResult,
    TokenCount,
    TokenRequest,
)
from backend.models.inputs import InputInfo
from backend.models.loras import LoraInfo, LoraList, LoraSuggestion
from backend.models.schemas import (
    ErrorBody,
    ErrorDetail,
    FieldProblem,
    GenerateRequest,
    HistoryPage,
    ImageInfo,
    MoveRequest,
    Status,
    TaskCreated,
    TaskList,
    TaskStatus,
    Timings,
)
from backend.models.session import LoginRequest, Session
from backend.models.system import (
    CpuStatus,
    DiskStatus,
    GpuStatus,
    Health,
    MemoryStatus,
    Root,
    SystemStatus,
    WorkerStatus,
)
from backend.services.errors import UnknownImage

_IMAGE_ID = "3f2b8c1d9e4a4f6b8a7c5d2e1f0a9b8c"
_TASK_ID = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
_MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_PROMPT = "一只红色的狐狸"

STREAMS = {
    "text/event-stream": 'event: status\ndata: {"task_id": "…", "status": "processing", …}\nid: 5c0d3f9a1b2e4d67\n\n',
    "text/plain": "# HELP zimage_tasks_waiting Tasks in the queue.\n# TYPE zimage_tasks_waiting gauge\n"
    "zimage_tasks_waiting 2.0\n",
}
"""Beginnings of the responses that are text but not JSON."""


def bodies() -> dict[str, BaseModel]:
    """Returns the examples by the name of their schema."""
    found = (
        *_of_tasks(), *_of_pictures(), _model(), _models(), _variants(), _removal(),
        ModelChoice(member="base", text_encoder="text_encoders/qwen_3_4b.safetensors"),
        _system(), _worker(), Root(version=__version__), Health(),
        describe_capabilities(Settings.model_construct(), __version__),
        Readiness(status="ready", checks={"engine": True, "accepting": True, "model": True, "disk": True}),
        _estimate(), DrainRequest(drain=True), LoginRequest.model_validate({"token": "…"}),
        ControlImageRequest.model_validate(
            {"image": {"image_id": "0b4f6a2c9d1e4f7a8b3c5d6e7f809a1b"}, "kind": "canny", "options": {"low": 50}}
        ),
        FromHistory(image_id="0b4f6a2c9d1e4f7a8b3c5d6e7f809a1b"), _input(),
        MaskImageRequest.model_validate({"image": {"input_id": _input().input_id}}),
        _lora(), LoraList(loras=[_lora()], n_unread=0, max_upload_bytes=2**31),
        Session(required=True, name="alice"), TokenRequest(prompt=_PROMPT),
        TokenCount(tokens=21, template_tokens=13, limit=512, truncated=False, characters=len(_PROMPT)),
    )  # fmt: skip
    return {type(example).__name__: example for example in found}


def _input() -> InputInfo:
    input_id = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    url = f"/api/inputs/{input_id}"
    return InputInfo(
        input_id=input_id, width=1024, height=768, format="PNG", has_alpha=False, size_bytes=1_204_771, url=url
    )


def _lora() -> LoraInfo:
    return LoraInfo(
        name="ink", title="Ink wash", file="styles/ink.safetensors", kind="lora", rank=32, dtype="BF16",
        base="z-image-turbo", family=None, role=None, matched=210, of=210, trigger_words=["ink wash style"],
        tags=["style"], description="Ink on wet paper.", usage_hint=None,
        suggested=LoraSuggestion(strength=0.8), preview="/api/loras/ink/preview?v=18f3c2", size_bytes=169_000_000,
        sha256="5d" * 32, modified_at=_MOMENT, is_own=True, problem=None, warning=None,
    )  # fmt: skip


def errors() -> dict[int, list[ErrorBody]]:
    """Returns examples of errors by status, one for each code."""
    too_low = "Input should be greater than or equal to 256."
    details = {
        400: [ErrorDetail(code="bad_request", message="Malformed request.")],
        401: [ErrorDetail(code="unauthorized", message="This token is not known here.")],
        403: [ErrorDetail(code="wrong_origin", message="This server takes changes from its own pages only; …")],
        404: [ErrorDetail(code="not_found", message=str(UnknownImage()))],
        408: [ErrorDetail(code="request_timeout", message="The body did not arrive within 31 seconds.")],
        409: [ErrorDetail(code="conflict", message="This task is completed already; there is nothing to cancel.")],
        413: [ErrorDetail(code="too_large", message="The body is larger than 262,144 bytes.")],
        415: [ErrorDetail(code="unsupported_media_type", message=COMPRESSED)],
        421: [ErrorDetail(code="wrong_host", message="This server answers to localhost, 127.0.0.1 and [::1] only; …")],
        422: [
            ErrorDetail(
                code="validation_error",
                message=f"width: {too_low}",
                fields=[FieldProblem(field="width", message=too_low)],
            )
        ],
        429: [
            ErrorDetail(code="too_many_attempts", message="Too many wrong tokens came from this address; try again …"),
            ErrorDetail(code="queue_full", message="100 tasks are waiting, which is the limit; …", position=100),
        ],
        500: [ErrorDetail(code="internal_error", message="Internal server error; the server's log has the details.")],
        503: [ErrorDetail(code="draining", message="The server is about to be restarted and takes no new tasks; …")],
        507: [ErrorDetail(code="insufficient_storage", message="Only 12 MB are free on the disk of the pictures; …")],
    }
    return {status: [ErrorBody(error=detail) for detail in some] for status, some in details.items()}


def _image() -> ImageInfo:
    return ImageInfo(
        id=_IMAGE_ID, filename="zimage-20260102-030405-3f2b8c1d.png", prompt=_PROMPT, width=1024, height=1024,
        num_inference_steps=9, use_gpu=True, size_bytes=1_482_113, created_at=_MOMENT, generation_time_ms=2310.5,
        model="z-image-turbo", seed=42, device="cuda", pixel_hash="9f" * 32, favourite=True, tags=("fox",),
        download_url=f"/api/download/{_IMAGE_ID}", thumbnail_url=f"/api/images/{_IMAGE_ID}/thumbnail",
    )  # fmt: skip


def _of_tasks() -> tuple[BaseModel, ...]:
    request = GenerateRequest(prompt=_PROMPT, height=1024, width=1024, num_inference_steps=9, seed=42)
    task = TaskStatus(
        task_id=_TASK_ID, status=Status.COMPLETED, progress=100, total_steps=9, current_step=9, step=0, steps=9,
        message="Completed in 2.3 s", result=_image(), num_images=1, images=[_image()], error=None, error_code=None,
        cancelling=False, queue_position=None, eta_seconds=None, preview_seq=None, created_at=_MOMENT, request=request,
        worker="cuda:0", workers=[],
        timings=Timings(queued_s=0.01, load_s=0.0, encode_s=0.05, denoise_s=2.0, decode_s=0.2, save_s=0.1),
    )  # fmt: skip
    return request, task, TaskCreated(task_id=_TASK_ID), TaskList(tasks=[task]), MoveRequest(position=0)


def _of_pictures() -> tuple[BaseModel, ...]:
    parameters = ReadParameters(prompt=_PROMPT, width=1024, height=1024, num_inference_steps=20, seed=42)
    return (
        _image(),
        HistoryPage(images=[_image()], total=1, page=1, page_size=20),
        ImageChange(favourite=True, tags=["fox"]),
        BulkRequest(ids=[_IMAGE_ID], action="tag", tag="fox"),
        BulkResult(done=[_IMAGE_ID], missing=[]),
        ExportRequest(ids=[_IMAGE_ID]),
        ReadResult(source="a1111", parameters=parameters),
    )


def _model() -> ModelInfo:
    return ModelInfo(
        id="zimage-nano", name="Z-Image nano", description="A small model for trying things out.", installed=True,
        demo=True, source="ckpts", download_gb=None, size_multiple=32, sizes=[], default_steps=9, guidance_scale=0.0,
        guidance=False, shift=3.0, negative_prompt=False,
        can=["text", "image", "mask", "outpaint", "upscale", "control", "loras"],
        repository=None, note=None,
        download=ModelDownload(state="none", done_bytes=0, total_bytes=0, message=""),
        member=None, parts=[],
    )  # fmt: skip


def _models() -> ModelList:
    model = _model()
    return ModelList(default=model.id, loaded=model.id, models=[model], controls=[], refused=[], downloading=None)


def _variants() -> VariantList:
    repository = "Comfy-Org/z_image_turbo"
    files = [
        VariantFile(part=part, repository=repository, file=file, size_bytes=size_bytes, here=part == "vae")
        for part, file, size_bytes in (
            ("transformer", "z_image_turbo_int8_convrot.safetensors", 6_200_000_000),
            ("text_encoder", "qwen_3_4b_fp8_mixed.safetensors", 5_630_000_000),
            ("vae", "ae.safetensors", 335_000_000),
        )
    ]
    needs = VariantNeeds(
        device="cuda", dtype="bfloat16", quantization="int8", offload="none", fits=True, device_bytes=13_390_000_000,
        device_total_bytes=17_170_000_000, host_bytes=900_000_000, host_total_bytes=34_360_000_000,
    )  # fmt: skip
    variant = ModelVariant(
        id="z_image_turbo_int8_convrot", of="z-image-turbo", label="int8 ConvRot", format="int8_tensorwise",
        licence="Apache-2.0", quality="near", repositories=[repository], files=files, size_bytes=12_165_000_000,
        missing_bytes=11_830_000_000, needs=needs, model=None,
        recommended=Recommendation(reason="quantised", short_of_disk=False),
        download=ModelDownload(state="none", done_bytes=335_000_000, total_bytes=12_165_000_000, message=""),
    )  # fmt: skip
    return VariantList(room_bytes=250_000_000_000, variants=[variant])


def _removal() -> ModelRemoval:
    return ModelRemoval(
        files=[DoomedFile(name="diffusion_models/z_image_turbo_int8_convrot.safetensors", size_bytes=6_200_000_000)],
        kept=[KeptPart(name="vae/ae.safetensors", reason="shared")],
        size_bytes=6_200_000_000,
    )


def _estimate() -> Estimate:
    return Estimate(
        model="z-image-turbo", width=1024, height=1024, device="cuda", dtype="bfloat16", quantization=None,
        offload="model", fits=True,
        device_bytes=14_700_000_000, device_total_bytes=17_170_000_000, host_bytes=21_400_000_000,
        host_total_bytes=68_700_000_000, load_s=21.5, first_s=7.1, next_s=6.8, offer=None,
    )  # fmt: skip


def _worker() -> WorkerStatus:
    return WorkerStatus(
        id="gpu-a-3f2b8c-gpu0", node="gpu-a", device="cuda", card="NVIDIA GeForce RTX 4090", memory_gb=24.0,
        state="busy", drained=False, model="z-image-turbo", task_id=_TASK_ID, note="",
    )  # fmt: skip


def _system() -> SystemStatus:
    return SystemStatus(
        cpu=CpuStatus(usage_percent=12.5, cores=8, frequency_mhz=3200.0),
        memory=MemoryStatus(total_gb=32.0, used_gb=12.0, available_gb=20.0, usage_percent=37.5),
        gpu=GpuStatus(
            available=True, name="NVIDIA GeForce RTX 4090", memory_total_gb=24.0, memory_used_gb=14.5,
            usage_percent=98.0, temperature=65.0,
        ),
        disk=DiskStatus(path="data", total_gb=500.0, used_gb=250.0, free_gb=250.0, usage_percent=50.0),
        timestamp=_MOMENT,
        workers=[_worker()],
    )  # fmt: skip
