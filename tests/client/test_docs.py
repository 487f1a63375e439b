"""The examples of the client's pages run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from zimage_client import AsyncClient, Client

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/client.md", "client/README.md")
EXAMPLES = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.M | re.S))
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_run(example, server, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZIMAGE_URL", server.url)
    monkeypatch.setenv("ZIMAGE_API_TOKEN", server.token)
    exec(compile(example, "example", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out or list(tmp_path.glob("*.png"))


def test_the_examples_are_several():
    assert len(EXAMPLES) >= 5


def test_every_method_is_on_the_page():
    page = (ROOT / "docs/client.md").read_text("utf-8")
    methods = {name for kind in (Client, AsyncClient) for name in vars(kind) if not name.startswith("_")} - {"close"}
    assert [name for name in sorted(methods) if not re.search(rf"`{name}[`(]", page)] == []
