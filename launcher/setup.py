"""The set-up: environment, Python packages, Node packages, the built UI. Each step is skipped while its stamp holds."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher import checks
from launcher.console import CommandFailed, run_step, say
from launcher.errors import NetworkDown, StepFailed
from launcher.folders import check_folder
from launcher.npm_settings import INSTALL_FLAGS, missing_packages, npm_environ
from launcher.pip_settings import pip_environ
from launcher.stamps import Stamp, files_below, hash_inputs, hash_names
from launcher.torch_choice import GIB, TORCH_VERSION, TorchBuild, TorchChoice, plan_torch, resolve_build

NOT_SOURCES = frozenset({"node_modules", "dist", "e2e", "screenshots", "coverage", "test-results", "playwright-report"})
NETWORK_SIGNS = (
    "NewConnectionError", "NameResolutionError", "Failed to establish a new connection", "name resolution",
    "Network is unreachable", "Max retries exceeded", "ConnectTimeout", "ReadTimeout", "Connection refused",
    "ProxyError", "getaddrinfo", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH",
)  # fmt: skip
DENIED_SIGNS = ("Permission denied", "EACCES", "EPERM", "Operation not permitted", "Read-only file system", "EROFS")
NO_SUCH_BUILD = "No matching distribution found for torch"


@dataclass(frozen=True)
class Places:
    """Where set-up reads and writes, below the repository's root."""

    root: Path

    @property
    def venv(self) -> Path:
        """The Python environment."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def frontend(self) -> Path:
        """The browser UI's sources."""
        return self.root / "frontend"

    @property
    def dist(self) -> Path:
        """The built browser UI."""
        return self.frontend / "dist"


