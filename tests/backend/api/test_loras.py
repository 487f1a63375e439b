from __future__ import annotations

import asyncio
import hashlib
import json
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.testclient import TestClient

from backend.main import create_app
from backend.models.gallery import TokenCount
from tests.backend.fakes import PLAIN_CPU, wait_until
from tests.backend.services.library.loras.lora_files import FLUX, KEY, write_lora


@pytest.fixture
def loras(settings):
    return settings.data_dir / "loras"


@pytest.fixture
def listed(client):
    """Lists the LoRAs, once all are read."""

    def listed(**params):
        wait_until(lambda: client.get("/api/loras", params=params).json()["n_unread"] == 0, "the reading of all")
        return {lora["name"]: lora for lora in client.get("/api/loras", params=params).json()["loras"]}

    return listed


def send(client, content, name="ink.safetensors"):
    return client.post("/api/loras", files={"file": (name, content)})


@pytest.fixture
def ink(loras):
    return write_lora(loras / "ink.safetensors", {"modelspec.title": "Ink wash"}, fill=1)


def left(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_everything_that_is_known_is_listed(client, listed, loras, ink):
    (loras / "ink.json").write_text('{"activation text": "inky", "preferred weight": 0.7}')
    found = listed()["ink"]
    assert found == {
        "name": "ink", "title": "Ink wash", "file": "ink.safetensors", "kind": "lora", "rank": 4, "dtype": "BF16",
        "base": None, "family": None, "role": None, "matched": 1, "of": 1, "trigger_words": ["inky"], "tags": [],
        "description": None, "usage_hint": None,
        "suggested": {"strength": 0.7, "num_inference_steps": None, "guidance_scale": None, "negative_prompt": None},
        "preview": None, "size_bytes": ink.stat().st_size, "sha256": None, "modified_at": found["modified_at"],
        "is_own": True, "problem": None, "warning": None,
    }  # fmt: skip
    assert client.get("/api/loras").json()["max_upload_bytes"] == 2**31


def test_what_cannot_be_used_says_why(listed, loras):
    write_lora(loras / "flux.safetensors", modules=(FLUX,))
    write_lora(loras / "part.safetensors", modules=(KEY.format(0), KEY.format(99)))
    (loras / "pickle.safetensors").write_bytes(b"PK\x03\x04" + bytes(50))
    found = listed()
    assert "Flux" in found["flux"]["problem"]
    assert "pickled" in found["pickle"]["problem"]
    assert found["pickle"]["kind"] is None
    assert found["part"]["problem"] is None
    assert "1 of 2" in found["part"]["warning"]


def test_they_are_matched_with_the_model_that_is_asked_for(listed, settings, loras, ink):
    config = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano" / "transformer" / "config.json"
    config.write_text(json.dumps({"dim": 256, "n_heads": 2, "n_kv_heads": 2}))
    write_lora(loras / "small.safetensors", dim=256)
    assert "Z-Image-Turbo" in listed()["ink"]["problem"]
    assert listed()["small"]["problem"] is None
    assert listed(model="z-image-turbo")["ink"]["problem"] is None
    assert "256" in listed(model="z-image-turbo")["small"]["problem"]


def test_a_model_that_there_is_none_of_is_an_error(client):
    response = client.get("/api/loras", params={"model": "nosuch"})
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (422, "unknown_model")
    assert error["fields"][0]["field"] == "model"


def test_those_that_come_with_a_model_are_listed_and_stay(client, listed, settings):
    folder = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano" / "loras"
    write_lora(folder / "ship.safetensors")
    assert listed()["ship"]["is_own"] is False
    response = client.delete("/api/loras/ship")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "not_ours")
    assert left(folder) == ["ship.safetensors"]
    write_lora(settings.base_dir / "Z-Image" / "ckpts" / "loras" / "too.safetensors")
    assert listed()["too"]["is_own"] is False
    assert client.get("/api/models").json()["refused"] == []  # a LoRA there is no model that is of no use


def test_a_preview(client, listed, loras):
    write_lora(loras / "a b" / "ink.safetensors")
    write_lora(loras / "c" / "ink.safetensors")
    Image.new("RGB", (800, 400), (200, 0, 0)).save(loras / "a b" / "ink.preview.png")
    (loras / "c" / "ink.png").write_text("<svg/>")
    found = listed()
    url = found["a b/ink"]["preview"]
    assert url.startswith("/api/loras/a%20b%2Fink/preview?v=")
    answer = client.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in answer.headers["cache-control"]
    assert Image.open(BytesIO(answer.content)).size == (512, 256)
    assert client.get(found["c/ink"]["preview"]).status_code == 404
    Image.new("RGB", (8, 8)).save(loras / "a b" / "ink.preview.png")
    assert listed()["a b/ink"]["preview"] != url


