"""Records of the domain → what the API shows."""

from __future__ import annotations

from backend.models.schemas import ImageInfo, ImageRecord, TaskRecord, TaskStatus


def present_image(record: ImageRecord, api_prefix: str) -> ImageInfo:
    """Adds the addresses at which a picture and its thumbnail are served."""
    return ImageInfo(
        **record.model_dump(),
        download_url=f"{api_prefix}/download/{record.id}",
        thumbnail_url=f"{api_prefix}/images/{record.id}/thumbnail",
    )


def present_task(task: TaskRecord, queue_position: int | None, api_prefix: str) -> TaskStatus:
    """Shows a task with its place in the queue."""
    return TaskStatus(
        task_id=task.id,
        status=task.status,
        progress=task.progress,
        total_steps=task.total_steps,
        current_step=task.current_step,
        message=task.message,
        result=present_image(task.result, api_prefix) if task.result else None,
        error=task.error,
        error_code=task.error_code,
        cancelling=task.cancelling,
        queue_position=queue_position,
        created_at=task.created_at,
        request=task.request,
    )
