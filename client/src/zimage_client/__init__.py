"""Client of the Z-Image API: `Client` and `AsyncClient`.

from zimage_client import Client

with Client() as client:
    client.draw("a red fox", seed=42)[0].save("fox.png")
"""

from __future__ import annotations

from zimage_client.async_client import AsyncClient
from zimage_client.client import Client
from zimage_client.drawing import Control, DrawOptions, LoraUse, Outpaint, Picture
from zimage_client.errors import (
    ApiError,
    Conflict,
    ConnectionFailed,
    FieldProblem,
    InvalidRequest,
    NotFound,
    TaskCancelled,
    TaskFailed,
    TaskNotCompleted,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    WaitTimeout,
    ZImageError,
)
from zimage_client.filters import HistoryFilters
from zimage_client.retries import Retries
from zimage_client.types import (
    Capabilities,
    Drawn,
    Estimate,
    HistoryPage,
    Image,
    Input,
    Lora,
    LoraList,
    Model,
    ModelDownload,
    ModelList,
    Readiness,
    SystemStatus,
    Task,
    Worker,
)

__all__ = [
    "ApiError",
    "AsyncClient",
    "Capabilities",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Control",
    "DrawOptions",
    "Drawn",
    "Estimate",
    "FieldProblem",
    "HistoryFilters",
    "HistoryPage",
    "Image",
    "Input",
    "InvalidRequest",
    "Lora",
    "LoraList",
    "LoraUse",
    "Model",
    "ModelDownload",
    "ModelList",
    "NotFound",
    "Outpaint",
    "Picture",
    "Readiness",
    "Retries",
    "SystemStatus",
    "Task",
    "TaskCancelled",
    "TaskFailed",
    "TaskNotCompleted",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    "WaitTimeout",
    "Worker",
    "ZImageError",
]
