"""Which build of torch to install, and where from. Pure functions; the matrix is in the tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from launcher.errors import LauncherError

TorchChoice = Literal["auto", "cpu", "cuda"]
TorchBuild = Literal["cpu", "cuda"]
System = Literal["linux", "darwin", "windows"]

TORCH_VERSION = "2.13.0"
CUDA_TAG = "cu130"
PYTORCH_INDEX = "https://download.pytorch.org/whl"
GIB = 1024**3


@dataclass(frozen=True)
class TorchPlan:
    """How to install torch.

    Attributes:
        build: which of the two builds this gives.
        attempts: pip arguments to try in order; the next only when an index does not serve the one before.
        disk_bytes: free space that a first installation needs.
    """

    build: TorchBuild
    attempts: tuple[tuple[str, ...], ...]
    disk_bytes: int


def resolve_build(choice: TorchChoice, system: System, has_nvidia: bool) -> TorchBuild:
    """Turns the user's choice into a build: auto takes CUDA where an NVIDIA card is present."""
    if choice == "cuda" and system == "darwin":
        raise LauncherError("There is no CUDA build of torch for macOS. Use --torch cpu: it includes Apple's Metal.")
    if choice == "auto":
        return "cuda" if has_nvidia and system != "darwin" else "cpu"
    return choice


def plan_torch(build: TorchBuild, system: System, environ: Mapping[str, str]) -> TorchPlan:
    """Gives the pip arguments for a build.

    The default index serves CUDA builds for Linux and CPU builds for Windows and macOS, all as plain "2.13.0"; other
    builds carry a local version ("2.13.0+cpu") and come from PyTorch's own index, or from wherever pip is set up to
    look. "===" compares the whole version, so that a build already installed is replaced when the other is wanted.
    """
    index = environ.get("ZIMAGE_TORCH_INDEX", PYTORCH_INDEX).rstrip("/")
    plain = (f"torch==={TORCH_VERSION}",)
    if build == "cuda":
        from_pytorch = (f"torch=={TORCH_VERSION}+{CUDA_TAG}", "--extra-index-url", f"{index}/{CUDA_TAG}")
        return TorchPlan(build, (plain,) if system == "linux" else (from_pytorch,), 8 * GIB)
    local = (f"torch=={TORCH_VERSION}+cpu",)
    linux_attempts = (local, (*local, "--extra-index-url", f"{index}/cpu"))
    return TorchPlan(build, linux_attempts if system == "linux" else (plain,), 3 * GIB)
