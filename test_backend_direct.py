"""Generates a picture through the services, without HTTP, and prints a verdict a line.

python test_backend_direct.py [--prompt "a red apple"] [--model auto] [--keep FOLDER]
Uses a temporary data folder unless --keep names one. Ends with status 0 when every check has passed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from backend.main import build_engine, build_services
from backend.models.config import Settings
from backend.models.schemas import GenerateRequest
from backend.services.generation.engines.hardware import detect_hardware
from backend.services.task_manager import TaskManager
from backend.services.tasks.records import TaskRecord

POLL_S = 0.05


def wait(tasks: TaskManager, task_id: str) -> TaskRecord:
    """Prints a task's progress until it has ended."""
    message = ""
    while not (task := tasks.get(task_id)).status.is_final:
        if task.message != message:
            message = task.message
            print(f"      {task.progress:5.1f} %  {message}", flush=True)
        time.sleep(POLL_S)
    return task


def verdict(passed: bool, what: str) -> bool:
    print(f"{'ok  ' if passed else 'FAIL'}  {what}", flush=True)
    return passed


def check(settings: Settings, prompt: str, model: str) -> bool:
    """Generates twice with one seed; returns whether all went well."""
    services = build_services(settings, partial(build_engine, settings), detect_hardware)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    services.history.open()
    services.tasks.start()
    request = GenerateRequest(prompt=prompt, model=model, seed=settings.default_seed)
    try:
        first, second = (wait(services.tasks, services.tasks.submit(request)) for _ in range(2))
    finally:
        stopped = services.tasks.close()
    results = [
        verdict(first.result is not None, f"first picture: {first.message} {first.error or ''}"),
        verdict(second.result is not None, f"second picture: {second.message} {second.error or ''}"),
    ]
    if first.result is not None and second.result is not None:
        paths = [services.history.image_path(task.result.id) for task in (first, second) if task.result is not None]
        results.append(verdict(_same_pixels(*paths), "the same seed gives the same picture"))
        results.append(verdict(services.history.latest().id == second.result.id, "the history has the newest first"))
    results.append(verdict(stopped, "the worker ends when it is told to"))
    return all(results)


def _same_pixels(first: Path, second: Path) -> bool:
    from PIL import Image

    with Image.open(first) as one, Image.open(second) as other:
        return one.tobytes() == other.tobytes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompt", default="a red apple")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--keep", type=Path, help="data folder that is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(data_dir=options.keep or Path(temporary))
        return 0 if check(settings, options.prompt, options.model) else 1


if __name__ == "__main__":
    sys.exit(main())
