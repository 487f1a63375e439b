import sys

import torch
from zimage.utils.import_utils import installed_version, installed_versions, is_importable


def test_versions_are_told_without_importing():
    assert installed_version("torch") == torch.__version__
    assert installed_versions(["no-such-distribution", "safetensors"])["no-such-distribution"] is None


def test_modules_are_found_without_importing():
    assert is_importable("this") is True
    assert "this" not in sys.modules
    assert is_importable("no_such_module") is False
    assert is_importable("no_such_module.inner") is False
    assert is_importable("__main__") in (True, False)  # has no spec in some interpreters, and is no fault
