from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest

from launcher import checks
from launcher.errors import StepFailed
from launcher.npm_settings import INSTALL_FLAGS, missing_packages, npm_environ

LOCK = {
    "": {"name": "ui"},
    "node_modules/react": {"version": "1"},
    "node_modules/vite": {"version": "1", "dev": True},
    "node_modules/@esbuild/aix-ppc64": {"version": "1", "dev": True, "optional": True},
}
# What npm does with NODE_ENV=production or omit=dev, and what with the flag that wins over them.
NPM_THAT_OMITS = """
case "$*" in
    ci*--include=dev*) [ -n "$NODE_ENV" ] || for name in react vite; do
        mkdir -p node_modules/$name; echo '{}' > node_modules/$name/package.json; done ;;
    ci*) mkdir -p node_modules/react; echo '{}' > node_modules/react/package.json ;;
    run*) [ -e node_modules/vite ] || { echo 'vite: not found'; exit 127; }
        mkdir -p dist/assets; echo ok > dist/index.html; echo ok > dist/assets/main.js ;;
esac
"""


@pytest.fixture
def omitting(checkout, monkeypatch):
    monkeypatch.setattr(checks, "current_system", lambda: "linux")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100 * 1024**3))
    (checkout.places.frontend / "package-lock.json").write_text(json.dumps({"packages": LOCK}))
    npm(checkout, NPM_THAT_OMITS)
    return checkout


def npm(checkout, script):
    (checkout.tools / "npm").write_text(f'#!/bin/sh\necho "npm $*" >> "$FAKE_LOG"\n{script}')


def set_up(checkout):
    checkout.forget_calls()
    checkout.setup.node()
    checkout.setup.build()
    return [call.split()[1] for call in checkout.calls()]


@pytest.mark.parametrize("name", ["NODE_ENV", "npm_config_omit", "NPM_CONFIG_OMIT", "npm_config_production"])
def test_settings_that_leave_packages_out_do_not_count(omitting, name):
    omitting.environ[name] = "production"
    assert set_up(omitting) == ["ci", "run"]
    assert set_up(omitting) == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        *((f"npm_config_{name}", True) for name in ("registry", "https_proxy", "proxy", "noproxy", "cafile", "cache")),
        *((name, True) for name in ("NPM_CONFIG_REGISTRY", "npm_config_userconfig", "npm_config_fetch_retries")),
        *((name, True) for name in ("npm_config_@mine:registry", "npm_config_//host/:_authToken", "HTTPS_PROXY")),
        *((f"npm_config_{name}", False) for name in ("omit", "only", "dry_run", "bin_links", "global", "cpu")),
        *((name, False) for name in ("NODE_ENV", "NPM_CONFIG_PRODUCTION", "npm_config_local-prefix")),
    ],
)
def test_only_settings_of_the_network_are_kept(name, kept):
    assert (name in npm_environ({name: "x"})) is kept


def test_flags_win_over_what_an_npmrc_leaves_out():
    assert {"--include=dev", "--include=optional", "--bin-links=true", "--dry-run=false"} <= set(INSTALL_FLAGS)


def test_packages_for_other_systems_are_not_missed(omitting):
    assert missing_packages(omitting.places.frontend) == ["react", "vite"]
    omitting.setup.node()
    assert missing_packages(omitting.places.frontend) == []


def test_an_npm_that_leaves_packages_out_all_the_same_is_noticed(omitting):
    npm(omitting, "mkdir -p node_modules\n")
    with pytest.raises(StepFailed, match="left out 2 packages, such as react"):
        omitting.setup.node()
    npm(omitting, NPM_THAT_OMITS)
    assert set_up(omitting) == ["ci", "run"]


@pytest.mark.parametrize("vanished", ["node_modules/vite", "node_modules/react/package.json"])
def test_vanished_packages_are_noticed(omitting, vanished):
    set_up(omitting)
    remove(omitting.places.frontend / vanished)
    assert set_up(omitting) == ["ci"]


@pytest.mark.parametrize("vanished", ["dist", "dist/index.html", "dist/assets", "dist/assets/main.js"])
def test_a_vanished_part_of_the_built_ui_is_noticed(omitting, vanished):
    set_up(omitting)
    remove(omitting.places.frontend / vanished)
    assert set_up(omitting) == ["run"]


@pytest.mark.parametrize("failing", ["exit 1", "exit 0"], ids=["fails", "makes nothing"])
def test_no_stamp_outlives_a_failed_build(omitting, failing):
    set_up(omitting)
    shutil.rmtree(omitting.places.dist)
    npm(omitting, failing)
    with pytest.raises(StepFailed):
        omitting.setup.build()
    npm(omitting, NPM_THAT_OMITS)
    assert set_up(omitting) == ["run"]


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()
