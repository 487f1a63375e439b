"""Torch's library is mapped before torch is imported, and nothing is amiss where it is not there."""

from __future__ import annotations

import gc
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


@pytest.fixture
def without_torch(monkeypatch):
    """As in a process that has not imported torch; what is frozen meanwhile is let go."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    yield
    gc.unfreeze()


def test_what_an_import_makes_is_not_searched_for_garbage(without_torch):
    frozen = gc.get_freeze_count()
    with torch_library.imported_for_good():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen


def test_an_import_that_fails_leaves_collections_as_they_were(without_torch):
    frozen = gc.get_freeze_count()
    with pytest.raises(ImportError), torch_library.imported_for_good():
        raise ImportError
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen


def test_once_torch_is_there_all_is_searched(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", sys)
    frozen = gc.get_freeze_count()
    with torch_library.imported_for_good():
        assert gc.isenabled()
    assert gc.get_freeze_count() == frozen
