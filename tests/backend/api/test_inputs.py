from __future__ import annotations

import zipfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from backend.models.schemas import GenerateRequest
from backend.services.generation.inputs import refuse_contradictions
from backend.services.images.inputs import GRACE_S
from tests.backend.fakes import a_picture
from tests.zimage.annotator_folders import save_depth, save_pose


def png(width: int = 64, height: int = 48, colour: int | tuple[int, ...] = (200, 40, 10), mode: str = "RGB") -> bytes:
    buffer = BytesIO()
    Image.new(mode, (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def send(client, content: bytes, name: str = "a.png"):
    return client.post("/api/inputs", files={"file": (name, content)})


@pytest.fixture
def kept(client) -> dict:
    return send(client, png()).json()


def test_a_file_is_kept_and_given_back_to_the_pixel(client):
    response = send(client, png())
    assert response.status_code == 201
    found = response.json()
    assert found == {
        "input_id": found["input_id"], "width": 64, "height": 48, "format": "PNG", "has_alpha": False,
        "size_bytes": found["size_bytes"], "url": f"/api/inputs/{found['input_id']}",
    }  # fmt: skip
    answer = client.get(found["url"])
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    assert np.array_equal(np.asarray(Image.open(BytesIO(answer.content))), np.full((48, 64, 3), (200, 40, 10)))
    again = send(client, png())
    assert (again.status_code, again.json()) == (200, found)


def test_an_image_of_the_history_is_kept_under_its_pixel_hash(client, services):
    record = services.history.add(a_picture("a fox"))
    response = client.post("/api/inputs", json={"image_id": record.id})
    assert (response.status_code, response.json()["input_id"]) == (201, record.pixel_hash)


@pytest.mark.parametrize(
    ("options", "status", "field"),
    [
        ({"json": {"image_id": "0" * 32}}, 404, None),
        ({"json": {"image_id": "x"}}, 422, "image_id"),
        ({"json": {}}, 422, "image_id"),
        ({"json": [1]}, 422, "body"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 422, "body"),
        ({"data": {"file": "text"}}, 422, "file"),
        ({"files": {"other": ("a.png", b"x")}}, 422, "file"),
        ({"files": {"file": ("a.svg", b"<svg/>")}}, 422, "file"),
        ({"content": b"raw"}, 400, None),
        ({}, 400, None),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=y"}}, 400, None),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, 400, None),
    ],
)
def test_what_is_no_image_is_refused_in_words(client, options, status, field):
    response = client.post("/api/inputs", **options)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["message"]
    if field is not None:
        assert error["fields"][0]["field"] == field


def test_what_is_not_here(client):
    for name in ("0" * 64, "nonsense"):
        assert client.get(f"/api/inputs/{name}").status_code == 404


def named(kept: dict) -> dict[str, str]:
    return {"input_id": kept["input_id"]}


def generate(client, **values):
    return client.post("/api/generate", json={"prompt": "a fox", "num_inference_steps": 2, **values})


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"init_image": {"input_id": "0" * 64}}, "init_image"),
        ({"init_image": {"image_id": "0" * 32}}, "init_image"),
        ({"control": [{"image": {"input_id": "0" * 64}}]}, "control.0.image"),
    ],
)
def test_a_request_for_what_is_not_here_is_refused_at_its_field(client, values, field):
    response = generate(client, **values)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "input_refused")
    assert response.json()["error"]["fields"][0]["field"] == field


def test_a_mask_must_lie_on_its_image(client, kept):
    mask = send(client, png(10, 10, 255, "L")).json()
    response = generate(client, init_image=named(kept), mask=named(mask))
    assert response.status_code == 422
    assert "10×10" in response.json()["error"]["message"]
    assert "64×48" in response.json()["error"]["message"]


def test_a_mask_of_the_same_shape_is_taken(client, kept):
    mask = send(client, png(32, 24, 255, "L")).json()
    assert generate(client, init_image=named(kept), mask=named(mask)).status_code == 202


@pytest.mark.parametrize(("mode", "colour"), [("L", 0), ("RGB", (0, 0, 0)), ("RGBA", (255, 255, 255, 0))])
def test_a_mask_that_masks_nothing_is_refused_at_once(client, kept, mode, colour):
    mask = send(client, png(64, 48, colour, mode)).json()
    response = generate(client, init_image=named(kept), mask=named(mask))
    assert response.status_code == 422
    assert response.json()["error"]["fields"][0]["field"] == "mask"
    assert "paint white" in response.json()["error"]["message"]
    grown = generate(client, init_image=named(kept), mask=named(mask), outpaint={"top": 16})
    assert grown.status_code == 202, "what grows is drawn"


