"""What the code imports against what the set-up installs."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"backend", "launcher", "zimage", "zimage_client", "training", "tests", "conftest", "bench"}
DISTRIBUTIONS = {
    "cv2": "opencv-python-headless",
    "mcp_types": "mcp-types",
    "PIL": "pillow",
    "_pytest": "pytest",
    "multipart": "python-multipart",
    "yaml": "pyyaml",
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names_in(file: str) -> set[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {normal(match[0]) for line in lines if (match := re.match(r"[A-Za-z0-9][\w.-]*", line))}


def imported_by(*folders: str) -> dict[str, str]:
    """Maps each foreign distribution to a file that imports it."""
    found: dict[str, str] = {}
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in (module.partition(".")[0] for module in modules):
                if module not in sys.stdlib_module_names and module not in OURS:
                    found[normal(DISTRIBUTIONS.get(module, module))] = str(path.relative_to(ROOT))
    return found


def test_the_server_imports_only_what_its_set_up_installs():
    imported = imported_by("backend", "Z-Image/src")
    assert "fastapi" in imported
    assert {name: by for name, by in imported.items() if name not in names_in("backend/requirements.txt")} == {}


def test_tests_and_benchmarks_import_only_what_their_set_up_installs():
    installed = names_in("backend/requirements.txt") | names_in("requirements-dev.txt")
    imported = imported_by("tests", "bench", "Z-Image/training")
    assert {name: by for name, by in imported.items() if name not in installed} == {}


def test_the_launcher_imports_the_standard_library_only():
    assert imported_by("launcher") == {}


@pytest.mark.parametrize("file", ["backend/requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(file):
    assert names_in(file) - names_in("constraints.txt") == set()


def test_the_pins_name_no_machine():
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert not re.search(r"file:|https?:|@|\+cpu\b(?!,)", re.sub(r"^#.*$", "", pins, flags=re.MULTILINE))