@pytest.mark.parametrize("name", ["nope", "..%2F..%2Fhistory", "%2Fetc%2Fpasswd", "ink.safetensors", "%00"])
def test_what_is_no_name_is_not_found(client, ink, name):
    assert client.get(f"/api/loras/{name}/preview").status_code == 404
    assert client.delete(f"/api/loras/{name}").status_code == 404
    assert ink.exists()


def test_one_is_sent_named_and_deleted(client, listed, loras, ink):
    content = write_lora(loras.parent / "sent", fill=2).read_bytes()
    response = send(client, content, "../wet.safetensors")
    assert response.status_code == 201
    assert response.json()["name"] == "wet"
    assert response.json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert response.json() == listed()["wet"]
    again = send(client, content, "other.safetensors")
    assert (again.status_code, again.json()["name"]) == (200, "wet")
    assert send(client, content[:-1] + b"x", "wet.safetensors").json()["error"]["code"] == "name_taken"
    assert client.delete("/api/loras/wet").status_code == 204
    assert left(loras) == ["ink.safetensors"]


def test_a_large_one_is_written_as_it_comes(client, loras):
    content = write_lora(loras.parent / "sent", rank=400, fill=2).read_bytes()
    assert len(content) > 5 * 2**20
    assert send(client, content).status_code == 201
    assert (loras / "ink.safetensors").read_bytes() == content


@pytest.mark.parametrize(
    ("options", "status", "field"),
    [
        ({"files": {"file": ("a.safetensors", b"PK\x03\x04" + bytes(100))}}, 422, "file"),
        ({"files": {"file": ("a.safetensors", b"")}}, 422, "file"),
        ({"files": {"file": ("a.safetensors", (2**31).to_bytes(8, "little") + b"{}")}}, 422, "file"),
        ({"files": {"file": ("a.safetensors", (20).to_bytes(8, "little") + b"{}")}}, 422, "file"),
        ({"files": {"file": ("a.pt", b"x" * 100)}}, 422, "file"),
        ({"files": {"other": ("a.safetensors", b"x")}}, 422, "file"),
        ({"data": {"file": "text"}}, 400, None),
        ({"content": b"raw"}, 400, None),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, None),
        ({"json": {"file": "x"}}, 400, None),
    ],
)
def test_what_is_no_lora_is_refused_in_words_and_leaves_nothing(client, loras, options, status, field):
    response = client.post("/api/loras", **options)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["message"]
    assert status != 400 or "a form (multipart/form-data) with the file in the field `file`" in error["message"]
    assert [problem["field"] for problem in error.get("fields", [])][:1] == ([field] if field else [])
    assert left(loras) == []


def test_one_for_another_family_is_refused(client, loras):
    content = write_lora(loras.parent / "sent", modules=(FLUX,)).read_bytes()
    response = send(client, content)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "unreadable_lora")
    assert "Flux" in response.json()["error"]["message"]
    assert left(loras) == []


def test_one_that_is_too_large_is_refused_before_it_comes(settings, engine):
    app = create_app(
        settings.model_copy(update={"max_lora_mb": 1, "min_free_disk_mb": 0}), lambda: engine, lambda: PLAIN_CPU
    )
    with TestClient(app, base_url="http://localhost") as client:
        assert send(client, bytes(2 * 2**20)).status_code == 413
        pieces = (b"x" * 2**16 for _ in range(40))
        kind = {"content-type": "multipart/form-data; boundary=x"}
        assert client.post("/api/loras", content=pieces, headers=kind).status_code in (400, 413)
    assert left(settings.data_dir / "loras") == []


def test_where_there_is_no_room(settings, engine, loras):
    app = create_app(settings.model_copy(update={"min_free_disk_mb": 10**9}), lambda: engine, lambda: PLAIN_CPU)
    content = write_lora(loras.parent / "sent").read_bytes()
    with TestClient(app, base_url="http://localhost") as client:
        assert send(client, content).status_code == 507
    assert left(loras) == []