def test_what_was_sketched_over_an_image_is_made_of_that_image(client, services, kept):
    painted = send(client, png(colour=(1, 2, 3))).json()
    task = generate(client, init_image=named(painted), base=named(kept), strength=0.5).json()["task_id"]
    request = client.get(f"/api/generate/{task}").json()["request"]
    assert (request["init_image"], request["base"]) == (named(painted), named(kept))

    drawn = a_picture("a fox")
    recipe = drawn.recipe.model_copy(
        update={"init_image": painted["input_id"], "base": kept["input_id"], "strength": 0.5}
    )
    child = services.history.add(type(drawn)(drawn.image, recipe, drawn.device, drawn.generation_time_ms))
    for source in (kept, painted):
        found = client.get("/api/history", params={"made_from": source["input_id"]}).json()
        assert child.id in {image["id"] for image in found["images"]}
        assert {image["base"] for image in found["images"]} == {kept["input_id"]}
    assert services.history.inputs_in_use() == {painted["input_id"], kept["input_id"]}
    content = client.post("/api/history/export", json={"ids": [child.id]}).content
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert f"inputs/{kept['input_id']}.png" in archive.namelist()


def test_references_of_an_image_stay(client, services, kept):
    drawn = a_picture("a fox")
    recipe = drawn.recipe.model_copy(update={"references": (kept["input_id"],)})
    services.history.add(type(drawn)(drawn.image, recipe, drawn.device, drawn.generation_time_ms))
    assert services.history.inputs_in_use() == {kept["input_id"]}


def test_inputs_of_tasks_and_images_stay_and_others_go(client, services, kept):
    task = generate(client, init_image=named(kept), strength=0.5).json()["task_id"]
    other = send(client, png(colour=(1, 2, 3))).json()["input_id"]
    assert client.get(f"/api/generate/{task}").json()["request"]["init_image"] == named(kept)
    services.inputs._now = lambda: __import__("time").time() + GRACE_S + 10
    services.inputs.collect(services.history.inputs_in_use() | services.tasks.inputs_in_use)
    assert client.get(kept["url"]).status_code == 200
    assert client.get(f"/api/inputs/{other}").status_code == 404


def test_what_was_made_of_an_image_is_found_and_exported_with_it(client, services, kept):
    drawn = a_picture("a fox in the snow")
    recipe = drawn.recipe.model_copy(update={"init_image": kept["input_id"], "strength": 0.5})
    child = services.history.add(type(drawn)(drawn.image, recipe, drawn.device, drawn.generation_time_ms))
    services.history.add(a_picture("another"))

    found = client.get("/api/history", params={"made_from": kept["input_id"]}).json()
    assert [image["id"] for image in found["images"]] == [child.id]
    assert found["images"][0]["init_image"] == kept["input_id"]
    assert client.get("/api/history", params={"made_from": "x"}).status_code == 422
    parents = client.get("/api/history", params={"pixel_hash": child.pixel_hash}).json()["images"]
    assert [image["id"] for image in parents] == [child.id]
    assert services.history.inputs_in_use() == {kept["input_id"]}

    content = client.post("/api/history/export", json={"ids": [child.id]}).content
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert archive.namelist() == [child.filename, f"inputs/{kept['input_id']}.png"]


def test_a_control_image_is_made_to_be_looked_at(client, kept):
    made = client.post("/api/inputs/control", json={"image": named(kept), "kind": "grey"})
    assert made.status_code == 201
    pixels = np.asarray(Image.open(BytesIO(client.get(made.json()["url"]).content)))
    assert pixels.shape[:2] == (48, 64)
    assert np.ptp(pixels.reshape(48, 64, -1), axis=-1).max() == 0, "it has no colours"


def refusal(response) -> tuple[str, str]:
    assert response.status_code == 422, response.text
    [problem] = response.json()["error"]["fields"]
    return problem["field"], problem["message"]


@pytest.mark.parametrize(("kind", "save"), [("depth", save_depth), ("pose", save_pose)])
def test_control_images_that_need_a_model_are_made_where_it_is(client, settings, kept, kind, save):
    asked = {"image": named(kept), "kind": kind, "options": {"min_score": 0.0} if kind == "pose" else None}
    field, said = refusal(client.post("/api/inputs/control", json=asked))
    assert field == "kind"
    assert "ZIMAGE_ANNOTATORS_DIR" in said

    folder = save(settings.annotators_dir / "mine")
    made = client.post("/api/inputs/control", json=asked)
    assert made.status_code == 201
    assert (made.json()["width"], made.json()["height"]) == (64, 48)
    assert client.post("/api/inputs/control", json=asked).json()["input_id"] == made.json()["input_id"]
    assert refusal(client.post("/api/inputs/control", json={**asked, "options": {"low": 1.0}}))[0] == "options"

    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    broken = client.post("/api/inputs/control", json=asked)
    field, said = refusal(broken)
    assert (field, "mine cannot be loaded" in said) == ("kind", True)
    assert str(settings.annotators_dir) not in broken.text


