"""Records of the domain to schemas of the API."""

from __future__ import annotations

from backend.models.schemas import ImageInfo, ImageRecord, TaskStatus
from backend.services.tasks.records import TaskRecord


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
        preview_seq=task.preview_seq,
        created_at=task.created_at,
        request=task.request,
    )
