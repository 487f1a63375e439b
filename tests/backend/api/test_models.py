from __future__ import annotations

from tests.backend.fakes import make_model_folder

FIELDS = {
    "id", "name", "description", "installed", "demo", "source", "download_gb", "size_multiple", "sizes",
    "default_steps", "guidance_scale", "guidance", "negative_prompt", "repository",
}  # fmt: skip


def test_the_catalogue(client):
    answer = client.get("/api/models").json()

    assert (answer["default"], answer["loaded"]) == ("zimage-nano", None)
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


def test_a_model_of_your_own(client, settings, post, finish):
    make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / "mine")

    answer = client.get("/api/models").json()

    assert answer["default"] == "mine"
    assert answer["models"][-1]["id"] == "mine"
    assert finish(post(model="mine"))["result"]["model"] == "mine"


def test_where_the_weights_are_is_not_told(client, settings):
    assert str(settings.base_dir) not in client.get("/api/models").text