class Setup:
    """Brings a checkout to the state in which it can run; does nothing where that is so already."""

    def __init__(self, places: Places, environ: Mapping[str, str]) -> None:
        self._places = places
        self._environ = environ

    def python(self, torch: TorchChoice | None, with_test_tools: bool = False) -> None:
        """Makes the environment and installs the packages.

        Args:
            torch: which build of torch; None keeps the installed one, and means auto where there is none.
            with_test_tools: also install what the tests and checks need.
        """
        self._make_environment()
        self._install_runtime(torch)
        self._install_command()
        if with_test_tools:
            self._install_test_tools()

    def node(self) -> None:
        """Installs the UI's packages."""
        stamp = Stamp(self._places.frontend / "node_modules" / ".zimage-packages")
        key = hash_inputs([self._places.frontend / name for name in ("package.json", "package-lock.json")])
        if stamp.matches(key) and not missing_packages(self._places.frontend):
            return
        _, npm = checks.find_node()
        self._check_folder(self._places.frontend / "node_modules")
        checks.check_disk(self._places.root, GIB // 2, "the browser UI's packages")
        stamp.clear()
        title = "Browser UI packages (npm ci)"
        self._run(title, [npm, "ci", *INSTALL_FLAGS], self._places.frontend, npm_environ(self._environ))
        if missing := missing_packages(self._places.frontend):
            raise StepFailed(f"{title} has left out {len(missing)} packages, such as {missing[0]}. Look into ~/.npmrc.")
        stamp.write(key)

    def build(self) -> None:
        """Builds the UI, again whenever its sources have changed."""
        frontend = self._places.frontend
        stamp = Stamp(frontend / "node_modules" / ".zimage-build")
        key = hash_inputs(files_below(frontend, NOT_SOURCES))
        index = self._places.dist / "index.html"
        if stamp.matches(key) and index.is_file() and stamp.read().get("made") == hash_names(self._places.dist):
            return
        _, npm = checks.find_node()
        self._check_folder(frontend / "node_modules")
        self._check_folder(self._places.dist)
        stamp.clear()
        title = "Browser UI (npm run build)"
        self._run(title, [npm, "run", "build"], frontend, npm_environ(self._environ))
        if not index.is_file():
            raise StepFailed(f"{title} has made no {index}. Run this command again after mending the cause.")
        stamp.write(key, made=hash_names(self._places.dist))

    def _make_environment(self) -> None:
        places = self._places
        stamp = Stamp(places.venv / ".zimage-environment")
        key = f"{sys.version_info.major}.{sys.version_info.minor}"
        if stamp.matches(key) and os.access(places.python, os.X_OK):
            return
        if not stamp.read() and self._is_whole_environment(key):
            with contextlib.suppress(OSError):  # read-only: it is looked at again next time
                stamp.write(key)  # made by hand: adopt it
            return
        checks.check_venv_module()
        self._check_folder(places.venv)
        stamp.clear()
        command = [sys.executable, "-m", "venv", "--clear", str(places.venv)]
        self._run("Python environment (.venv)", command, places.root, self._environ)
        stamp.write(key)

    def _is_whole_environment(self, version: str) -> bool:
        """Tells whether a working environment of this Python version, with pip, is there without our stamp."""
        code = (
            "import sys, pip; "
            "raise SystemExit('%d.%d' % sys.version_info[:2] != sys.argv[1] or sys.prefix == sys.base_prefix)"
        )
        if not os.access(self._places.python, os.X_OK):
            return False
        try:
            run_step("Python environment found", [str(self._places.python), "-c", code, version],
                     self._places.root, self._environ)  # fmt: skip
        except (CommandFailed, OSError):
            return False
        return True

    def _install_runtime(self, torch: TorchChoice | None) -> None:
        stamp = Stamp(self._places.venv / ".zimage-packages")
        build = self._wanted_build(torch, stamp.read().get("torch"))
        key = self._packages_key("backend/requirements.txt", build)
        if stamp.matches(key):
            return
        self._check_folder(self._places.venv)
        plan = plan_torch(build, checks.current_system(), self._environ)
        installed = any(self._places.venv.rglob(f"torch-{TORCH_VERSION}*.dist-info"))
        checks.check_disk(self._places.root, GIB // 2 if installed else plan.disk_bytes, "the Python packages")
        stamp.clear()
        title = f"Python packages (torch {TORCH_VERSION} for {build.upper()}; this is the long one)"
        self._install(title, plan.attempts, "backend/requirements.txt")
        stamp.write(key, torch=build)

    def _wanted_build(self, torch: TorchChoice | None, installed: str | None) -> TorchBuild:
        if torch is None and installed == "cpu":
            return "cpu"
        if torch is None and installed == "cuda":
            return "cuda"
        choice = torch or "auto"
        has_nvidia = choice == "auto" and checks.has_nvidia_card()
        return resolve_build(choice, checks.current_system(), has_nvidia)

    def _install_command(self) -> None:
        """Puts the command `zimage` into the environment; all that it needs is there, so nothing is downloaded.

        A failure keeps nobody from starting the server, which does without it.
        """
        places = self._places
        project = places.root / "client" / "pyproject.toml"
        stamp = Stamp(places.venv / ".zimage-command")
        key = hash_inputs([project], str(places.root))  # the environment refers to the folder
        if stamp.matches(key):
            return
        options = ["--no-input", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
        command = [str(places.python), "-m", "pip", "install", *options, "--editable", "client"]
        try:
            stamp.clear()
            run_step("Command zimage", command, places.root, pip_environ(self._environ, places.venv))
            stamp.write(key)
        except (CommandFailed, OSError) as failed:
            reason = failed.excerpt if isinstance(failed, CommandFailed) else str(failed)
            say(f"The command zimage could not be installed; all else works without it. {reason}")

    def _install_test_tools(self) -> None:
        stamp = Stamp(self._places.venv / ".zimage-test-tools")
        key = self._packages_key("requirements-dev.txt", "")
        if stamp.matches(key):
            return
        self._check_folder(self._places.venv)
        stamp.clear()
        self._install("Test tools", ((),), "requirements-dev.txt")
        stamp.write(key)

    def _packages_key(self, requirements: str, build: str) -> str:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return hash_inputs([self._places.root / "constraints.txt", self._places.root / requirements], version, build)

    def _install(self, title: str, attempts: tuple[tuple[str, ...], ...], requirements: str) -> None:
        """Runs pip with each of the attempts until an index serves what is asked for."""
        environ = pip_environ(self._environ, self._places.venv)
        pip = [str(self._places.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        for position, arguments in enumerate(attempts, start=1):
            command = [*pip, *arguments, "-c", "constraints.txt", "-r", requirements]
            try:
                run_step(title, command, self._places.root, environ)
                return
            except CommandFailed as failed:
                if position == len(attempts) or NO_SUCH_BUILD not in failed.excerpt:
                    raise as_launcher_error(title, failed) from None
                say("The default package index does not serve this build of torch; asking PyTorch's own.")

    def _check_folder(self, folder: Path) -> None:
        what = folder.relative_to(self._places.root)
        check_folder(
            folder,
            f"The set-up writes into {what}. Run it as the user to whom the folder belongs, or give it to yourself "
            "(chown -R), or use a copy of Z-Image in a folder of your own.",
        )

    def _run(self, title: str, command: list[str], cwd: Path, environ: Mapping[str, str]) -> None:
        try:
            run_step(title, command, cwd, environ)
        except CommandFailed as failed:
            raise as_launcher_error(title, failed) from None


def as_launcher_error(title: str, failed: CommandFailed) -> NetworkDown | StepFailed:
    """Turns a failed command into a plain sentence, with an excerpt of the command's output before it."""
    if "dependencies for SOCKS support" in failed.excerpt:
        return NetworkDown(
            f"{title}: ALL_PROXY, HTTPS_PROXY or pip's settings name a SOCKS proxy, which pip cannot use on its own. "
            "Name an HTTP proxy for the set-up (HTTPS_PROXY=http://…; most SOCKS programs offer one too), or unset it, "
            "then run this command again. Downloads of models do go through a SOCKS proxy."
        )
    if any(sign in failed.excerpt for sign in NETWORK_SIGNS):
        return NetworkDown(
            f"{failed.excerpt}\n\n{title}: the package registry could not be reached. "
            "Check the network connection (and proxy), then run this command again; it goes on where it stopped."
        )
    if "No space left on device" in failed.excerpt or "ENOSPC" in failed.excerpt:
        return StepFailed(f"{failed.excerpt}\n\n{title}: the disk is full. Free some space and run this command again.")
    if any(sign in failed.excerpt for sign in DENIED_SIGNS):
        return StepFailed(
            f"{failed.excerpt}\n\n{title}: a file named above may not be written by you. Did another user, or sudo, "
            "run the set-up before? Remove that folder or give it to yourself (chown -R); then run this command again."
        )
    return StepFailed(
        f"{failed.excerpt}\n\n{title} failed with exit code {failed.code}; what it said stands above. "
        "Run this command again after mending the cause."
    )
