"""Questions asked of the machine before anything is installed or started."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from launcher.errors import DiskFull, MissingTool, PortTaken, UnfitFolder
from launcher.torch_choice import GIB, System

UNFIT_FOR_UI = '#?*"' + ("\\" if os.name != "nt" else "")
OLDEST_NODE = (20, 19)  # what Vite 7 needs


def current_system() -> System:
    """Names the operating system."""
    name = platform.system().lower()
    return "windows" if name == "windows" else "darwin" if name == "darwin" else "linux"


def check_venv_module() -> None:
    """Raises MissingTool when this Python cannot make environments (Debian ships that part on its own)."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise MissingTool(
            f"Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python{version}-venv"
        )


def find_node() -> tuple[str, str]:
    """Finds Node and npm.

    Returns:
        The paths of node and npm.

    Raises:
        MissingTool: one of them is missing, or Node is too old for the UI's build.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    wanted = f"Node {OLDEST_NODE[0]}.{OLDEST_NODE[1]} or newer with npm"
    hint = "Install it (https://nodejs.org), or run start_backend, which serves the API without it."
    if node is None or npm is None:
        raise MissingTool(f"{wanted} is needed to build the browser UI and was not found. {hint}")
    version = node_version(node)
    if version < OLDEST_NODE:
        found = ".".join(map(str, version)) or "one that does not answer"
        raise MissingTool(f"{wanted} is needed to build the browser UI; this is Node {found}. {hint}")
    return node, npm


def node_version(node: str) -> tuple[int, ...]:
    """Reads `node --version`; empty when it does not answer."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)
        return tuple(int(part) for part in answer.stdout.strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ()


def has_nvidia_card() -> bool:
    """Tells whether the NVIDIA driver is here and lists a card."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        answer = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and "GPU " in answer.stdout


def check_path(root: Path, with_ui: bool) -> None:
    """Raises UnfitFolder when the checkout's path has a character that the tools cannot do with.

    Tried one by one: Vite and its esbuild take the UI's paths for addresses and patterns; Python's venv takes a path
    for one of several at the separator of PATH, and a start line (#!) ends with the line.
    """
    separator = os.pathsep if os.name != "nt" else ""
    unfit = f"{separator}\n" + (UNFIT_FOR_UI if with_ui else "")
    path = str(root.relative_to(root.anchor))
    found = sorted({character for character in path if character in unfit or "\ud800" <= character <= "\udfff"})
    if found:
        named = " ".join(repr(character) for character in found)
        raise UnfitFolder(
            f"The path of this folder, {str(root)!r}, has {named} in it, which the tools that build Z-Image cannot do "
            "with. Move or rename the folder; nothing is installed before that."
        )


def check_disk(folder: Path, needed_bytes: int, purpose: str) -> None:
    """Raises DiskFull when the folder's disk has less free space than needed."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise DiskFull(
            f"Not enough disk space for {purpose}: {needed_bytes / GIB:.1f} GB are needed in {folder}, "
            f"{free / GIB:.1f} GB are free."
        )


def check_port(host: str, port: int, option: str) -> None:
    """Raises PortTaken when the address cannot be listened on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise PortTaken(f"The address {host!r} is not one of this machine. Choose another with --host.") from None
    with socket.socket(family, kind, protocol) as probe:
        # A port that was just closed may be taken again on POSIX; on Windows the same option would mean sharing it.
        flag = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
        probe.setsockopt(socket.SOL_SOCKET, flag, 1)
        try:
            probe.bind(address)
        except PermissionError:
            raise PortTaken(
                f"Port {port} may not be used without more rights. Choose one above 1023 with {option}."
            ) from None
        except OSError:
            raise PortTaken(
                f"Port {port} on {host} is taken by another program, perhaps by Z-Image itself. "
                f"Stop that program, or choose another port with {option}."
            ) from None
