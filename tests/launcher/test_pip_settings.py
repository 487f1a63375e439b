from __future__ import annotations

import os

import pytest

from launcher import pip_settings
from launcher.errors import StepFailed
from launcher.pip_settings import pip_environ

ASTRAY = (
    "user", "target", "prefix", "root", "no-deps", "require-virtualenv", "require-hashes", "dry-run", "python",
    "quiet", "pre", "constraint", "requirement", "platform", "only-binary", "no-binary", "ignore-installed", "log",
)  # fmt: skip
OF_THE_NETWORK = {
    "index-url": "https://mirror/simple",
    "extra-index-url": "\nhttps://one/simple\nhttps://two/simple",
    "trusted-host": "mirror",
    "proxy": "http://proxy:3128",
    "cert": "/my/own.pem",
    "cache-dir": "/my/cache%20",
    "timeout": "99",
}


@pytest.fixture
def person(tmp_path, monkeypatch):
    """Settings of nobody, with a home for some."""
    monkeypatch.setattr(pip_settings, "_global_folders", lambda _: [tmp_path / "global"])
    return {"HOME": str(tmp_path / "home")}


def variable(name):
    return f"PIP_{name.upper().replace('-', '_')}"


def settings_of(environ, tmp_path):
    found = pip_environ(environ, tmp_path / ".venv")
    assert found.pop("PIP_CONFIG_FILE") == os.devnull
    return {name: value for name, value in found.items() if name.startswith("PIP_")}


def write(path, section, settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {value.replace(chr(10), chr(10) + '    ')}" for name, value in settings.items()]
    path.write_text("\n".join([f"[{section}]", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ASTRAY)
def test_variables_that_lead_packages_astray_do_not_count(person, tmp_path, name):
    assert settings_of({**person, variable(name): "1"}, tmp_path) == {}


@pytest.mark.parametrize("section", ["global", "install"])
@pytest.mark.parametrize("place", ["global", "home/.pip", "home/.config/pip", ".venv"])
@pytest.mark.skipif(os.name == "nt", reason="other places")
def test_of_a_file_only_what_is_about_the_network_counts(person, tmp_path, place, section):
    write(tmp_path / place / "pip.conf", section, {**dict.fromkeys(ASTRAY, "1"), **OF_THE_NETWORK})
    assert settings_of(person, tmp_path) == {variable(name): value for name, value in OF_THE_NETWORK.items()}


def test_variables_of_the_network_are_kept(person, tmp_path):
    kept = {variable(name): value for name, value in OF_THE_NETWORK.items()}
    assert settings_of({**person, **kept}, tmp_path) == kept


@pytest.mark.skipif(os.name == "nt", reason="other places")
def test_the_nearer_setting_wins(person, tmp_path):
    def index():
        return settings_of(person, tmp_path)["PIP_INDEX_URL"]

    write(tmp_path / "global/pip.conf", "global", {"index-url": "global"})
    assert index() == "global"
    write(tmp_path / "home/.config/pip/pip.conf", "global", {"index_url": "home"})
    assert index() == "home"
    write(tmp_path / ".venv/pip.conf", "global", {"index-url": "environment"})
    assert index() == "environment"
    person["PIP_CONFIG_FILE"] = str(write(tmp_path / "mine", "global", {"index-url": "chosen"}))
    assert index() == "chosen"
    write(tmp_path / "global/pip.conf", "install", {"index-url": "for installing"})
    assert index() == "for installing"
    person["PIP_INDEX_URL"] = "variable"
    assert index() == "variable"


def test_the_null_device_means_no_files(person, tmp_path):
    write(tmp_path / "home/.config/pip/pip.conf", "global", {"index-url": "home"})
    assert settings_of({**person, "PIP_CONFIG_FILE": os.devnull}, tmp_path) == {}


def test_a_broken_file_is_named(person, tmp_path):
    file = tmp_path / "broken.conf"
    file.write_text("index-url without a section\n")
    with pytest.raises(StepFailed, match=r"broken\.conf"):
        settings_of({**person, "PIP_CONFIG_FILE": str(file)}, tmp_path)


def test_pip_is_called_with_them(checkout, monkeypatch):
    monkeypatch.setattr(pip_settings, "_global_folders", lambda _: [])
    checkout.environ |= {"HOME": str(checkout.root), "PIP_TARGET": "/elsewhere", "PIP_INDEX_URL": "mirror"}
    checkout.fake_pip('echo "$PIP_TARGET|$PIP_INDEX_URL|$PIP_CONFIG_FILE" >> "$FAKE_LOG"')
    checkout.setup.python("cpu")
    assert checkout.calls()[-1] == f"|mirror|{os.devnull}"
