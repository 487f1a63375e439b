"""Child processes that never outlive the launcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

GRACE_S = 8.0  # together with the forced end well inside the promised 10 s
IS_WINDOWS = sys.platform == "win32"


class Stopped(BaseException):
    """The person or the system asked the launcher to end; carries the signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by signal {signum}")
        self.signum = signum


def raise_on_stop_signals() -> None:
    """Turns SIGINT, SIGTERM and their kin into a Stopped exception in the main thread."""

    def stop(signum: int, _frame: FrameType | None) -> None:
        raise Stopped(signum)

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if not hasattr(signal, name):
            continue
        signum = getattr(signal, name)
        if name != "SIGHUP" or signal.getsignal(signum) != signal.SIG_IGN:  # nohup wants it to outlive the terminal
            signal.signal(signum, stop)


class Child:
    """A program with everything that it starts, in a process group of its own."""

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        stdout: int | None = None,
    ) -> None:
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT if stdout else None,
            start_new_session=not IS_WINDOWS,
            preexec_fn=_death_wish(),
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    @property
    def output(self) -> IO[bytes]:
        """The child's output, when it was started with a pipe."""
        if self.process.stdout is None:
            raise RuntimeError("the child's output is not captured")
        return self.process.stdout

    def poll(self) -> int | None:
        """Gives the exit code, or None while the child runs."""
        return self.process.poll()

    def ask_to_end(self, signum: int = signal.SIGTERM) -> None:
        """Sends the whole group a polite signal."""
        if IS_WINDOWS:
            if self.poll() is None:
                self.process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
            return
        self._signal_group(signum)

    def kill(self) -> None:
        """Ends whatever is left of the group."""
        if IS_WINDOWS:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(self.process.pid)], capture_output=True, check=False)
        else:
            self._signal_group(getattr(signal, "SIGKILL", signal.SIGTERM))
        self.process.wait()

    def _signal_group(self, signum: int) -> None:
        # The group's number is the leader's and lives on while any member does.
        if sys.platform != "win32":
            try:
                os.killpg(self.process.pid, signum)
            except (ProcessLookupError, PermissionError):
                return


def end_all(children: Sequence[Child], signum: int = signal.SIGTERM, grace_s: float = GRACE_S) -> None:
    """Ends children politely, then by force; nothing of their groups is left when this returns."""
    for child in children:
        child.ask_to_end(signum)
    deadline = time.monotonic() + grace_s
    try:
        while time.monotonic() < deadline and any(child.poll() is None for child in children):
            time.sleep(0.05)
    except (Stopped, KeyboardInterrupt):
        pass  # asked a second time: do not wait any longer
    for child in children:
        child.kill()


def supervise(children: Sequence[Child]) -> int:
    """Waits until the first child ends, or until asked to stop; then ends all.

    Returns:
        The exit code of the child that ended first; after a requested stop, that of the first child.
    """
    try:
        while True:
            for child in children:
                code = child.poll()
                if code is not None:
                    end_all([other for other in children if other is not child])
                    child.kill()
                    return _as_exit_code(code)
            time.sleep(0.1)
    except Stopped as stopped:
        # A closed terminal (SIGHUP) means the same as SIGTERM, which every server knows how to take.
        end_all(children, signum=signal.SIGINT if stopped.signum == signal.SIGINT else signal.SIGTERM)
        return _as_exit_code(children[0].process.wait())


def _as_exit_code(code: int) -> int:
    return code if code >= 0 else 128 - code  # -9 is "killed by signal 9", which shells call 137


def _death_wish() -> Callable[[], None] | None:
    """Gives what asks Linux to end a child when the launcher dies without a chance to clean up (kill -9)."""
    if sys.platform != "linux":
        return None
    import ctypes  # only here: it costs a hundredth of a second

    pr_set_pdeathsig = 1
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None  # a libc without prctl: only this last safeguard is lost
    return lambda: prctl(pr_set_pdeathsig, signal.SIGKILL) and None
