import pytest
import torch
from zimage.tools import environment
from zimage.utils.attention import KERNELS, AttentionChoice, AttentionUnavailable, attend


def test_libraries_and_devices_are_told(capsys):
    assert environment.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"torch {torch.__version__}" in lines
    assert any(line.startswith("cpu: ") for line in lines)
    assert not any("ms" in line.split() for line in lines)


def test_a_missing_library_is_shown(monkeypatch):
    monkeypatch.setattr(environment, "NEEDED", ("torch", "no-such-distribution"))
    assert "no-such-distribution NOT INSTALLED" in environment.libraries()


def test_every_kernel_is_tried_and_a_failure_is_a_line(monkeypatch, capsys):
    def choose(name, device, dtype, *, n_heads, head_dim):
        if name == "cudnn":
            raise AttentionUnavailable("not on a processor")
        return AttentionChoice(name, attend, {name: 1.25})

    monkeypatch.setattr(environment, "choose_attention", choose)
    assert environment.main(["--kernels"]) == 0
    out = capsys.readouterr().out
    assert "  cudnn: not on a processor" in out
    assert out.count(": 1.25 ms") == len(KERNELS) - 1


def test_the_needed_libraries_are_those_of_the_project(request):
    import tomllib

    project = tomllib.loads((request.config.rootpath / "Z-Image/pyproject.toml").read_text("utf-8"))["project"]
    named = {entry.partition(">")[0] for entry in project["dependencies"]} | {project["name"]}
    assert set(environment.NEEDED) == named


@pytest.mark.parametrize("option", ["--no-such-option", "extra"])
def test_unknown_arguments_are_refused(option, capsys):
    with pytest.raises(SystemExit):
        environment.parse([option])
    assert option in capsys.readouterr().err
