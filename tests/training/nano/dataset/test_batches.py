from itertools import pairwise

import pytest
import torch
from training.nano.dataset.batches import SHAPES, SQUARE, SQUARE_UNTIL, BatchSource, Shape
from training.nano.dataset.captions import Example
from training.nano.dataset.latents import FULL, HALF_BACKGROUNDS, NEUTRAL, LatentCache, draw_backgrounds
from training.nano.dataset.material import Item
from training.nano.dataset.scenes import PALETTE, UNSPECIFIED, Scene
from training.nano.text.tokenizer import build_tokenizer, byte_vocabulary

ITEMS = 16
FLAT = -1.0


def numbered(backgrounds: int, side: int) -> torch.Tensor:
    """Latents that hold the number of their item everywhere."""
    return torch.arange(ITEMS).half()[:, None, None, None, None].expand(-1, backgrounds, 16, side, side)


@pytest.fixture
def source():
    cache = LatentCache(
        full=numbered(3, FULL),
        full_backgrounds=draw_backgrounds(ITEMS),
        half=numbered(len(HALF_BACKGROUNDS), FULL // 2),
        flat=torch.full((len(PALETTE), 16), FLAT),
        scale=1.0,
        shift=0.0,
    )
    items = [Item(f"1f4{i:02}", 3, f"thing {i}", f"东西{i}", (), ()) for i in range(ITEMS)]
    return BatchSource(items, cache, seed=0)


@pytest.fixture
def examples(source, monkeypatch):
    """Lets the test say which scenes are drawn."""

    def use(*scenes: Scene) -> None:
        drawn = iter([Example("caption", scene) for scene in scenes])
        for captions in source.captions.values():
            monkeypatch.setattr(captions, "draw", lambda: next(drawn))

    return use


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(byte_vocabulary(), [])


def drawn(source: BatchSource, shape: Shape, tokenizer) -> torch.Tensor:
    return source.draw(Shape(shape.height, shape.width, 1, 1.0), tokenizer)[2][0, 0]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.width}x{shape.height}")
def test_one_thing_stands_in_the_middle_and_is_always_as_large(source, examples, tokenizer, shape):
    examples(Scene(8, 8, 1, UNSPECIFIED))
    latents = drawn(source, shape, tokenizer)
    top, left = (shape.height - FULL) // 2, (shape.width - FULL) // 2
    assert latents.shape == (shape.height, shape.width)
    assert (latents[top : top + FULL, left : left + FULL] == 8).all()
    assert (latents == FLAT).sum() == shape.height * shape.width - FULL * FULL


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.width}x{shape.height}")
def test_two_things_stand_side_by_side(source, examples, tokenizer, shape):
    examples(Scene(4, 8, 2, UNSPECIFIED))
    middle = drawn(source, shape, tokenizer)[shape.height // 2]
    assert [value for value, following in pairwise([*middle.tolist(), None]) if value != following] in (
        [4, 8], [FLAT, 4, 8, FLAT],
    )  # fmt: skip
    assert (middle == 4).sum() == (middle == 8).sum() == (FULL if shape.is_roomy else FULL // 2)


def test_every_thing_comes_at_every_size(source):
    for captions in source.captions.values():
        scenes = [captions.draw().scene for _ in range(400)]
        assert {item for scene in scenes for item in (scene.left, scene.right)} == set(range(ITEMS))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.width}x{shape.height}")
def test_every_named_background_was_encoded(source, shape):
    scenes = [source.captions[shape.is_roomy].draw().scene for _ in range(200)]
    sizes = {source._amid_background(scene, shape).shape[-2:] for scene in scenes}  # raises when one was not
    assert sizes == {(shape.height, shape.width)}


def test_an_unspecified_background_is_the_neutral_one(source):
    assert source._colour(Scene(4, 8, 2, UNSPECIFIED), roomy=True) == NEUTRAL


def test_sizes_come_by_their_share_after_the_small_square_alone(source):
    assert {source.shape(0.99 * SQUARE_UNTIL) for _ in range(50)} == {SQUARE}
    assert {source.shape(SQUARE_UNTIL) for _ in range(500)} == set(SHAPES)
    assert sum(shape.share for shape in SHAPES) == pytest.approx(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_tokens_of_a_size_need_no_padding(shape):
    assert shape.height * shape.width // 4 % 32 == 0
