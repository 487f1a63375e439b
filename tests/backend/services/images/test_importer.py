from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from backend.models.schemas import ImageRecord
from backend.services.errors import DiskFull, NoParameters
from backend.services.images.importer import MAX_TEXT_CHARACTERS, PictureImporter
from backend.services.images.metadata.own import embed, extract
from backend.services.images.store import HistoryStore
from tests.backend.fakes import Ticking, a_picture
from tests.backend.services.images.keeping import open_store, png_that_claims_a_size, records, tree

A1111 = (
    "a red fox 👩‍🚀\nNegative prompt: blurry\nSteps: 20, CFG scale: 7, Seed: 12345, Size: 512x768, Model: some/model"
)


@pytest.fixture
def store(tmp_path) -> HistoryStore:
    return open_store(tmp_path)


@pytest.fixture
def importer(store) -> PictureImporter:
    return PictureImporter(store, now=Ticking())


def noise(size: tuple[int, int] = (40, 24), mode: str = "RGB", seed: int = 1) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


def encoded(image: Image.Image, text: str | None = A1111, kind: str = "PNG", **texts: str) -> BytesIO:
    buffer, options = BytesIO(), {}
    texts |= {} if text is None else {"parameters": text}
    if kind == "PNG":
        options["pnginfo"] = PngInfo()
        for keyword, words in texts.items():
            options["pnginfo"].add_itxt(keyword, words)
    else:
        options["exif"] = exif = image.getexif()
        exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + texts["parameters"].encode("utf-16-be")
        options |= {"lossless": True} if kind == "WEBP" else {}
    image.save(buffer, kind, **options)
    return buffer


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_picture_of_another_program_comes_with_its_parameters_and_pixels(store, importer, kind):
    image = noise()

    record, is_new = importer.add(encoded(image, kind=kind))

    assert is_new
    facts = {
        "prompt": "a red fox 👩‍🚀", "negative_prompt": "blurry", "num_inference_steps": 20, "seed": 12345,
        "guidance_scale": 6.0, "model": "some/model", "source": "a1111", "unknown": (), "width": 40, "height": 24,
        "generation_time_ms": 0.0, "use_gpu": False, "device": "unknown",
    }  # fmt: skip
    assert facts.items() <= record.model_dump().items()
    assert store.latest() == record
    path = store.image_path(record.id)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert (record.filename, record.size_bytes) == (path.name, path.stat().st_size)
    assert np.array_equal(pixels_of(path), np.asarray(image))
    assert extract(path) == record


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_pixels_stay_as_they_are(store, importer, mode):
    image = noise(mode=mode)
    record, _ = importer.add(encoded(image))
    with Image.open(store.image_path(record.id)) as kept:
        assert np.array_equal(np.asarray(kept.convert("RGBA")), np.asarray(image.convert("RGBA")))
    assert store.thumbnail(record.id).is_file()


def test_a_jpeg_is_turned_as_the_camera_says(store, importer):
    image = Image.new("RGB", (32, 16), "red")
    image.getexif()[0x0112] = 6  # a quarter turn
    record, _ = importer.add(encoded(image, kind="JPEG"))
    assert (record.width, record.height) == pixels_of(store.image_path(record.id)).shape[1::-1] == (16, 32)


def test_the_same_picture_twice_is_the_entry_of_before(store, importer):
    first, _ = importer.add(encoded(noise()))
    store.trash([first.id])

    again, is_new = importer.add(encoded(noise(), kind="WEBP", text=A1111.replace("fox", "dog")))

    assert (again, is_new) == (first, False)
    assert records(store) == [first]


def test_a_picture_that_was_drawn_here_is_not_imported_again(store, importer, three):
    with store.image_path(three[1].id).open("rb") as file:
        assert importer.add(file) == (three[1], False)


def test_our_own_picture_comes_back_as_it_was(store, importer, three):
    path = store.image_path(three[1].id)
    content = BytesIO(path.read_bytes())
    store.trash([three[1].id])
    store.delete(three[1].id)

    record, is_new = importer.add(content)

    assert is_new
    assert record.model_dump(exclude={"size_bytes"}) == three[1].model_dump(exclude={"size_bytes"})


