from __future__ import annotations

import pytest

from launcher.errors import LauncherError
from launcher.torch_choice import plan_torch, resolve_build

CPU = "torch==2.13.0+cpu"
CUDA = "torch==2.13.0+cu130"
PLAIN = "torch===2.13.0"
INDEX = "https://download.pytorch.org/whl"


@pytest.mark.parametrize(
    ("choice", "system", "has_nvidia", "build"),
    [
        ("auto", "linux", False, "cpu"),
        ("auto", "linux", True, "cuda"),
        ("auto", "windows", False, "cpu"),
        ("auto", "windows", True, "cuda"),
        ("auto", "darwin", False, "cpu"),
        ("auto", "darwin", True, "cpu"),
        ("cpu", "linux", True, "cpu"),
        ("cpu", "windows", True, "cpu"),
        ("cuda", "linux", False, "cuda"),
        ("cuda", "windows", False, "cuda"),
    ],
)
def test_resolves_the_build(choice, system, has_nvidia, build):
    assert resolve_build(choice, system, has_nvidia) == build


def test_cuda_on_macos_is_refused_with_the_way_out():
    with pytest.raises(LauncherError, match="--torch cpu"):
        resolve_build("cuda", "darwin", False)


@pytest.mark.parametrize(
    ("build", "system", "attempts"),
    [
        ("cpu", "linux", [[CPU], [CPU, "--extra-index-url", f"{INDEX}/cpu"]]),
        ("cuda", "linux", [[PLAIN]]),
        ("cpu", "windows", [[PLAIN]]),
        ("cuda", "windows", [[CUDA, "--extra-index-url", f"{INDEX}/cu130"]]),
        ("cpu", "darwin", [[PLAIN]]),
    ],
)
def test_pip_arguments(build, system, attempts):
    assert [list(attempt) for attempt in plan_torch(build, system, {}).attempts] == attempts


def test_pytorch_index_can_be_a_mirror():
    plan = plan_torch("cuda", "windows", {"ZIMAGE_TORCH_INDEX": "https://mirror.example/whl/"})
    assert plan.attempts[0][-1] == "https://mirror.example/whl/cu130"


def test_cuda_needs_more_space():
    assert plan_torch("cuda", "linux", {}).disk_bytes > 2 * plan_torch("cpu", "linux", {}).disk_bytes
