"""A token goes to the hub that it belongs to, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from backend.services.errors import DownloadFailed
from backend.services.library.hub.access import choose_token, origin_of
from backend.services.library.hub.client import HuggingFaceHub
from tests.backend.hub_server import HubServer, serving

REPOSITORY, NAME = "org/weights", "vae/ae.safetensors"


@pytest.fixture
def hub(tmp_path) -> HubServer:
    file = tmp_path / "published" / NAME
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights" * 100)
    return HubServer(tmp_path / "published", REPOSITORY)


@pytest.fixture
def address(hub, monkeypatch) -> Iterator[str]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serving(hub) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        yield address


@pytest.fixture
def elsewhere(hub) -> Iterator[HubServer]:
    """Another server, which the files of the hub lie on."""
    other = HubServer(hub.folder, REPOSITORY)
    with serving(other) as address:
        hub.files_at = address
        yield other


def fetch(token: str | None = None, target: Path | None = None) -> None:
    source = HuggingFaceHub(silence_s=5, token=token)
    listing = source.list_files(REPOSITORY, (NAME,))
    if target is not None:
        source.fetch(REPOSITORY, listing.commit, listing.files[0], target, lambda there: None)


def test_the_default_hub_gets_the_token_of_the_environment(hub, address, monkeypatch):
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_HOME", f"{address}/")
    monkeypatch.setenv("HF_TOKEN", "hf_own")
    fetch()
    assert hub.tokens == ["Bearer hf_own"]


def test_a_mirror_does_not(hub, address, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_own")
    fetch()
    assert hub.tokens == [None]


def test_a_mirror_gets_the_token_that_is_named_for_it(hub, address, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_own")
    fetch(token="its-own")
    assert hub.tokens == ["Bearer its-own"]


def test_where_the_files_lie_there_is_none(hub, address, elsewhere, tmp_path):
    fetch("its-own", tmp_path / "ae.safetensors")

    assert (tmp_path / "ae.safetensors").read_bytes() == (hub.folder / NAME).read_bytes()
    assert hub.tokens == ["Bearer its-own"] * 2
    assert elsewhere.tokens == [None]


def test_a_redirect_on_the_same_server_keeps_it(hub, address):
    hub.moved = True
    fetch("its-own")
    assert ([path for path, _ in hub.asked], hub.tokens) == (
        [
            f"/api/models/{REPOSITORY}/revision/main?blobs=true",
            f"/new/api/models/{REPOSITORY}/revision/main?blobs=true",
        ],
        ["Bearer its-own"] * 2,
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_hub_that_wants_one_is_told_apart(hub, address, status):
    hub.statuses = [status]
    with pytest.raises(DownloadFailed, match="HF_TOKEN is for the default hub, ZIMAGE_HUB_TOKEN for the one"):
        fetch()


@pytest.mark.parametrize("endpoint", ["http://mirror.invalid", "http://10.0.0.9:8080"])
def test_no_token_travels_in_the_clear(endpoint):
    with pytest.raises(DownloadFailed, match="without TLS"):
        choose_token(endpoint, "its-own")
    assert choose_token(endpoint, None) is None


def test_another_port_or_scheme_is_another_host():
    assert origin_of("https://hub.invalid/x") == origin_of("https://HUB.invalid:443")
    assert origin_of("https://hub.invalid") != origin_of("https://hub.invalid:8443")
    assert origin_of("https://hub.invalid") != origin_of("http://hub.invalid")


def test_a_file_that_is_gone_from_its_repository_is_named(hub, address):
    with pytest.raises(DownloadFailed, match=r"org/weights does not have vae/other\.safetensors any more"):
        HuggingFaceHub(silence_s=5).list_files(REPOSITORY, ("vae/other.safetensors",))
