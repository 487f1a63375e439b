"""Following a task on the command line: progress, previews, finished images, and Ctrl-C."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from zimage_client.cli.console import messages, say
from zimage_client.cli.files import Previews, Targets
from zimage_client.client import Client
from zimage_client.errors import ZImageError
from zimage_client.types import Task

CANCEL_S = 15.0
"""Longest wait for the step that runs when a task is cancelled."""


class View:
    """Progress of a task for a person: a bar on a terminal, a line a change elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        console = messages()
        self._says = not quiet and not console.is_terminal
        self._said = ""
        self._bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[rest]}"),
            console=console, transient=True, disable=quiet or not console.is_terminal,
        )  # fmt: skip
        self._row = self._bar.add_task("Queued", total=100, rest="")

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Shows it meanwhile."""
        with self._bar:
            yield

    def update(self, task: Task) -> None:
        """Shows a status."""
        text = describe(task)
        rest = "" if task.eta_seconds is None else f"about {task.eta_seconds:.0f} s left"
        self._bar.update(self._row, description=text, completed=task.progress, rest=rest)
        if self._says and text != self._said:
            say(text)
        self._said = text


def describe(task: Task) -> str:
    """Returns a status in a few words."""
    if task.cancelling and not task.is_final:
        return "Cancelling"
    if task.status == "pending":
        return f"Waiting, {task.queue_position} before it" if task.queue_position else "Waiting"
    if task.status == "processing" and task.num_images > 1:
        return f"Drawing {min(len(task.images) + 1, task.num_images)} of {task.num_images}"
    return {"processing": "Drawing"}.get(task.status, task.status.capitalize())


class Follower:
    """Follows one task to its end and writes what it brings."""

    def __init__(self, client: Client, task_id: str, targets: Targets, previews: Previews, *, quiet: bool) -> None:
        self._client = client
        self._task_id = task_id
        self._targets = targets
        self._previews = previews
        self._view = View(quiet=quiet)
        self._seen_preview: int | None = None
        self._has_helpers = False
        self.written: list[dict[str, Any]] = []
        """The finished images, with their paths."""
        self.task: Task | None = None
        """The status seen last."""

    def follow(self) -> Task:
        """Returns the task when it has ended.

        Raises:
            KeyboardInterrupt: A person has had enough; the task is cancelled, and what was finished is written.
        """
        with self._view.shown():
            try:
                return self._listen()
            except BaseException:
                self._cancel()
                raise

    def _listen(self) -> Task:
        for task in self._client.events(self._task_id):
            self._on_change(task)
        if self.task is None:
            raise ZImageError("The server has ended the events without a word.")
        return self.task

    def _cancel(self) -> None:
        with contextlib.suppress(ZImageError, OSError):
            self._client.cancel(self._task_id)
        with contextlib.suppress(ZImageError, OSError):  # what it finishes meanwhile is kept
            self._client.wait(self._task_id, timeout_s=CANCEL_S, on_change=self._on_change)

    def _on_change(self, task: Task) -> None:
        self.task = task
        self._view.update(task)
        self._has_helpers |= len(task.workers) > 1
        if not self._has_helpers or task.is_final:  # several workers end in any order; files are numbered by seeds
            self._write(task)
        if self._previews.are_wanted and task.preview_seq not in (None, self._seen_preview) and not task.is_final:
            self._seen_preview = task.preview_seq
            if content := self._client.preview(self._task_id, task.preview_seq):
                self._previews.write(self._task_id, task.preview_seq or 0, content)

    def _write(self, task: Task) -> None:
        there = {entry["id"] for entry in self.written}
        for number, image in enumerate(task.images, start=1):
            if image.id not in there:
                path = self._targets.write(number, image, self._client.download(image))
                self.written.append({**image.raw, "path": path})
