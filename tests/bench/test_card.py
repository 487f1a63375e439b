"""The measurements of a card, as a dry run on a processor with a model of a few values."""

from __future__ import annotations

import argparse
import os

import pytest

OPTIONS = ["--size", "tiny", "--device", "cpu", "--side", "64"]


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")


def cells(table):
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {row[0]: row for row in lines[1:]}


@pytest.mark.slow
def test_a_dry_run_gives_the_whole_table(tmp_path, capsys):
    from bench.card import HEAD, MARK, main
    from bench.table import marks

    page = tmp_path / "page.md"
    mark, end_mark = marks(MARK)
    page.write_text(f"above\n{mark}\nold\n{end_mark}\nbelow\n", "utf-8")
    main([*OPTIONS, "--parts", "bus,int8", "--caps", "0.55", "--folder", str(tmp_path), "--write", str(page)])

    out = capsys.readouterr().out
    rows = cells(out)
    assert out.strip() in page.read_text("utf-8")
    assert list(rows) == ["main memory to device, a GiB", "int8, eager", "a card of 0.55 GiB"]
    capped = rows["a card of 0.55 GiB"]
    assert len(capped) == len(HEAD)
    assert capped[1].startswith("int8, 0 blocks stay, others and encoder streamed")
    assert all(cell.endswith((" s", " GiB")) for cell in capped[2:])
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]


@pytest.mark.slow
def test_what_takes_too_long_or_fails_is_a_row_and_the_rest_goes_on(tmp_path, capsys):
    from bench.card import Row, parse, run_part

    options = parse(OPTIONS)
    options.block = tmp_path / "values"
    assert run_part("int8", options, 0.2) == [Row("int8", "ended after 0 s")]
    [row] = run_part("unknown", options, 60)
    assert row.plan.startswith("failed: ")


def test_what_there_is_no_time_for_is_told(tmp_path):
    from bench.card import PARTS, as_markdown, measure_all, parse

    options = parse([*OPTIONS, "--limit-s", "0"])
    table = cells(as_markdown(measure_all(options), options))
    assert len(table) == len(PARTS) + 1  # that of caps
    assert {row[1] for row in table.values()} == {"no time was left"}


@pytest.mark.parametrize("option", [["--parts", "bus,all"], ["--size", "huge"]])
def test_what_is_unknown_is_refused(option, capsys):
    from bench.card import parse

    with pytest.raises(SystemExit):
        parse([*OPTIONS, *option])
    assert "bus" in capsys.readouterr().err or option[0] == "--size"


def test_a_machine_without_a_card_is_told_of_the_dry_run(monkeypatch, capsys):
    from bench import card

    monkeypatch.setattr(card.torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        card.parse([])
    assert "--device cpu" in capsys.readouterr().err
    assert isinstance(card.parse(OPTIONS), argparse.Namespace)
