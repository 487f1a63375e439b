import torch
from training.loop.checkpoints import load_checkpoint, save_atomically


def test_checkpoints_keep_nested_state(tmp_path):
    state = {"model": {"a": torch.arange(4)}, "groups": [{"lr": 0.5, "on": True, "none": None}], 3: "three"}
    save_atomically(state, tmp_path / "state.safetensors")
    loaded = load_checkpoint(tmp_path / "state.safetensors")
    assert torch.equal(loaded["model"]["a"], torch.arange(4))
    assert loaded["groups"] == [{"lr": 0.5, "on": True, "none": None}]
    assert loaded[3] == "three"
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]
