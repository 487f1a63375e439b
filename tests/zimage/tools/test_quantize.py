import pytest
from zimage.tools.inspect import inspect
from zimage.tools.quantize import main


@pytest.fixture
def nano(request):
    return request.config.rootpath / "Z-Image/ckpts/zimage-nano"


@pytest.mark.parametrize(("format", "comfy"), [("int8", "int8_tensorwise"), ("fp8", "float8_e4m3fn_rowwise")])
def test_a_model_s_transformer_becomes_a_file_that_inspect_knows(format, comfy, nano, tmp_path, capsys):
    target = tmp_path / "q.safetensors"
    assert main([str(nano), str(target), "--format", format, "--prefix", "model.diffusion_model."]) == 0
    assert "GB" in capsys.readouterr().out
    report, source = inspect(target), inspect(nano)
    assert report.member == source.member
    (part,) = report.parts
    assert set(part.values) == {"BF16", comfy}
    assert part.values[comfy] > 0.7 * part.n_values
    assert part.n_values == source.parts[0].n_values


def test_refusals_are_sentences(nano, tmp_path, capsys):
    target = tmp_path / "q.safetensors"
    target.write_bytes(b"old")
    for arguments, message in (
        ([nano, target], "exists already"),
        ([nano, tmp_path / "folder"], "must end in .safetensors"),
        ([nano, nano / "q.safetensors"], "outside"),
        ([nano / "vae", tmp_path / "v.safetensors"], "only transformers and text encoders"),
        ([tmp_path / "absent", tmp_path / "v.safetensors"], "absent"),
    ):
        assert main([str(argument) for argument in arguments]) == 1
        assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["q.safetensors"]
    assert main([str(nano), str(target), "--overwrite"]) == 0
    assert inspect(target).parts[0].part == "transformer"


def test_a_format_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["a", "b.safetensors", "--format", "int4"])
    assert "int4" in capsys.readouterr().err
