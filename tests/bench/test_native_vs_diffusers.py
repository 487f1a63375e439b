"""The comparison of the engines, with a model of a few values: every row is there, and like stands beside like."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_tiny_model_is_measured_in_turns(tmp_path, capsys):
    from bench.native_vs_diffusers import MARK, PICTURE, PREPARE, main
    from bench.table import marks

    page = tmp_path / "page.md"
    mark, end_mark = marks(f"{MARK}:tiny-float32")
    page.write_text(f"above\n{mark}\nold\n{end_mark}\nbelow\n", "utf-8")
    main(["tiny", "--device", "cpu", "--size", "64", "--rounds", "1", "--no-memory", "--write", str(page)])

    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if "| eager |" in line]
    above, table, below = page.read_text("utf-8").partition("\n| tiny")
    assert table
    assert "old" not in above + below
    assert {row[0] for row in rows} == {"tiny 64², float32"}
    ratios = {row[2]: row[5] for row in rows}
    assert set(ratios) == {
        "text encoder", PREPARE, "transformer, a step", "autoencoder, decode", PICTURE,
    }  # fmt: skip
    assert [what for what, ratio in ratios.items() if not ratio] == [PREPARE]
    theirs, ours = next(row[6] for row in rows if row[2] == PICTURE).split(", ")
    assert 0 < float(ours) < float(theirs)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_the_peak_of_a_process_is_not_that_of_its_parent(repository_root):
    ballast = b"x" * 200_000_000
    command = [sys.executable, "-c", "from bench.machine import peak_bytes; print(peak_bytes())"]
    done = subprocess.run(command, cwd=repository_root, check=True, capture_output=True, text=True)
    assert 1_000_000 < int(done.stdout) < len(ballast) / 2