def test_an_image_that_shows_nobody_is_told_at_the_image(client, settings, kept, monkeypatch):
    save_pose(settings.annotators_dir / "mine")
    monkeypatch.setattr("zimage.annotators.pose.PoseModel.find", lambda *_given: [])
    field, said = refusal(client.post("/api/inputs/control", json={"image": named(kept), "kind": "pose"}))
    assert field == "image"
    assert "no person is found" in said


def test_an_image_that_the_memory_does_not_hold_is_told_at_the_image(client, settings, kept, monkeypatch):
    save_depth(settings.annotators_dir / "mine")

    def fail(*_given):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("zimage.annotators.depth.DepthModel.annotate", fail)
    field, said = refusal(client.post("/api/inputs/control", json={"image": named(kept), "kind": "depth"}))
    assert (field, "memory" in said) == ("image", True)


@pytest.mark.parametrize(
    ("control", "field"), [({"kind": "depth"}, "kind"), ({"kind": "pose", "preprocessor": "pose"}, "preprocessor")]
)
def test_a_request_that_needs_a_missing_model_is_refused_before_it_waits(client, kept, control, field):
    body = {"prompt": "a fox", "control": [{"image": named(kept), **control}]}
    at, said = refusal(client.post("/api/generate", json=body))
    assert at == f"control.0.{field}"
    assert "ZIMAGE_ANNOTATORS_DIR" in said


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"image": {"input_id": "0" * 64}}, "image"),
        ({"kind": "depth"}, "kind"),
        ({"options": {"low": 300.0, "high": 10.0}}, "options"),
        ({"options": {"sigma": 1.0}}, "options"),
        ({"options": {"image": 1.0}}, "options"),
    ],
)
def test_a_control_image_that_cannot_be_made(client, kept, values, field):
    response = client.post("/api/inputs/control", json={"image": named(kept), "kind": "canny", **values})
    assert response.status_code == 422
    assert response.json()["error"]["fields"][0]["field"] == field


def test_what_is_transparent_becomes_a_mask(client):
    image = Image.new("RGBA", (64, 48), (200, 40, 10, 255))
    image.paste((0, 0, 0, 0), (0, 0, 16, 48))
    image.paste((0, 0, 0, 191), (16, 0, 32, 48))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    photo = send(client, buffer.getvalue()).json()
    assert photo["has_alpha"]
    made = client.post("/api/inputs/mask", json={"image": named(photo)})
    assert made.status_code == 201
    mask = np.asarray(Image.open(BytesIO(client.get(made.json()["url"]).content)))
    assert mask.shape == (48, 64)
    assert [mask[:, x].tolist() for x in (0, 16, 32)] == [[255] * 48, [64] * 48, [0] * 48]
    assert generate(client, init_image=named(photo), mask=named(made.json()), strength=1).status_code == 202


def test_a_mask_of_an_opaque_image_is_refused(client, services, kept):
    record = services.history.add(a_picture("a fox"))
    for image in (named(kept), {"image_id": record.id}, {"input_id": "0" * 64}):
        response = client.post("/api/inputs/mask", json={"image": image})
        assert (response.status_code, response.json()["error"]["code"]) == (422, "input_refused")
        assert response.json()["error"]["fields"][0]["field"] == "image"


def test_the_two_judges_of_a_request_agree(client, services, kept):
    """What is accepted is drawn: the engine's own check refuses nothing that came through."""
    mask = send(client, png(64, 48, 255, "L")).json()
    for values in (
        {"strength": 0.5},
        {"mask": named(mask), "feather": 4},
        {"mask": named(mask), "mask_mode": "only_masked"},
        {"outpaint": {"left": 16}, "feather": 8},
        {"upscale": {"factor": 2}},
        {"upscale": {"factor": 1.5}, "mask": named(mask), "mask_mode": "whole"},
    ):
        asked = GenerateRequest.model_validate({"prompt": "x", "init_image": named(kept), **values})
        request = services.sources.keep(asked, None)
        recipe = services.resolver.resolve(services.resolver.complete(request)).recipe
        refuse_contradictions(recipe)
        assert recipe.strength is not None


def test_a_tile_is_no_larger_than_what_is_enlarged(client, services, kept):
    request = GenerateRequest.model_validate({"prompt": "x", "init_image": named(kept), "upscale": {"factor": 4}})
    complete = services.resolver.complete(request)
    assert (complete.width, complete.height) == (256, 256)


def test_a_panorama_that_is_kept_can_be_drawn_from(client, services):
    wide = send(client, png(8192, 64)).json()
    assert generate(client, init_image=named(wide)).status_code == 202
    assert send(client, png(8200, 64)).status_code == 422