def test_our_own_picture_that_somebody_has_painted_over_is_another_one(store, importer, three):
    texts = embed(three[0])
    record, is_new = importer.add(encoded(noise((64, 48)), text=None, **texts))

    assert is_new
    assert record.id != three[0].id
    assert record.pixel_hash != three[0].pixel_hash
    assert (record.prompt, record.seed, record.created_at) == (three[0].prompt, three[0].seed, three[0].created_at)
    assert records(store) == [record, *three]


@pytest.mark.parametrize(
    "forged",
    [
        {"generation_time_ms": float("inf")}, {"guidance_scale": float("nan")}, {"num_inference_steps": 2**70},
        {"model": "m" * 1000}, {"device": "d" * 1000}, {"unknown": ["a"] * 1000}, {"id": "../../x"}, {"source": "me"},
        {"prompt": "a\0 fox"}, {"tags": ["x"] * 1000, "favourite": True, "deleted_at": "2026-01-01T00:00:00Z"},
    ],
    ids=lambda forged: next(iter(forged)),
)  # fmt: skip
def test_a_forged_picture_of_ours_does_the_history_no_harm(store, importer, three, tmp_path, forged):
    own = {**three[0].model_dump(mode="json"), **forged}

    record, _ = importer.add(encoded(noise(), text=None, zimage=json.dumps(own)))

    assert (record.tags, record.favourite, record.deleted_at) == ((), False, None)
    assert "\0" not in record.prompt
    assert len(record.model) <= 255
    assert (tmp_path / "history.json").stat().st_size < 10_000
    again = open_store(tmp_path)
    assert records(again) == [record, *three]
    assert not (tmp_path / "history.json.corrupt-1").exists()


@pytest.mark.parametrize(
    ("graph", "unknown"),
    [
        ({"steps": 9, "seed": 4, "cfg": 1.0}, ("model",)),
        ({"steps": 9, "seed": 2**60, "cfg": float("inf")}, ("seed", "guidance_scale", "model")),
        ({"steps": 10**30, "seed": 4}, ("num_inference_steps", "guidance_scale", "model")),
        ({"steps": 0, "seed": 4}, ("num_inference_steps", "guidance_scale", "model")),
    ],
)
def test_what_a_picture_does_not_tell_is_said(store, importer, tmp_path, graph, unknown):
    text = json.dumps({"3": {"class_type": "KSampler", "inputs": graph}})

    record, _ = importer.add(encoded(noise(), text=None, prompt=text))

    assert (record.source, record.unknown, record.prompt) == ("comfyui", unknown, "")
    assert records(open_store(tmp_path)) == [record]


def test_words_that_could_do_harm_are_cleaned(store, importer, tmp_path):
    text = "a\0 \x1b[31mfox\r\nand\ta \x85line\nSteps: 9, Seed: 1, Model: " + "m" * 500
    record, _ = importer.add(encoded(noise(), text=text))
    assert record.prompt == "a [31mfox\nand\ta line"
    assert record.model == "m" * 100
    assert records(open_store(tmp_path)) == [record]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"GIF89a" + bytes(50),
        png_that_claims_a_size(60_000, 60_000),
        encoded(noise()).getvalue()[:-300],
        encoded(Image.new("I;16", (8, 8), 40_000)).getvalue(),
        encoded(noise(), text=None).getvalue(),
        encoded(noise(), text="a" * (MAX_TEXT_CHARACTERS + 1) + "\nSteps: 9, Seed: 1").getvalue(),
    ],
    ids=["empty", "text", "gif", "bomb", "cut", "16 bits", "without parameters", "long"],
)
def test_what_is_no_picture_with_parameters(store, importer, tmp_path, content):
    before = tree(tmp_path)
    with pytest.raises(NoParameters):
        importer.add(BytesIO(content))
    assert tree(tmp_path) == before


def test_a_full_disk_leaves_nothing_behind(store, importer, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(DiskFull):
        importer.add(encoded(noise()))
    assert records(store) == []
    assert not [name for name in tree(tmp_path) if name.startswith("images")]


def test_a_record_of_before_has_a_source(store):
    record = store.add(a_picture())
    old = record.model_dump(mode="json", exclude={"source", "unknown"})
    assert ImageRecord.model_validate(old) == record
    assert (record.source, record.unknown) == ("zimage", ())
