"""Torch's library is mapped before torch is imported, and nothing is amiss where it is not there."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from backend.utils import torch_library

SCRIPT = """
import sys
from backend.utils.torch_library import map_torch
assert map_torch()
assert "torch" not in sys.modules
assert "libtorch_cpu" in open("/proc/self/maps").read()
import torch
assert torch.ones(2).sum() == 2
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
def test_the_library_is_there_before_the_import(request):
    subprocess.run([sys.executable, "-c", SCRIPT], cwd=request.config.rootpath, check=True, timeout=120)


@pytest.mark.parametrize("spec", [None, importlib.util.spec_from_loader("torch", None)])
def test_without_torch_nothing_happens(monkeypatch, spec):
    monkeypatch.setattr(torch_library.importlib.util, "find_spec", lambda _name: spec)
    assert not torch_library.map_torch()


def test_a_file_that_is_no_library_is_no_fault(monkeypatch, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / torch_library.NAME).write_bytes(b"no library")
    spec = importlib.util.spec_from_file_location(
        "torch", tmp_path / "__init__.py", submodule_search_locations=[str(tmp_path)]
    )
    monkeypatch.setattr(torch_library.importlib.util, "find_spec", lambda _name: spec)
    assert not torch_library.map_torch()