def test_one_that_is_broken_off_leaves_nothing(app, client, loras):
    content = write_lora(loras.parent / "sent", rank=300).read_bytes()
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.safetensors"\r\n\r\n'
    seen, sent = [], []
    messages = [
        {"type": "http.request", "body": head + content[: 2**21], "more_body": True},
        {"type": "http.request", "body": content[2**21 : 2**22], "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive():
        seen.append(left(loras))
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def answer(message):
        sent.append(message)

    kind = b"multipart/form-data; boundary=x"
    scope = {
        "type": "http", "method": "POST", "path": "/api/loras", "raw_path": b"/api/loras", "query_string": b"",
        "root_path": "", "scheme": "http", "http_version": "1.1", "server": ("localhost", 80),
        "client": ("127.0.0.1", 1), "asgi": {"version": "3.0"},
        "headers": [(b"host", b"localhost"), (b"content-type", kind), (b"transfer-encoding", b"chunked")],
    }  # fmt: skip
    asyncio.run(app(scope, receive, answer))
    assert any(names and names[0].endswith(".part") for names in seen)
    assert left(loras) == []
    ended = client.post("/api/loras", content=head + content[: 2**21], headers={"content-type": kind.decode()})
    assert ended.status_code == 400
    assert left(loras) == []


def test_a_picture_with_loras(client, post, finish, engine, loras, ink):
    wet = write_lora(loras / "wet.safetensors", fill=2)
    task = post("a fox <lora:wet:-0.5> in snow", loras=[{"name": "ink", "strength": 0.8, "end": 0.9}], num_images=2)
    done = finish(task)
    assert done["status"] == "completed"
    assert done["request"]["prompt"] == "a fox <lora:wet:-0.5> in snow"
    sha256 = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (ink, wet)]
    image = done["result"]
    assert image["prompt"] == "a fox in snow"
    assert [(use["name"], use["strength"], use["end"], use["sha256"]) for use in image["loras"]] == [
        ("ink", 0.8, 0.9, sha256[0]), ("wet", -0.5, 1.0, sha256[1]),
    ]  # fmt: skip
    assert engine.inputs[-1].lora_files == {"ink": ink, "wet": wet}
    with Image.open(BytesIO(client.get(image["download_url"]).content)) as png:
        assert png.info["parameters"].startswith("a fox in snow <lora:ink:0.8> <lora:wet:-0.5>\n")
        assert f'Lora hashes: "ink: {image["loras"][0]["short_hash"]}, wet: ' in png.info["parameters"]
    for params, total in (({"q": "wet"}, 2), ({"lora": "INK"}, 2), ({"lora": "in"}, 0), ({"lora": "nope"}, 0)):
        assert client.get("/api/history", params=params).json()["total"] == total
    ink.rename(loras / "renamed.safetensors")
    again = finish(post(image["prompt"], loras=image["loras"], seed=image["seed"]))
    assert [use["name"] for use in again["result"]["loras"]] == ["renamed", "wet"]
    assert [use["sha256"] for use in again["result"]["loras"]] == sha256


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"prompt": "a fox <lora:inc>"}, "unknown_lora", "prompt"),
        ({"prompt": "a fox <lora:ink:x>"}, "lora_refused", "prompt"),
        ({"loras": [{"name": "inc"}]}, "unknown_lora", "loras.0.name"),
        ({"loras": [{"name": "ink", "sha256": "0" * 64}]}, "lora_changed", "loras.0.name"),
        ({"loras": [{"name": "flux"}]}, "lora_refused", "loras.0.name"),
        ({"loras": [{"name": "ink", "start": 0.95}]}, "input_refused", "loras.0.end"),
        ({"loras": [{"name": "ink", "start": 0.5, "end": 0.5}]}, "validation_error", "loras.0.end"),
        ({"loras": [{"name": "ink", "strength": 11}]}, "validation_error", "loras.0.strength"),
        ({"loras": [{"name": "ink", "sha256": "x"}]}, "validation_error", "loras.0.sha256"),
        ({"loras": [{"strength": 1}]}, "validation_error", "loras.0.name"),
        ({"loras": [{"name": "ink", "weight": 1}]}, "validation_error", "loras.0.weight"),
        ({"loras": ["ink"]}, "validation_error", "loras.0"),
        ({"loras": [{"name": str(n)} for n in range(17)]}, "validation_error", "loras"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(client, loras, ink, values, code, field):
    write_lora(loras / "flux.safetensors", modules=(FLUX,))
    for path in ("generate", "estimate"):
        response = client.post(f"/api/{path}", json={"prompt": "a fox", "width": 256, "height": 256, **values})
        assert response.status_code == 422
        error = response.json()["error"]
        assert (error["code"], error["fields"][0]["field"]) == (code, field)


def test_one_that_a_task_needs_is_not_deleted(client, post, finish, engine, ink):
    go_on = engine.pause_at(1)
    post("first")
    waiting = post("a fox <lora:ink>")
    response = client.delete("/api/loras/ink")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "lora_in_use")
    go_on()
    assert finish(waiting)["status"] == "completed"
    assert client.delete("/api/loras/ink").status_code == 204


