from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest

from launcher import checks
from launcher.errors import DiskFull, MissingTool, NetworkDown, StepFailed

UNREACHABLE = "echo 'NewConnectionError: Failed to establish a new connection'; exit 1"


def set_up_everything(checkout):
    checkout.setup.python(None, with_test_tools=True)
    checkout.setup.node()
    checkout.setup.build()


def called(checkout, word):
    return [call for call in checkout.calls() if f" {word}" in call]


@pytest.fixture(autouse=True)
def a_linux_with_space(monkeypatch):
    monkeypatch.setattr(checks, "current_system", lambda: "linux")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100 * 1024**3))


def test_the_first_run_does_every_step_in_order(checkout):
    set_up_everything(checkout)
    kinds = [" ".join(call.split()[:3]) for call in checkout.calls()]
    pip = ["python -m pip"] * 3
    assert kinds == ["python -m venv", *pip, "npm ci --include=dev", "npm run build"]
    packages, command, test_tools = called(checkout, "pip")
    assert packages.endswith("torch==2.13.0+cpu -c constraints.txt -r backend/requirements.txt")
    assert command.endswith("--no-deps --no-build-isolation --editable client")
    assert test_tools.endswith("-r requirements-dev.txt")


def test_a_command_that_cannot_be_installed_keeps_nobody_from_starting(checkout, capfd):
    checkout.fake_pip('case "$*" in *--editable*) echo "no such backend"; exit 1;; esac; exit 0')
    checkout.setup.python(None)
    assert "The command zimage could not be installed" in "".join(capfd.readouterr())
    checkout.fake_pip("exit 0")
    checkout.forget_calls()
    checkout.setup.python(None)
    assert [call.endswith("--editable client") for call in called(checkout, "pip")] == [True]


def test_a_second_run_does_nothing_and_needs_no_tool(checkout):
    set_up_everything(checkout)
    checkout.forget_calls()
    (checkout.tools / "node").unlink()
    (checkout.tools / "npm").unlink()
    set_up_everything(checkout)
    assert checkout.calls() == []


@pytest.mark.parametrize(
    ("file", "redone"),
    [
        ("constraints.txt", ["pip", "pip"]),
        ("backend/requirements.txt", ["pip"]),
        ("requirements-dev.txt", ["pip"]),
        ("client/pyproject.toml", ["pip"]),
        ("frontend/package-lock.json", ["ci", "run"]),
        ("frontend/src/main.jsx", ["run"]),
    ],
)
def test_a_changed_file_redoes_its_steps_only(checkout, file, redone):
    set_up_everything(checkout)
    checkout.forget_calls()
    (checkout.root / file).write_text("changed")
    set_up_everything(checkout)
    assert [next(word for word in ("pip", "ci", "run") if f" {word}" in call) for call in checkout.calls()] == redone


def test_removed_results_are_made_again(checkout):
    set_up_everything(checkout)
    checkout.forget_calls()
    shutil.rmtree(checkout.places.dist)
    set_up_everything(checkout)
    assert checkout.calls() == ["npm run build"]
    shutil.rmtree(checkout.places.frontend / "node_modules")
    shutil.rmtree(checkout.places.venv)
    checkout.forget_calls()
    set_up_everything(checkout)
    assert len(checkout.calls()) == 6


def test_an_interrupted_installation_is_done_again(checkout):
    checkout.fake_pip("kill -9 $$")
    with pytest.raises(StepFailed, match="exit code"):
        checkout.setup.python(None)
    checkout.fake_pip("exit 0")
    checkout.forget_calls()
    checkout.setup.python(None)
    assert len(called(checkout, "-r backend/requirements.txt")) == 1
    assert called(checkout, "venv") == []


def test_an_interrupted_update_loses_the_old_stamp(checkout):
    set_up_everything(checkout)
    (checkout.root / "constraints.txt").write_text("new")
    checkout.fake_pip("exit 1")
    with pytest.raises(StepFailed):
        checkout.setup.python(None)
    (checkout.root / "constraints.txt").write_text("torch==2.13.0\n")
    checkout.fake_pip("exit 0")
    checkout.forget_calls()
    checkout.setup.python(None)
    assert len(called(checkout, "pip")) == 1


