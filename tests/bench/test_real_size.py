"""The proof of the real size, with a model of a few values: it measures, judges and cleans up."""

import os
import re
import subprocess
import sys


def test_a_tiny_model_is_written_loaded_and_run(repository_root, tmp_path):
    done = subprocess.run(
        [sys.executable, "bench/real_size.py", "--tiny", "--folder", str(tmp_path), "--memory-gb", "0.01"],
        cwd=repository_root, capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert re.search(r"strict load in bfloat16 \| \d+ s, [1-9]\d* tensors compared", done.stdout), done.stderr
    assert re.search(r"one forward at 256×256 \| \d+ s, finite", done.stdout)
    assert done.returncode == 1  # torch alone needs more than 10 MB
    assert "of 0.01 GB" in done.stderr
    assert list(tmp_path.iterdir()) == []
