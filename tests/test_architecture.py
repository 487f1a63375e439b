"""The house has three storeys, and imports go only downwards."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BACKEND = ROOT / "backend"
FILES = sorted(BACKEND.rglob("*.py"))
CLIENT = sorted((ROOT / "client" / "src").rglob("*.py"))

MAY_IMPORT = {
    "api": {"api", "services", "models", "utils"},
    "services": {"services", "models", "utils"},
    "models": {"models", "utils"},
    "utils": {"utils"},
}
ROOMS = {
    "access": {},
    "library": {},
    "generation": {
        "library": {
            "annotators",
            "catalogue",
            "files",
            "loras",
            "model_entry",
            "preview_map",
            "prompt_tokens",
            "variants",
        }
    },
    "images": {"generation": {"annotating", "events", "inputs", "lora_tags"}},
    "tasks": {
        "generation": {"annotating", "engines", "events", "inputs", "job", "planning", "preview", "stopwatch"},
        "library": {"catalogue", "model_entry"},
    },
    "system": {"tasks": {"records"}},
    "webhooks": {"tasks": {"records"}},
}
"""Rooms of the services → the rooms that they may use, and which of the modules there are doors."""
WEB = ("fastapi", "starlette", "uvicorn")
ROUTES_THAT_NEED_NOT_AWAIT = {"get_health", "get_root"}
MAX_LINES = 400
MAX_FILES = 15


def storey(path: Path) -> str | None:
    parts = path.relative_to(BACKEND).parts
    return parts[0] if len(parts) > 1 else None


def imported_modules(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports hide the direction"
            modules |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def files_of(name: str) -> list[Path]:
    return [path for path in FILES if storey(path) == name]


@pytest.mark.parametrize(("name", "floor"), [("api", 8), ("services", 10), ("models", 2), ("utils", 5)])
def test_every_storey_is_looked_at(name, floor):
    assert len(files_of(name)) >= floor


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_imports_go_only_downwards(name):
    own = 0
    for path in files_of(name):
        for module in imported_modules(path):
            parts = module.split(".")
            if parts[0] != "backend" or len(parts) < 2 or not (BACKEND / parts[1]).is_dir():
                assert module not in ("backend.main", "backend.server"), f"{path.name} imports {module}"
                continue
            own += 1
            assert parts[1] in MAY_IMPORT[name], f"{name}/{path.name} imports {module}: that arrow goes up"
    assert own >= {"api": 20, "services": 20, "models": 0, "utils": 1}[name]


def test_every_folder_of_the_services_is_a_room():
    folders = {path.name for path in (BACKEND / "services").iterdir() if (path / "__init__.py").is_file()}
    assert folders == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_enters_others_by_their_doors_and_in_one_direction(room):
    files = sorted((BACKEND / "services" / room).rglob("*.py"))
    assert len(files) >= 2
    for path in files:
        for module in imported_modules(path):
            parts = module.split(".")
            if parts[:2] == ["backend", "services"] and len(parts) > 3 and parts[2] in ROOMS and parts[2] != room:
                doors = ROOMS[room].get(parts[2], set())
                assert parts[3] in doors, f"{room}/{path.name} reaches into {parts[2]}: {module}"


def is_source(path: Path) -> bool:
    return path.suffix in (".py", ".js", ".jsx") and ".test." not in path.name and path.name != "__init__.py"


@pytest.mark.parametrize("name", ["backend", "client", "launcher", "Z-Image"])
def test_no_folder_is_a_drawer_of_everything(name):
    """Texts and tests aside: what has more files than this wants a room."""
    for folder in [ROOT / name, *(path for path in (ROOT / name).rglob("*") if path.is_dir())]:
        if folder.name in ("i18n", "__pycache__"):
            continue
        sources = [path for path in folder.iterdir() if is_source(path)]
        assert len(sources) <= MAX_FILES, f"{folder.relative_to(ROOT)} has {len(sources)} files"


@pytest.mark.parametrize("name", ["services", "models", "utils"])
def test_only_the_api_knows_the_web(name):
    for path in files_of(name):
        web = {module for module in imported_modules(path) if module.split(".")[0] in WEB}
        assert not web, f"{path.name} imports {web}"


def test_the_api_is_seen_to_import_the_web():
    assert sum(any(m.split(".")[0] in WEB for m in imported_modules(path)) for path in files_of("api")) >= 6


def routes(path: Path) -> list[ast.AsyncFunctionDef | ast.FunctionDef]:
    functions = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, FUNCTIONS)]
    return [f for f in functions if any("router" in ast.unparse(decorator) for decorator in f.decorator_list)]


FUNCTIONS = (ast.AsyncFunctionDef, ast.FunctionDef)


def test_an_asynchronous_route_awaits():
    found = [route for path in files_of("api") for route in routes(path)]
    assert len(found) >= 12
    for route in found:
        if isinstance(route, ast.AsyncFunctionDef) and route.name not in ROUTES_THAT_NEED_NOT_AWAIT:
            awaits = (ast.Await, ast.AsyncFor, ast.AsyncWith)
            assert any(isinstance(node, awaits) for node in ast.walk(route)), f"{route.name} blocks the event loop"


def test_files_are_short():
    assert len(FILES) >= 30
    assert len(CLIENT) >= 25
    too_long = {
        path.name: n for path in FILES + CLIENT if (n := len(path.read_text("utf-8").splitlines())) >= MAX_LINES
    }
    assert not too_long


def test_the_client_knows_the_server_by_its_wire_only():
    """But for one door, through which the command starts a server that is installed beside it."""
    reaching = {
        path.name
        for path in CLIENT
        if any(module.split(".")[0] in ("backend", "launcher", "zimage") for module in imported_modules(path))
    }
    assert reaching == {"local.py"}


def test_the_server_does_not_know_the_client():
    """But for one door, whose process has no server of its own and asks the one that runs."""
    knowing = {
        path.name for path in FILES if any(module.startswith("zimage_client") for module in imported_modules(path))
    }
    assert knowing == {"places.py", "there.py"}


@pytest.mark.parametrize("name", ["api", "services", "models", "utils"])
def test_modules_hold_nothing_that_changes(name):
    """A dict, list or set literal at module level is a global that somebody will write to, unless it is a constant."""
    for path in files_of(name):
        for node in ast.parse(path.read_text("utf-8")).body:
            assert not any(isinstance(inner, ast.Global) for inner in ast.walk(node)), f"{path.name} has a global"
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict | ast.List | ast.Set):
                target = ast.unparse(node.targets[0])
                assert target.isupper() or target.startswith("__"), f"{path.name}: {target} is mutable"


def test_importing_the_application_does_nothing(tmp_path):
    script = (
        "import sys, json, threading, backend.main, backend.server\n"
        "names = ('torch', 'diffusers', 'transformers', 'GPUtil', 'zimage', 'mcp', 'mcp_types')\n"
        "heavy = [m for m in names if m in sys.modules]\n"
        "print(json.dumps([heavy, threading.active_count(), 'app' in vars(backend.main)]))"
    )
    environment = {"PYTHONPATH": str(ROOT), "ZIMAGE_DATA_DIR": str(tmp_path / "data"), "PATH": ""}

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], 1, False]
    assert list(tmp_path.iterdir()) == []
