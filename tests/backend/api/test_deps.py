"""What every request pays before its route is called."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

API = Path(__file__).resolve().parents[3] / "backend" / "api"


def dependencies() -> set[tuple[str, str]]:
    """Returns module and name of each function that a `Depends` names."""
    found = set()
    for path in API.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Depends":
                found.add((f"backend.api.{path.stem}", ast.unparse(node.args[0])))
    return found


def test_no_dependency_takes_a_thread():
    """A plain function would be called on a thread of its own; a look at a task has seven of them."""
    found = dependencies()
    assert len(found) >= 9
    plain = [
        (module, name)
        for module, name in found
        if not inspect.iscoroutinefunction(getattr(importlib.import_module(module), name))
    ]
    assert plain == []


def test_no_dependency_waits():
    for module, name in dependencies():
        source = inspect.getsource(getattr(importlib.import_module(module), name))
        assert not any(isinstance(node, ast.Await) for node in ast.walk(ast.parse(source))), (module, name)
        assert "open(" not in source, (module, name)
