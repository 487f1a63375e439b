import torch
from zimage.utils.import_utils import installed_version, installed_versions


def test_version_is_none_where_not_installed():
    assert installed_version("torch") == torch.__version__
    assert installed_versions(["no-such-distribution", "safetensors"])["no-such-distribution"] is None
