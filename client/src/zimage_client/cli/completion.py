"""Values that the shell completes: names of models and ids, asked of a server that is running."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import httpx

from zimage_client.cli.connect import is_listening
from zimage_client.client import Client
from zimage_client.connection import read_address
from zimage_client.errors import ZImageError
from zimage_client.retries import Retries

LOOK_S = 1.0


def complete_model(incomplete: str) -> list[str]:
    """Completes the name of a model."""
    return _ask(incomplete, lambda client: [model.id for model in client.models().models])


def complete_lora(incomplete: str) -> list[str]:
    """Completes the name of a LoRA."""
    return _ask(incomplete, lambda client: [lora.name for lora in client.loras().loras])


def complete_task(incomplete: str) -> list[str]:
    """Completes the id of a waiting or running task."""
    return _ask(incomplete, lambda client: [task.task_id for task in client.queue()])


def complete_image(incomplete: str) -> list[str]:
    """Completes the id of one of the newest images."""
    return _ask(incomplete, lambda client: [image.id for image in client.history(page_size=100).images])


def _ask(incomplete: str, look: Callable[[Client], list[str]]) -> list[str]:
    """Asks the server; a shell that waits for a word must not hear of errors."""
    with contextlib.suppress(ZImageError, ValueError, ImportError):
        address = read_address(None)
        if not address.is_local or is_listening(address):
            with Client(str(address), timeout=httpx.Timeout(LOOK_S), retries=Retries(attempts=1)) as client:
                return [word for word in look(client) if word.startswith(incomplete)]
    return []
