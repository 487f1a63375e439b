from dataclasses import replace

import pytest
import torch
from PIL import Image
from training.lora.errors import TrainingError
from training.lora.material import cache
from training.lora.material.cache import FILE, encode_once, fingerprint
from training.lora.material.dataset import Wording, find_examples
from zimage.pipeline import ZImagePipeline

SIZES = [(64, 64), (128, 64)]


@pytest.fixture
def examples(data):
    return find_examples(data, Wording())


def test_latents_and_features_are_those_of_the_pipeline(source, examples, tiny, tmp_path):
    encoded = encode_once(source, examples, ["a fox"], SIZES, tmp_path)
    pipeline = ZImagePipeline.from_local_dir(tiny, "cpu")

    last = pipeline.encode_image(Image.open(examples[-1].path))[0]
    torch.testing.assert_close(encoded.latents[-1], last)
    for features, prompt in [
        (encoded.features[-1], examples[-1].caption),
        (encoded.empty, ""),
        (encoded.samples[0], "a fox"),
    ]:
        torch.testing.assert_close(features, pipeline.text_encoder.encode([prompt])[0])
    assert not any(values.is_inference() for values in (*encoded.latents, *encoded.features))


def test_pictures_keep_their_shape_and_share_kinds(source, examples, tmp_path):
    kinds = encode_once(source, examples, [], SIZES, tmp_path).kinds()
    by_name = {example.path.stem: kind for example, kind in zip(examples, kinds, strict=True)}
    assert by_name["red"][:3] == (16, 4, 8)
    assert by_name["blue"][:3] == (16, 4, 4)
    assert by_name["blue"] == by_name["green"]


def test_what_was_encoded_once_is_read(source, examples, tmp_path, monkeypatch):
    first = encode_once(source, examples, [], SIZES, tmp_path)
    monkeypatch.setattr(cache, "_encode", None)  # a second encoding would fail
    again = encode_once(source, examples, [], SIZES, tmp_path)
    assert all(torch.equal(*pair) for pair in zip(first.latents, again.latents, strict=True))
    assert torch.equal(first.empty, again.empty)


def test_whatever_it_depends_on_changes_the_fingerprint(source, examples, data):
    seen = {fingerprint(source, examples, [], SIZES), fingerprint(source, examples, ["x"], SIZES)}
    seen |= {fingerprint(source, examples, [], [(96, 96)]), fingerprint(source, examples[1:], [], SIZES)}
    seen.add(fingerprint(source, [replace(examples[0], caption="other"), *examples[1:]], [], SIZES))
    Image.new("RGB", (64, 64), "black").save(examples[0].path)
    seen.add(fingerprint(source, examples, [], SIZES))
    assert len(seen) == 6


def test_a_damaged_picture_is_named_before_the_model_is_loaded(source, examples, tmp_path, monkeypatch):
    examples[2].path.write_bytes(b"no picture")
    monkeypatch.setattr(cache, "_encode", None)
    with pytest.raises(TrainingError, match=examples[2].path.name):
        encode_once(source, examples, [], SIZES, tmp_path)
    assert not (tmp_path / FILE).exists()


def test_small_pictures_are_told(source, examples, tmp_path, caplog):
    encode_once(source, examples, [], [(128, 128)], tmp_path)
    assert "5 pictures are smaller" in caplog.text
