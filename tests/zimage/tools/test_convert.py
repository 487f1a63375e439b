import pytest
import torch
from safetensors.torch import load_file
from zimage.tools.convert import main, parse


@pytest.fixture
def nano(request):
    return request.config.rootpath / "Z-Image/ckpts/zimage-nano"


def test_the_embedded_model_shrinks_into_shards(nano, tmp_path, capsys):
    target = tmp_path / "nano-bf16"
    assert main([str(nano), str(target), "--max-shard-gb", "0.002"]) == 0
    assert "GB in" in capsys.readouterr().out
    assert (target / "model_index.json").read_bytes() == (nano / "model_index.json").read_bytes()
    assert (nano / "loras").is_dir()
    assert not (target / "loras").exists()
    shards = sorted((target / "transformer").glob("*.safetensors"))
    assert len(shards) > 1
    assert all(value.dtype == torch.bfloat16 for shard in shards for value in load_file(shard).values())


def test_a_single_file_there_and_back(nano, tmp_path):
    single, folder = tmp_path / "nano.safetensors", tmp_path / "transformer"
    assert main([str(nano), str(single), "--dtype", "keep"]) == 0
    assert main([str(single), str(folder), "--dtype", "keep"]) == 0
    (source,) = (nano / "transformer").glob("*.safetensors")
    (copy,) = folder.glob("*.safetensors")
    expected, found = load_file(source), load_file(copy)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


@pytest.mark.parametrize("inside", [".", "copy", "copy.safetensors"])
def test_a_target_inside_the_source_is_refused(nano, inside, capsys):
    assert main([str(nano), str(nano / inside)]) == 1
    assert "outside" in capsys.readouterr().err
    assert not (nano / "copy").exists()


def test_a_missing_source_is_a_sentence(tmp_path, capsys):
    assert main([str(tmp_path / "absent"), str(tmp_path / "target")]) == 1
    assert "absent" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["0", "-1", "inf", "nan", "x"])
def test_shards_need_a_size(size, capsys):
    with pytest.raises(SystemExit):
        parse(["a", "b", "--max-shard-gb", size])
    assert "max-shard-gb" in capsys.readouterr().err
