from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.backend.fakes import make_model_folder, wait_until
from tests.backend.hub_server import HubServer, published
from tests.backend.services.library.weight_files import save_control_header, save_foreign, save_transformer

FIELDS = {
    "id", "name", "description", "installed", "demo", "source", "download_gb", "size_multiple", "sizes",
    "default_steps", "guidance_scale", "guidance", "shift", "negative_prompt", "can", "repository", "note", "download",
    "member", "parts",
}  # fmt: skip


def test_the_catalogue(client):
    answer = client.get("/api/models").json()

    assert answer["default"] == "zimage-nano"
    assert [model["id"] for model in answer["models"]] == ["z-image-turbo", "z-image", "zimage-nano"]
    assert all(set(model) == FIELDS for model in answer["models"])
    turbo, _, nano = answer["models"]
    assert (turbo["installed"], turbo["source"], turbo["repository"]) == (False, None, "Tongyi-MAI/Z-Image-Turbo")
    assert (turbo["default_steps"], turbo["guidance_scale"], turbo["size_multiple"]) == (9, 0.0, 16)
    assert turbo["download_gb"] > 10
    assert (nano["installed"], nano["source"], nano["demo"], nano["size_multiple"]) == (
        True,
        "ckpts",
        True,
        32,
    )


def test_the_loaded_model(client, post, finish):
    finish(post())
    assert client.get("/api/models").json()["loaded"] == "zimage-nano"


def test_the_memory_is_freed(client, post, finish):
    finish(post())
    assert client.post("/api/models/unload").status_code == 202
    wait_until(lambda: client.get("/api/models").json()["loaded"] is None)


def test_a_model_of_your_own(client, settings, post, finish):
    make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / "mine")

    answer = client.get("/api/models").json()

    assert answer["default"] == "mine"
    assert answer["models"][-1]["id"] == "mine"
    assert finish(post(model="mine"))["result"]["model"] == "mine"


def test_where_the_weights_are_is_not_told(client, settings):
    assert str(settings.base_dir) not in client.get("/api/models").text


# -- downloads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    hub = HubServer(make_model_folder(tmp_path / "published"), "Tongyi-MAI/Z-Image-Turbo")
    with published(hub, monkeypatch):
        yield hub


@pytest.fixture
def roomy(services) -> None:
    services.downloads._free_bytes = lambda _: 10**12


def turbo(client) -> dict[str, Any]:
    return client.get("/api/models").json()["models"][0]


def test_a_download_from_its_beginning_to_a_picture(client, hub, roomy, post, finish):
    assert turbo(client)["download"] == {
        "state": "none", "done_bytes": 0, "total_bytes": 32_900_000_000, "message": "",
    }  # fmt: skip
    hub.hold = threading.Event()

    response = client.post("/api/models/z-image-turbo/download")

    assert (response.status_code, response.content) == (202, b"")
    assert hub.held.wait(10)
    assert turbo(client)["download"]["state"] == "running"
    assert client.post("/api/models/z-image/download").status_code == 409
    hub.hold.set()
    wait_until(lambda: turbo(client)["installed"] and turbo(client)["download"]["state"] == "none")
    assert client.get("/api/models").json()["default"] == "z-image-turbo"
    assert finish(post(model="z-image-turbo"))["result"]["model"] == "z-image-turbo"
    assert client.post("/api/models/z-image-turbo/download").json()["error"]["code"] == "conflict"


def test_a_download_that_is_cancelled(client, services, hub, roomy):
    hub.hold = threading.Event()
    client.post("/api/models/z-image-turbo/download")
    assert hub.held.wait(10)
    stop = services.downloads._job.stop
    threading.Thread(target=lambda: stop.wait(10) and hub.hold.set()).start()

    response = client.delete("/api/models/z-image-turbo/download")

    assert (response.status_code, response.content) == (204, b"")
    assert (turbo(client)["installed"], turbo(client)["download"]["state"]) == (False, "none")


def test_a_download_that_fails_says_why(client, hub, roomy):
    hub.statuses = [404]
    client.post("/api/models/z-image-turbo/download")
    wait_until(lambda: turbo(client)["download"]["state"] == "failed")
    assert "404" in turbo(client)["download"]["message"]


def test_a_download_that_does_not_fit(client, services, hub):
    services.downloads._free_bytes = lambda _: 10**9
    response = client.post("/api/models/z-image-turbo/download")
    assert (response.status_code, response.json()["error"]["code"]) == (507, "insufficient_storage")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("name", ["zimage-nano", "nothing", "x" * 100])
