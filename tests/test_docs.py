"""The READMEs against the code: settings, options, routes, links, and the two languages against each other."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from backend.main import create_app
from backend.models.config import Settings
from launcher.cli import build_parser

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh-CN.md")
PAGES = (
    *READMES,
    "AGENTS.md",
    "docs/architecture.md",
    "docs/weights.md",
    "docs/tasks.md",
    "docs/webhooks.md",
    "docs/doors/mcp.md",
    "docs/editing.md",
    "docs/lora-training.md",
    "Z-Image/training/lora/README.md",
    "docs/history.md",
    "docs/deployment.md",
    "docs/scaling.md",
    "docs/command-line.md",
    "docs/client.md",
    "docs/lora.md",
    "client/README.md",
    "SECURITY.md",
    "Z-Image/README.md",
    *(f"docs/{folder}/{p.name}" for folder in ("adr", "doors") for p in (ROOT / "docs" / folder).glob("*.md")),
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def between(text: str, marker: str) -> str:
    start, end = f"<!-- {marker}:start -->", f"<!-- {marker}:end -->"
    assert text.count(start) == text.count(end) == 1, f"the markers of {marker} are missing"
    return text.partition(start)[2].partition(end)[0]


def shown_default(name: str, value: object) -> str:
    """Writes a default as the tables do."""
    if name == "base_dir":
        return "."
    if isinstance(value, Path):
        return value.relative_to(ROOT).as_posix()
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        return ",".join(value) or "–"
    if isinstance(value, float):
        return f"{value:g}"
    return "–" if value is None or value == "" else str(value)


@pytest.fixture
def defaults(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ZIMAGE_{name.upper()}", raising=False)
    settings = Settings()
    return {f"ZIMAGE_{name.upper()}": shown_default(name, getattr(settings, name)) for name in Settings.model_fields}


def test_the_settings_are_many():
    assert len(Settings.model_fields) >= 20  # so that the test below cannot go blind


@pytest.mark.parametrize("readme", READMES)
def test_every_setting_is_documented_with_its_default(readme, defaults):
    rows = re.findall(r"^\| `(ZIMAGE_\w+)` \| (.+?) \| .+ \|$", between(read(readme), "settings"), re.MULTILINE)
    assert {name: default.strip("`") for name, default in rows} == defaults


@pytest.mark.parametrize("readme", READMES)
def test_every_option_is_documented(readme):
    options = {option for action in build_parser({})._actions for option in action.option_strings}
    assert [option for option in options - {"-h", "--help"} if option not in read(readme)] == []


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    return create_app(Settings()).openapi()["paths"]


@pytest.mark.slow
@pytest.mark.parametrize("readme", READMES)
def test_every_route_is_documented(readme, paths):
    assert len(paths) >= 10
    requests = [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]
    assert [request for request in requests if f"`{request}" not in read(readme)] == []


@pytest.mark.parametrize("page", PAGES)
def test_local_links_lead_somewhere(page):
    folder = (ROOT / page).parent
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", read(page))
    assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.parametrize("page", ["docs/weights.md", "Z-Image/README.md", "Z-Image/ckpts/zimage-nano/README.md"])
def test_every_command_of_the_library_can_be_run(page):
    commands = re.findall(r"python -m ((?:zimage\.tools|training\.nano)\.[a-z]\w+)([^\n`]*)", read(page))
    assert len(commands) >= 2
    for module, arguments in commands:
        spec = find_spec(module)
        assert spec is not None, module
        source = Path(str(spec.origin)).read_text(encoding="utf-8")
        assert [option for option in re.findall(r"--[\w-]+", arguments) if f'"{option}"' not in source] == []


def test_the_library_s_files_are_where_its_page_says():
    named = re.findall(r"`((?:src|training|ckpts)/[^`]+)`", read("Z-Image/README.md"))
    assert len(named) >= 8
    assert [path for path in named if not (ROOT / "Z-Image" / path).exists()] == []


def test_both_languages_have_the_same_shape():
    english, chinese = map(read, READMES)
    for pattern in (r"^#+ ", r"^\| ", r"^```", r"^\*\*\d\. ", r"^- ", r"^!\["):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (english, chinese)]
        assert counts[0] == counts[1], f"{pattern!r} occurs {counts[0]} and {counts[1]} times"
    assert _commands(english) == _commands(chinese)


def _commands(text: str) -> list[str]:
    blocks = re.findall(r"^ *```(?:bash|python)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r" *#.*", "", block) for block in blocks]