def test_a_half_made_environment_is_made_again(checkout):
    checkout.places.python.parent.mkdir(parents=True)
    shutil.copy(checkout.tools / "python", checkout.places.python)  # answers 1 when asked for pip
    checkout.setup.python(None)
    assert len(called(checkout, "venv")) == 1


def test_an_environment_made_by_hand_is_adopted(checkout):
    checkout.places.python.parent.mkdir(parents=True)
    shutil.copy(checkout.tools / "python", checkout.places.python)
    checkout.environ["FAKE_ADOPT"] = "0"
    checkout.setup.python(None)
    assert called(checkout, "venv") == []


def test_no_network_for_pip(checkout):
    checkout.fake_pip(UNREACHABLE)
    with pytest.raises(NetworkDown, match="could not be reached"):
        checkout.setup.python(None)
    assert len(called(checkout, "pip")) == 1


def test_a_socks_proxy_that_pip_cannot_use_is_named(checkout):
    checkout.fake_pip("echo 'ERROR: Could not install packages: Missing dependencies for SOCKS support.'; exit 1")
    with pytest.raises(NetworkDown, match="SOCKS proxy, which pip cannot use"):
        checkout.setup.python(None)


def test_no_network_for_npm(checkout):
    checkout.environ["FAKE_NPM_FAILS"] = "npm error code EAI_AGAIN"
    with pytest.raises(NetworkDown, match=r"npm ci.*could not be reached"):
        checkout.setup.node()


def test_a_failure_shows_the_last_lines(checkout):
    checkout.environ["FAKE_NPM_FAILS"] = "SyntaxError in App.jsx"
    with pytest.raises(StepFailed, match=r"SyntaxError in App\.jsx(.|\n)*failed with exit code 1"):
        checkout.setup.build()


def test_a_long_failure_keeps_its_first_error(checkout):
    lines = ["npm error code EUSAGE", *(f"line {number}" for number in range(100))]
    checkout.environ["FAKE_NPM_FAILS"] = "\n".join(lines)
    with pytest.raises(StepFailed) as failed:
        checkout.setup.node()
    shown = str(failed.value).splitlines()
    assert shown[:2] == ["npm error code EUSAGE", "…"]
    assert "line 99" in shown
    assert len(shown) < 25


def test_a_full_disk_while_installing(checkout):
    checkout.fake_pip("echo 'OSError: [Errno 28] No space left on device'; exit 1")
    with pytest.raises(StepFailed, match="disk is full"):
        checkout.setup.python(None)


def test_too_little_disk_is_found_before_installing(checkout, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * 1024**3))
    with pytest.raises(DiskFull):
        checkout.setup.python(None)
    assert called(checkout, "pip") == []


def test_missing_node_is_found_before_installing(checkout):
    (checkout.tools / "node").unlink()
    with pytest.raises(MissingTool):
        checkout.setup.node()


def test_pytorchs_index_is_asked_only_when_the_default_one_does_not_serve_the_build(checkout):
    checkout.fake_pip(
        'case "$*" in *extra-index-url*) exit 0;; esac; '
        'echo "ERROR: No matching distribution found for torch==2.13.0+cpu"; exit 1'
    )
    checkout.setup.python("cpu")
    first, second = called(checkout, "-r backend/requirements.txt")
    assert "--extra-index-url" not in first
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in second


def test_auto_takes_cuda_for_an_nvidia_card(checkout, monkeypatch):
    monkeypatch.setattr(checks, "has_nvidia_card", lambda: True)
    checkout.setup.python(None)
    assert "torch===2.13.0 " in called(checkout, "pip")[0]


def test_a_choice_is_kept_until_another_is_made(checkout, monkeypatch):
    monkeypatch.setattr(checks, "has_nvidia_card", lambda: True)
    checkout.setup.python("cpu")
    checkout.forget_calls()
    checkout.setup.python(None)
    assert checkout.calls() == []
    checkout.setup.python("auto")
    assert "torch===2.13.0 " in called(checkout, "pip")[0]
