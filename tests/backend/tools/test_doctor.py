"""What is wrong with this machine."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from backend.models.config import Settings
from backend.tools import doctor
from backend.tools.doctor import Finding, examine_machine
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, make_annotator, with_cards
from tests.backend.services.library.loras.lora_files import write_lora


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(doctor, "detect_hardware", lambda: PLAIN_CPU)
    return make_settings(tmp_path).model_copy(update={"port": 0, "web_port": 0})


def found(settings: Settings, check: str, **changes: object) -> Finding:
    findings = [f for f in examine_machine(settings.model_copy(update=changes)) if f.check == check]
    return findings[-1]


def test_every_check_says_something_about_a_healthy_machine(settings):
    findings = examine_machine(settings)
    assert {finding.check for finding in findings} == {"settings", *doctor.CHECKS} - {"python"}
    assert [finding for finding in findings if finding.state == "problem"] == []


def test_settings_that_are_wrong_are_named(monkeypatch):
    monkeypatch.setenv("ZIMAGE_API_TOKEN", "short")
    (finding,) = examine_machine()
    assert (finding.check, finding.state) == ("settings", "problem")
    assert "ZIMAGE_API_TOKEN" in finding.message
    assert "short" not in finding.message


def test_a_build_of_torch_that_does_not_fit_the_card(settings, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "2.13.0+cpu")
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert found(settings, "torch").state == "problem"
    assert "--torch cuda" in found(settings, "torch").help
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert found(settings, "torch").state == "ok"


def test_cards(settings, monkeypatch):
    assert found(settings, "device").state == "note"
    monkeypatch.setattr(doctor, "detect_hardware", lambda: with_cards("cuda:0", "cuda:1"))
    assert found(settings, "device").message.startswith("cuda:0 with 24 GiB")
    assert found(settings, "device", devices=("cuda:1",)).state == "ok"
    assert "cuda:7" in found(settings, "device", devices=("cuda:7",)).message
    assert found(settings, "device", devices=("cuda:7",)).state == "problem"


def test_memory_and_disk(settings, monkeypatch):
    memory = SimpleNamespace(available=2**30, total=2**34)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert found(settings, "memory").state == "note"
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**20))
    assert found(settings, "disk").state == "note"
    assert found(settings, "disk", min_free_disk_mb=200).state == "problem"
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "may not be written" in found(settings, "disk").message


def test_models(settings, tmp_path):
    assert found(settings, "models").state == "note"
    assert "zimage models download" in found(settings, "models").help
    assert found(settings, "models", base_dir=tmp_path / "elsewhere").state == "problem"


def test_ports(settings):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = found(settings, "ports", web_port=other.getsockname()[1])
    assert taken.state == "problem"
    assert "--web-port" in taken.message


def test_a_port_that_z_image_has(settings, server_of_ours):
    assert found(settings, "ports", web_port=server_of_ours) == Finding(
        "ports", "ok", f"A Z-Image runs on port {server_of_ours}."
    )


@pytest.fixture
def server_of_ours(tmp_path):
    from backend.embedded import serve_embedded
    from backend.main import create_app
    from tests.backend.fakes import FakeEngine

    folders = make_settings(tmp_path / "server")

    def make(settings, tasks_file):
        return create_app(folders, FakeEngine, hardware=lambda: PLAIN_CPU, tasks_file=tasks_file)

    with serve_embedded(make) as server:
        yield int(server.url.rpartition(":")[2])


def test_who_gets_in(settings):
    assert found(settings, "access").state == "ok"
    assert found(settings, "access", api_token="a" * 16).state == "ok"
    assert found(settings, "access", insecure=True).state == "note"


def test_a_check_that_fails_is_a_problem_and_the_others_go_on(settings, monkeypatch):
    def fail() -> None:
        raise RuntimeError("driver")

    monkeypatch.setattr(doctor, "detect_hardware", fail)
    findings = examine_machine(settings)
    assert next(f for f in findings if f.check == "device").message.endswith("RuntimeError: driver")
    assert findings[-1].check == "access"


def test_folders_of_loras_and_those_that_cannot_be_used(settings):
    loras = settings.data_dir / "loras"
    write_lora(loras / "ink.safetensors")
    (loras / "damaged.safetensors").write_bytes(b"PK\x03\x04 and more")
    findings = [finding for finding in examine_machine(settings) if finding.check == "loras"]
    assert [finding.state for finding in findings] == ["note", "ok"]
    assert "damaged.safetensors" in findings[0].message
    assert findings[1].message.startswith("2 in ")
    assert str(loras) in findings[1].message
    write_lora(loras / "a\x1b[31m.safetensors")
    notes = [finding.message for finding in examine_machine(settings) if finding.check == "loras"]
    assert notes[0].startswith("a\\x1b[31m.safetensors cannot be used: The name of its file has control characters")
    paths = settings.data_dir / "paths.yaml"
    paths.write_text("{[")
    findings = examine_machine(settings.model_copy(update={"loras_dir": paths}))
    assert "YAML" in next(f.message for f in findings if (f.check, f.state) == ("loras", "note"))


def test_models_that_make_control_images_and_those_that_cannot_be_used(settings):
    [none] = [finding for finding in examine_machine(settings) if finding.check == "annotators"]
    assert (none.state, none.message.startswith("None, ")) == ("ok", True)
    assert str(settings.annotators_dir) in none.message
    make_annotator(settings.annotators_dir / "near")
    make_annotator(settings.annotators_dir / "odd\x1b[31m", "clip")
    findings = [finding for finding in examine_machine(settings) if finding.check == "annotators"]
    assert [finding.state for finding in findings] == ["note", "ok"]
    assert findings[0].message.startswith("odd\\x1b[31m cannot be used: Its config.json has the model_type 'clip'")
    assert findings[1].message == "depth: With near."
