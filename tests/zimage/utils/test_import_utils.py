import torch
from zimage.utils.import_utils import installed_version, installed_versions


def test_versions_are_told_without_importing():
    assert installed_version("torch") == torch.__version__
    assert installed_versions(["no-such-distribution", "safetensors"])["no-such-distribution"] is None
