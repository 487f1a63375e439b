"""What the person sees while set-up runs: one line a step, with its time, and the last word of a long command."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

from launcher.processes import Child

LAST_LINES = 15
FIRST_ERRORS = 5
QUIET_INTERVAL_S = 20.0  # how often a log that is no terminal gets a sign of life


def say(message: str) -> None:
    """Prints one line at once."""
    print(f"[z-image] {message}", flush=True)


def complain(message: str) -> None:
    """Prints one line to standard error."""
    print(f"[z-image] {message}", file=sys.stderr, flush=True)


class CommandFailed(Exception):
    """A command ended with an error."""

    def __init__(self, code: int, excerpt: str) -> None:
        super().__init__(f"exit code {code}")
        self.code = code
        self.excerpt = excerpt


class _Excerpt:
    """What a failed command's output is remembered by: its first lines that speak of an error, and its last lines."""

    def __init__(self) -> None:
        self._first_errors: list[str] = []
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    def add(self, line: str) -> None:
        if len(self._first_errors) < FIRST_ERRORS and "error" in line.lower():
            self._first_errors.append(line)
        self._last.append(line)

    def __str__(self) -> str:
        missing = [line for line in self._first_errors if line not in self._last]
        return "\n".join([*missing, *(["…"] if missing else []), *self._last])


class _Ticker:
    """Shows that a long command lives: each second on a terminal, now and then in a log."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._started = time.monotonic()
        self._terminal = sys.stdout.isatty()
        self.last_line = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def show(self) -> None:
        text = f"[z-image] {self._title} … {self.seconds:.0f} s  {self.last_line}"
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text[:width]}", end="", flush=True)
        else:
            print(text[:160], flush=True)

    def wipe(self) -> None:
        if self._terminal:
            print("\r\033[K", end="", flush=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        ended = threading.Event()
        interval_s = 1.0 if self._terminal else QUIET_INTERVAL_S

        def tick() -> None:
            while not ended.wait(interval_s):
                self.show()

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.wipe()


def run_step(title: str, command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> None:
    """Runs one command of the set-up, with a compact view of its output.

    Raises:
        CommandFailed: with an excerpt of its output.
    """
    excerpt = _Excerpt()
    child = Child(command, cwd, environ, stdout=PIPE)
    ticker = _Ticker(title)
    try:
        with ticker.running():
            for raw in child.output:
                line = raw.decode("utf-8", errors="replace").rstrip()
                if line:
                    excerpt.add(line)
                    ticker.last_line = line.strip()
            code = child.process.wait()
    finally:
        child.kill()
        child.output.close()
    if code != 0:
        raise CommandFailed(code, str(excerpt))
    say(f"{title}: done in {ticker.seconds:.0f} s")
