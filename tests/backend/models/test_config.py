from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.models.config import Settings, is_loopback

TOKEN = "0123456789abcdef"


def test_the_folders_hang_together(repository_root):
    settings = Settings()

    assert settings.base_dir == repository_root
    assert settings.data_dir == repository_root / "data"
    assert settings.images_dir == repository_root / "data" / "images"
    assert settings.history_file == repository_root / "data" / "history.json"
    assert settings.web_dir == repository_root / "frontend" / "dist"


def test_another_data_folder_takes_everything_with_it(tmp_path):
    settings = Settings(data_dir=tmp_path / "d")

    assert settings.images_dir == tmp_path / "d" / "images"
    assert settings.history_file == tmp_path / "d" / "history.json"


def test_paths_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert Settings(data_dir=Path("d")).data_dir == tmp_path / "d"
    assert Settings(models_dir=Path("~/m")).models_dir == tmp_path / "m"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("port", "8000", 8000),
        ("web_port", "0", 0),
        ("host", "::1", "::1"),
        ("task_timeout", "1.5", 1.5),
        ("cors_origins", "http://a, http://b,", ("http://a", "http://b")),
        ("compile", "1", True),
        ("log_level", "DEBUG", "DEBUG"),
    ],
)
def test_every_setting_is_read_from_the_environment(monkeypatch, name, text, value):
    monkeypatch.setenv(f"ZIMAGE_{name.upper()}", text)

    assert getattr(Settings(), name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 65536),
        ("port", -1),
        ("default_height", 250),
        ("default_width", 2064),
        ("default_width", 264),
        ("default_num_inference_steps", 0),
        ("default_num_inference_steps", 51),
        ("default_guidance_scale", -0.1),
        ("task_timeout", 0),
        ("max_queued_tasks", 0),
        ("kept_finished_tasks", 0),
        ("log_level", "debug"),
        ("engine", "onnx"),
        ("offload", "disk"),
        ("api_token", "short"),
        ("api_prefix", "api"),
        ("api_prefix", "/api/"),
    ],
)
def test_a_value_that_cannot_work_is_refused(name, value):
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: value})


def test_settings_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_the_loopback_needs_no_token(host):
    assert is_loopback(host)
    assert Settings(host=host).api_token is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box.example", ""])
def test_another_address_needs_a_token(host):
    assert not is_loopback(host)
    with pytest.raises(ValidationError, match="ZIMAGE_API_TOKEN"):
        Settings(host=host)
    assert Settings(host=host, api_token=TOKEN).host == host
    assert Settings(host=host, insecure=True).host == host


def test_the_token_is_not_shown():
    assert TOKEN not in repr(Settings(api_token=TOKEN))


def test_every_setting_says_what_it_is_for():
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("text", "devices"),
    [("cuda:0,cuda:1", ("cuda:0", "cuda:1")), (" auto ", ("auto",)), ("cpu", ("cpu",)), ("", ()), ("mps", ("mps",))],
)
def test_devices(monkeypatch, text, devices):
    monkeypatch.setenv("ZIMAGE_DEVICES", text)
    assert Settings().devices == devices


@pytest.mark.parametrize("text", ["gpu", "cuda:0,auto", "cuda:", "0", "cuda:0;cuda:1"])
def test_what_is_no_device_is_refused_with_what_is(monkeypatch, text):
    monkeypatch.setenv("ZIMAGE_DEVICES", text)
    with pytest.raises(ValidationError, match="cuda:0,cuda:1 or cpu"):
        Settings()


@pytest.mark.parametrize("address", ["auto", "head:6379", "10.0.0.1:6379", "ray://head.example:10001", "[::1]:6379"])
def test_the_address_of_a_cluster(address):
    assert Settings(executor="ray", ray_address=address).ray_address == address


@pytest.mark.parametrize("address", ["head", "http://head:6379", "ray://head", "a b:1", ""])
def test_what_is_no_address_of_a_cluster_says_what_is(address):
    with pytest.raises(ValidationError, match="ray://host:10001"):
        Settings(executor="ray", ray_address=address)


@pytest.mark.parametrize("name", ["ray_address", "ray_cpu_nodes", "ray_download"])
def test_settings_of_a_cluster_need_one(name):
    with pytest.raises(ValidationError, match="ZIMAGE_EXECUTOR=ray"):
        Settings.model_validate({name: "auto" if name == "ray_address" else True})


def test_devices_are_the_local_executor_s():
    with pytest.raises(ValidationError, match="ZIMAGE_EXECUTOR=local"):
        Settings(executor="ray", devices=("cuda:0",))


@pytest.mark.parametrize(("port", "whose"), [(15000, "the API"), (15001, "the browser UI")])
def test_ollama_has_a_port_of_its_own(port, whose):
    with pytest.raises(ValidationError, match=f"ZIMAGE_OLLAMA needs a port of its own: {port} is the port of {whose}"):
        Settings(port=15000, web_port=15001, ollama=port)

    assert Settings(port=0, web_port=0, ollama=0).ollama == 0
