from __future__ import annotations

import sys
from pathlib import Path

from backend.utils.zimage_library import make_importable


def test_the_library_is_found_beside_the_backend(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    make_importable()
    assert (Path(sys.path[-1]) / "zimage" / "__init__.py").is_file()


def test_an_installed_library_is_left_where_it_is(monkeypatch):
    before = list(sys.path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    make_importable()
    assert sys.path == before
