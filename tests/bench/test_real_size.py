"""The proof of the real size, with a model of a few values: it measures, judges and cleans up."""

import os
import re
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_a_tiny_model_is_written_loaded_and_run(repository_root, tmp_path):
    folder, page = tmp_path / "disk", tmp_path / "page.md"
    page.write_text("above\n<!-- bench:real-size -->\nold\n<!-- /bench:real-size -->\nbelow\n", "utf-8")
    options = ["--tiny", "--folder", str(folder), "--memory-gb", "0.01", "--write", str(page)]
    done = subprocess.run(
        [sys.executable, "bench/real_size.py", *options],
        cwd=repository_root, capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert re.search(r"strict load in bfloat16 \| \d+ s, [1-9]\d* tensors compared", done.stdout), done.stderr
    assert re.search(r"one forward at 256×256 \| \d+ s, finite", done.stdout)
    assert done.returncode == 1  # torch alone needs more than 10 MB
    assert "too much memory" in done.stderr
    assert list(folder.iterdir()) == []
    above, table, below = page.read_text("utf-8").partition(done.stdout)
    assert (above, below) == ("above\n<!-- bench:real-size -->\n", "<!-- /bench:real-size -->\nbelow\n")
    assert "| strict load" in table


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "held"), [("--int8", "matrices int8 by "), ("--q4_0", "matrices of GGUF in its blocks")]
)
def test_a_tiny_quantised_file_is_loaded_within_its_size_and_a_gigabyte(option, held, repository_root, tmp_path):
    folder = tmp_path / "disk"
    done = subprocess.run(
        [sys.executable, "bench/real_size.py", option, "--tiny", "--folder", str(folder)],
        cwd=repository_root, capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert held in done.stderr
    assert re.search(r"memory that loading takes at its peak \| [\d.]+ GB, bound 1\.\d+", done.stdout)
    assert re.search(r"one forward at 256×256 \| \d+ s, finite", done.stdout)
    assert list(folder.iterdir()) == []