def test_a_file_that_is_renamed_while_its_task_waits_is_found_and_one_that_is_gone_fails_it(
    client, post, finish, engine, ink, loras
):
    go_on = engine.pause_at(1)
    post("first")
    waiting = post("a fox <lora:ink>")
    other = write_lora(loras / "gone.safetensors", fill=5)
    lost = post("a fox <lora:gone>")
    ink.rename(loras / "renamed.safetensors")
    other.unlink()
    go_on()
    assert finish(waiting)["status"] == "completed"
    assert engine.inputs[-1].lora_files == {"ink": loras / "renamed.safetensors"}
    failed = finish(lost)
    assert (failed["status"], failed["error_code"]) == ("failed", "input_unusable")
    assert "gone" in failed["error"]


def test_what_is_left_out_of_one_is_in_the_message(post, finish, loras):
    write_lora(loras / "part.safetensors", modules=(KEY.format(0), KEY.format(99)))
    assert "1 of 2 layers fit" in finish(post("a fox <lora:part>"))["message"]


def test_its_memory_counts(client, loras, services, monkeypatch):
    monkeypatch.setattr(services.planner, "_held_bytes", lambda: 0)  # of this process, which may be more than foretold
    write_lora(loras / "ink.safetensors", rank=64)
    asked = {"prompt": "a fox", "width": 256, "height": 256}
    plain = client.post("/api/estimate", json=asked).json()
    with_lora = client.post("/api/estimate", json={**asked, "loras": [{"name": "ink"}]}).json()
    without = client.post("/api/estimate", json={**asked, "loras": [{"name": "ink", "strength": 0.0}]}).json()
    more = with_lora["host_bytes"] - plain["host_bytes"]
    assert more >= 2 * 64 * 2 * 3840
    assert without["host_bytes"] == plain["host_bytes"]


def test_tags_are_no_tokens_of_the_prompt(client, monkeypatch, services):
    def count(prompt, _model):
        return TokenCount(tokens=len(prompt), template_tokens=0, limit=512, truncated=False, characters=len(prompt))

    monkeypatch.setattr(services.tokens, "count", count)
    prompt = "a fox <lora:ink:0.8>"
    counted = client.post("/api/tokens", json={"prompt": prompt}).json()
    assert (counted["tokens"], counted["characters"]) == (len("a fox"), len(prompt))


def test_an_imported_picture_s_loras_are_in_its_record(client):
    info, buffer = PngInfo(), BytesIO()
    info.add_text("parameters", 'a fox <lora:ink:0.8>\nSteps: 8, Seed: 7, Lora hashes: "ink: 0c4199e1bfdc"')
    Image.new("RGB", (64, 64), (200, 0, 0)).save(buffer, "PNG", pnginfo=info)
    files = {"file": ("a.png", buffer.getvalue())}
    wanted = [{"name": "ink", "strength": 0.8, "start": 0.0, "end": 1.0, "short_hash": "0c4199e1bfdc"}]
    read = client.post("/api/history/read", files=files).json()["parameters"]
    assert (read["prompt"], read["loras"]) == ("a fox", wanted)
    record = client.post("/api/history/import", files=files).json()
    assert (record["prompt"], record["loras"]) == ("a fox", wanted)
    assert client.get("/api/history", params={"lora": "ink"}).json()["total"] == 1


def test_a_list_is_made_once_as_long_as_nothing_changes(client, services, loras, ink, listed):
    listed()
    before = services.lora_lists._last
    assert client.get("/api/loras").json()["loras"]
    assert services.lora_lists._last is before
    write_lora(loras / "wet.safetensors", fill=2)
    assert set(listed()) == {"ink", "wet"}
