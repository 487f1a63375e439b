from __future__ import annotations

import subprocess
import sys

import pytest

from backend.utils.folder_lock import FolderInUse, FolderLock


def test_a_folder_has_one_owner(tmp_path):
    with (
        FolderLock(tmp_path),
        pytest.raises(FolderInUse, match="in use by another running Z-Image"),
        FolderLock(tmp_path),
    ):
        pass


def test_it_is_free_again_afterwards(tmp_path):
    for _ in range(2):
        with FolderLock(tmp_path):
            pass


def test_another_process_is_refused_and_a_killed_one_lets_go(tmp_path, repository_root):
    script = """
import sys
from pathlib import Path
from backend.utils.folder_lock import FolderLock
with FolderLock(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=repository_root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as owner:  # fmt: skip
        assert owner.stdout.readline() == "mine\n"
        with pytest.raises(FolderInUse), FolderLock(tmp_path):
            pass
        owner.kill()
        owner.wait(10)
        with FolderLock(tmp_path):
            pass
