"""What a published transformer is to read: its own text encoder where that can say it, linear maps elsewhere."""

import json
from dataclasses import replace

import pytest
import torch
from training.nano.dataset.captions.source import CaptionSource
from training.nano.dataset.material import Item
from training.nano.dataset.scenes import NATURAL, PALETTE, UNSPECIFIED, Scene
from training.nano.layout import TextSizes, build_text_encoder
from training.nano.text import published
from training.nano.text.codes import EMPTY_ROLE, Codes
from training.nano.text.published import END, Published, Reader, describe, plain_caption
from training.nano.text.tokenizer import train_merges

NAMES = (("fox", "狐狸"), ("cat", "猫"), ("owl", "猫头鹰"), ("thinking face", "思考"))
RED, TEAL, BLUE, WHITE = 0, 4, 5, 11


@pytest.fixture
def source():
    items = [Item(f"{index:x}", 3, en, zh, (), ()) for index, (en, zh) in enumerate(NAMES)]
    return CaptionSource(items, 0)


@pytest.fixture
def taught(source, monkeypatch):
    torch.manual_seed(0)
    sizes = TextSizes(hidden=64, intermediate=32, heads=1)
    monkeypatch.setattr(published, "TextSizes", lambda: sizes)
    monkeypatch.setattr(published, "PLAIN_SCENES", 40)
    vocabulary, merges = train_merges(["fox cat owl background"], 300)
    tokenizer = published.build_tokenizer(vocabulary, merges)
    adopted = {
        "vocabulary": vocabulary,
        "merges": json.loads(json.dumps(merges)),
        "text_encoder": build_text_encoder(sizes, len(tokenizer)).state_dict(),
        "transformer": {
            "cap_embedder.0.weight": torch.rand(64) + 0.5,
            "cap_embedder.1.weight": torch.randn(256, 64),
            "cap_embedder.1.bias": torch.randn(256),
        },
    }
    cells = torch.randn(len(NAMES), NATURAL + 1, EMPTY_ROLE, 256)
    return Published(adopted, source, Codes(torch.randn(len(NAMES), 5), cells, torch.randn(len(PALETTE), 256)))


def test_a_reader_is_a_caption_embedder():
    parameters = {
        "cap_embedder.0.weight": torch.rand(8),
        "cap_embedder.1.weight": torch.randn(256, 8),
        "cap_embedder.1.bias": torch.randn(256),
    }
    tokens = torch.randn(5, 8)
    normed = torch.nn.functional.rms_norm(tokens, (8,), parameters["cap_embedder.0.weight"], 1e-6)
    expected = normed @ parameters["cap_embedder.1.weight"].T + parameters["cap_embedder.1.bias"]
    torch.testing.assert_close(Reader.of(parameters)(tokens), expected)


def test_one_thing_is_wanted_as_the_published_encoder_says_it(taught):
    scene = Scene(1, 1, 1, RED)
    said, _ = taught._read([scene])
    torch.testing.assert_close(taught.wanted([scene]), said, atol=5e-3, rtol=5e-3)


def test_a_colour_changes_what_is_wanted_of_the_cells_and_nothing_else(taught):
    fox, blue = Scene(0, 0, 1, UNSPECIFIED), Scene(0, 0, 1, UNSPECIFIED, BLUE, BLUE)
    plain, coloured = taught.wanted([fox, blue])
    assert torch.equal(plain[: END + 1], coloured[: END + 1])
    assert float((plain[END + 1 :] - coloured[END + 1 :]).abs().mean()) > 0.1


def test_what_is_wanted_of_a_scene_does_not_depend_on_its_company(taught):
    scenes = [
        Scene(0, 1, 2, RED),
        Scene(2, 2, 1, UNSPECIFIED),
        Scene(1, 1, 4, UNSPECIFIED),
        Scene(1, 1, 1, BLUE, RED, RED),
    ]
    together = taught.wanted(scenes)
    for scene, wanted in zip(scenes, together, strict=True):
        torch.testing.assert_close(taught.wanted([scene])[0], wanted, atol=1e-4, rtol=1e-4)


def test_a_scene_is_described_by_its_background_and_whether_it_shows_several():
    described = describe([Scene(2, 4, 2, 7)])[0]
    assert described.nonzero().flatten().tolist() == [7, UNSPECIFIED + 1]
    teal = describe([Scene(2, 2, 1, UNSPECIFIED, TEAL, TEAL)])[0]  # in the usual colour, so on another background
    assert teal.nonzero().flatten().tolist() == [WHITE]


def test_plain_captions_say_what_the_published_encoder_was_taught(source):
    fox = Scene(0, 0, 1, UNSPECIFIED)
    assert plain_caption(source, fox) == "fox"
    assert plain_caption(source, replace(fox, left=2, right=2, background=BLUE)) == "an owl on a blue background"
    assert plain_caption(source, Scene(0, 1, 2, UNSPECIFIED)) == "fox on the left, cat on the right"
