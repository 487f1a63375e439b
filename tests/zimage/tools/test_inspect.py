import json
import shutil

import pytest
import torch
from safetensors.torch import save_file
from zimage.tools.convert import main as convert
from zimage.tools.inspect import inspect, main


@pytest.fixture
def nano(request):
    return request.config.rootpath / "Z-Image/ckpts/zimage-nano"


def test_a_model_is_told_part_by_part(nano):
    report = inspect(nano)
    assert report.member == "a small model of the Z-Image family (256 wide, 5 layers)"
    assert [part.part for part in report.parts] == ["transformer", "text encoder", "vae"]
    for part, folder in zip(report.parts, ("transformer", "text_encoder", "vae"), strict=True):
        (file,) = (nano / folder).glob("*.safetensors")
        assert 0 < file.stat().st_size - part.size_bytes < 100_000  # the header
        assert part.values == {"F16": part.size_bytes // 2}
    assert report.parts[0].config["cap_feat_dim"] == 256


@pytest.mark.parametrize("part", ["transformer", "vae"])
def test_inspect_takes_the_folder_of_one_part(nano, part):
    report = inspect(nano / part)
    assert [found.part for found in report.parts] == [part]
    assert (report.member is None) == (part == "vae")


def test_a_single_file_and_its_layout(nano, tmp_path):
    path = tmp_path / "single.safetensors"
    assert convert([str(nano), str(path), "--dtype", "keep"]) == 0
    single, folder = inspect(path), inspect(nano / "transformer")
    assert single.member == folder.member
    assert (single.parts[0].layout, folder.parts[0].layout) == ("single file", "published")
    assert single.parts[0].config == folder.parts[0].config
    assert single.parts[0].n_tensors < folder.parts[0].n_tensors
    assert single.parts[0].size_bytes == folder.parts[0].size_bytes


def test_foreign_tensors_are_no_member_of_the_family(tmp_path, capsys):
    save_file({"lora.up": torch.ones(2)}, tmp_path / "lora.safetensors")
    assert main([str(tmp_path / "lora.safetensors")]) == 0
    out = capsys.readouterr().out
    assert "no transformer of the family" in out
    assert "of no known kind" in out


def test_inspect_command_lists_parts_and_tensors(nano, capsys):
    assert main([str(nano), "--tensors"]) == 0
    text = capsys.readouterr().out
    assert "layers.0.attention.to_q.weight  F16  [256, 256]" in text
    assert main([str(nano), "--json", "--tensors"]) == 0
    read = json.loads(capsys.readouterr().out)
    assert read["parts"][0]["n_tensors"] == len(read["tensors"]["transformer"])


def test_a_model_that_is_not_whole_is_told(nano, tmp_path, capsys):
    broken = tmp_path / "broken"
    broken.mkdir()
    shutil.copyfile(nano / "model_index.json", broken / "model_index.json")
    assert main([str(broken)]) == 1
    assert "transformer, text_encoder, vae" in capsys.readouterr().err
    assert main([str(tmp_path / "absent.safetensors")]) == 1
    assert "absent" in capsys.readouterr().err
