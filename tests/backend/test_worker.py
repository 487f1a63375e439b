"""What a worker on another machine draws with."""

from __future__ import annotations

import pickle
import threading
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock
from zimage.annotators.depth import DepthModel
from zimage.annotators.folders import describe

from backend.models.config import Settings
from backend.services.errors import DownloadFailed, ModelNotInstalled, UnknownAnnotator
from backend.services.generation.events import Drawn, Ended, Loading
from backend.services.tasks.executors.ray.facts import pack_facts
from backend.worker import FETCH_LOCK, Workshop, make_workshop, sent_settings, settings_here
from tests.backend.fakes import PATIENCE_S, a_job, colour_of, make_model_folder
from tests.backend.services.library.weight_files import save_control
from tests.zimage.annotator_folders import noise, save_depth


def test_what_draws_is_sent_and_no_secret():
    settings = Settings(executor="ray", api_token="s" * 20, hub_token="h" * 20, offload="none", compile=True)
    sent = sent_settings(settings)
    assert (sent["offload"], sent["compile"]) == ("none", True)
    assert "s" * 20 not in str(sent)
    assert "h" * 20 not in str(sent)
    assert pickle.loads(pickle.dumps(partial(make_workshop, sent))).args == (sent,)


def test_where_weights_lie_is_the_machine_s_own(monkeypatch, tmp_path):
    sent = sent_settings(Settings(executor="ray", models_dir=tmp_path / "queue", offload="model"))
    assert settings_here(sent).models_dir == tmp_path / "queue"  # the same path, on a shared disk
    monkeypatch.setenv("ZIMAGE_MODELS_DIR", str(tmp_path / "worker"))
    monkeypatch.setenv("ZIMAGE_OFFLOAD", "none")
    here = settings_here(sent)
    assert (here.models_dir, here.offload) == (tmp_path / "worker", "model")


def test_an_address_in_a_worker_s_environment_does_not_stop_it(monkeypatch):
    sent = sent_settings(Settings())
    monkeypatch.setenv("ZIMAGE_HOST", "0.0.0.0")
    monkeypatch.setenv("ZIMAGE_EXECUTOR", "ray")
    monkeypatch.setenv("ZIMAGE_RAY_ADDRESS", "auto")
    assert settings_here(sent).host == "127.0.0.1"


@pytest.fixture
def nano(tiny_model: Path, tmp_path: Path) -> Workshop:
    settings = Settings(
        base_dir=tmp_path, models_dir=tiny_model.parent, data_dir=tmp_path / "data", cpu_precision="float32"
    )
    workshop = Workshop(settings)
    workshop.prepare()
    return workshop


def test_it_draws_with_the_images_that_came(nano):
    events: list[object] = []
    job = a_job(num_inference_steps=2, init_image="0" * 64, strength=0.5)
    nano.generate(job, {"0" * 64: colour_of("in", 1, 256, 256)}, events.append, lambda: False)
    assert [type(event) for event in events if isinstance(event, Drawn | Ended)] == [Drawn]
    assert "zimage-nano" in nano.facts().models
    assert pack_facts(nano.facts())["hardware"]["memory_bytes"] > 0
    nano.unload()


def test_it_makes_control_images_with_the_models_of_its_own_machine(nano, tiny_model, tmp_path):
    assert nano.facts().annotators == frozenset()
    save_control(tiny_model, tmp_path / "Z-Image" / "ckpts" / "union.safetensors")
    save_depth(tmp_path / "data" / "annotators" / "near")
    assert nano.facts().annotators == {"depth"}
    image = noise(256, 256)
    drawn: list[bytes] = []
    for kind in ("depth", "finished"):
        control = [{"image": "0" * 64, "kind": kind, "model": "union.safetensors", "scale": 1.0}]
        events: list[object] = []
        nano.generate(a_job(num_inference_steps=2, control=control), {"0" * 64: image}, events.append, lambda: False)
        [picture] = [event for event in events if isinstance(event, Drawn)]
        drawn.append(picture.image.tobytes())
        nearness = DepthModel.load(describe(tmp_path / "data" / "annotators" / "near"))
        image = nearness.annotate(image)
    assert drawn[0] == drawn[1]
    job = a_job(control=[{"image": "0" * 64, "kind": "pose", "model": "union.safetensors"}])
    with pytest.raises(UnknownAnnotator, match="no ViTPose"):
        nano.generate(job, {"0" * 64: image}, lambda _event: None, lambda: False)


def test_nothing_is_fetched_unasked(nano):
    with pytest.raises(ModelNotInstalled):
        nano.generate(a_job(model="z-image-turbo"), {}, lambda _event: None, lambda: False)


class Downloads:
    """Fetches nothing, in no time."""

    running_id = None

    def __init__(self) -> None:
        self.started: list[str] = []

    def start(self, model_id: str) -> None:
        self.started.append(model_id)

    def state(self, model):
        class State:
            message = "the hub is away"

        return State


def test_what_is_asked_for_is_fetched_or_the_reason_is_said(nano):
    nano._downloads, events = Downloads(), []
    with pytest.raises(DownloadFailed, match="the hub is away"):
        nano.generate(a_job(model="z-image-turbo"), {}, events.append, lambda: False)
    assert nano._downloads.started == ["z-image-turbo"]
    assert events == [Loading("z-image-turbo")]


@pytest.fixture
def fetching(tmp_path: Path) -> Workshop:
    settings = Settings(base_dir=tmp_path, models_dir=tmp_path / "models", data_dir=tmp_path / "data")
    workshop = Workshop(settings)
    workshop._downloads = Downloads()
    return workshop


def test_workers_that_share_a_folder_fetch_a_model_once(fetching, tmp_path):
    (tmp_path / "models").mkdir()
    emitted, events = threading.Event(), []
    thread = threading.Thread(
        target=fetching._fetch,
        args=("z-image-turbo", lambda event: (events.append(event), emitted.set()), lambda: False),
    )
    with FileLock(tmp_path / "models" / FETCH_LOCK):  # as another worker that fetches
        thread.start()
        assert emitted.wait(PATIENCE_S)
        make_model_folder(tmp_path / "models" / "Z-Image-Turbo")
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert (fetching._downloads.started, events) == ([], [Loading("z-image-turbo")])


def test_who_waits_for_another_worker_s_fetch_can_be_cancelled(fetching, tmp_path):
    (tmp_path / "models").mkdir()
    thread = threading.Thread(target=fetching._fetch, args=("z-image-turbo", lambda _event: None, lambda: True))
    with FileLock(tmp_path / "models" / FETCH_LOCK):
        thread.start()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert fetching._downloads.started == []


def test_a_folder_that_cannot_be_locked_is_said(fetching, tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(DownloadFailed, match="cannot be locked"):
        fetching._fetch("z-image-turbo", lambda _event: None, lambda: False)