def test_no_such_download(shared, method, name):
    response = shared.request(method, f"/api/models/{name}/download")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_a_model_of_files_and_what_it_is_put_together_from(client, settings, tiny_model):
    nano = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano"
    shutil.rmtree(nano)
    shutil.copytree(tiny_model, nano)
    root = nano.parent
    save_transformer(tiny_model, root / "unet" / "mine.safetensors")
    save_foreign(root / "checkpoints" / "flux.safetensors")

    answer = client.get("/api/models").json()

    own = next(model for model in answer["models"] if model["id"] == "mine")
    assert (own["source"], own["member"], own["installed"]) == ("files", "turbo", True)
    assert [(part["part"], part["file"], part["choices"]) for part in own["parts"]] == [
        ("transformer", "unet/mine.safetensors", []),
        ("text_encoder", "zimage-nano/text_encoder", ["zimage-nano/text_encoder"]),
        ("vae", "zimage-nano/vae", ["zimage-nano/vae"]),
    ]
    [refused] = answer["refused"]
    assert refused["file"] == "checkpoints/flux.safetensors"
    assert "FLUX.1" in refused["reason"]
    assert str(root) not in client.get("/api/models").text

    chosen = client.put("/api/models/mine/parts", json={"member": "base", "vae": "zimage-nano/vae"})
    assert (chosen.status_code, chosen.json()["member"], chosen.json()["default_steps"]) == (200, "base", 50)
    wrong = client.put("/api/models/mine/parts", json={"vae": "other"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "unknown_part")
    missing = client.put("/api/models/none/parts", json={})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")
    assert client.put("/api/models/mine/parts", json={"unet": "x"}).status_code == 422


def test_controlnets_in_the_folders_are_listed_as_what_they_are(client, settings):
    save_control_header(settings.base_dir / "Z-Image" / "ckpts" / "union.safetensors", layers=3)
    answer = client.get("/api/models").json()
    [control] = answer["controls"]
    assert control["size_bytes"] > 10**6
    assert {key: value for key, value in control.items() if key != "size_bytes"} == {
        "name": "union.safetensors", "kind": "2.1-lite", "format": "BF16", "takes_mask": True,
    }  # fmt: skip
    assert answer["refused"] == []


# -- variants and deletion --------------------------------------------------------------------------------------------


def test_the_variants(client, services):
    services.downloads._free_bytes = lambda _: 100 * 10**9

    answer = client.get("/api/models/variants").json()

    assert answer["room_bytes"] == 100 * 10**9
    by_id = {variant["id"]: variant for variant in answer["variants"]}
    published, int8 = by_id["z-image-turbo"], by_id["z_image_turbo_int8_convrot"]
    assert (published["files"], published["repositories"]) == ([], ["Tongyi-MAI/Z-Image-Turbo"])
    assert (int8["of"], int8["quality"], int8["licence"], int8["model"]) == (
        "z-image-turbo",
        "near",
        "Apache-2.0",
        None,
    )
    assert [(file["part"], file["file"], file["here"]) for file in int8["files"]] == [
        ("transformer", "z_image_turbo_int8_convrot.safetensors", False),
        ("text_encoder", "qwen_3_4b_fp8_mixed.safetensors", False),
        ("vae", "ae.safetensors", False),
    ]
    assert int8["missing_bytes"] == int8["size_bytes"] == sum(file["size_bytes"] for file in int8["files"])
    assert (int8["needs"]["device"], int8["needs"]["quantization"], int8["needs"]["fits"]) == ("cpu", "int8", True)
    assert int8["recommended"] == {"reason": "quantised", "short_of_disk": False}  # this machine has 16 GiB
    assert sum(variant["recommended"] is not None for variant in answer["variants"]) == 2


def test_a_variant_that_is_installed_names_its_model(client, settings):
    make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / "Z-Image-Turbo")
    published = client.get("/api/models/variants").json()["variants"][0]
    assert (published["id"], published["model"], published["missing_bytes"]) == ("z-image-turbo", "z-image-turbo", 0)


def test_the_folders_are_looked_through_once(client, services, monkeypatch):
    looks: list[object] = []
    find = services.catalogue._part_files.find
    monkeypatch.setattr(services.catalogue._part_files, "find", lambda *given: looks.append(given) or find(*given))
    for path in ("/api/models", "/api/models/variants"):
        looks.clear()
        assert client.get(path).status_code == 200
        assert len(looks) == 1


def test_a_model_is_deleted(client, settings):
    folder = make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / "mine")

    told = client.get("/api/models/mine/removal")
    assert (told.status_code, [file["name"] for file in told.json()["files"]], folder.exists()) == (
        200,
        ["mine/"],
        True,
    )
    deleted = client.delete("/api/models/mine")

    assert (deleted.status_code, deleted.json(), folder.exists()) == (200, told.json(), False)
    assert client.delete("/api/models/mine").json()["error"]["code"] == "model_not_found"


def test_a_model_in_memory_is_not_deleted(client, settings, post, finish):
    make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / "mine")
    finish(post(model="mine"))
    wait_until(lambda: not client.get("/api/generate").json()["tasks"])
    refused = client.delete("/api/models/mine")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "model_in_use")

    client.post("/api/models/unload")
    wait_until(lambda: client.get("/api/models").json()["loaded"] is None)
    assert client.delete("/api/models/mine").status_code == 200


def test_a_model_that_a_task_waits_for_is_not_deleted(client, settings, engine, post):
    make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / "mine")
    go_on = engine.pause_at(1)
    post(model="zimage-nano")
    waiting = post(model="mine")
    try:
        refused = client.delete("/api/models/mine")
        assert (refused.status_code, "A task waits" in refused.json()["error"]["message"]) == (409, True)
        client.delete(f"/api/generate/{waiting}")
        assert client.delete("/api/models/mine").status_code == 200
    finally:
        go_on()


def test_the_demo_model_is_not_deleted(client):
    for answer in (client.get("/api/models/zimage-nano/removal"), client.delete("/api/models/zimage-nano")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_ours")


def test_a_download_is_not_deleted_from_under_it(client, services, hub, roomy):
    hub.hold = threading.Event()
    client.post("/api/models/z-image-turbo/download")
    assert hub.held.wait(10)
    assert client.delete("/api/models/z-image-turbo").status_code == 409
    hub.hold.set()
    wait_until(lambda: turbo(client)["installed"] and turbo(client)["download"]["state"] == "none")
    assert client.delete("/api/models/z-image-turbo").status_code == 200
    assert not turbo(client)["installed"]
