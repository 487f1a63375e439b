from itertools import pairwise

import pytest
import torch
from training.nano.dataset.batches import SHAPES, SQUARE, SQUARE_UNTIL, TUNED_SHAPES, BatchSource, Shape
from training.nano.dataset.captions.source import CaptionSource, Example
from training.nano.dataset.latents import FULL, HALF_BACKGROUNDS, Backgrounds, LatentCache
from training.nano.dataset.material import Item
from training.nano.dataset.scenes import NATURAL, PALETTE, UNSPECIFIED, Scene
from training.nano.text.tokenizer import build_tokenizer, byte_vocabulary

ITEMS = 16
FLAT = -1.0


def numbered(backgrounds: int, side: int) -> torch.Tensor:
    """Latents that hold the number of their item everywhere."""
    return torch.arange(ITEMS).half()[:, None, None, None, None].expand(-1, backgrounds, 16, side, side)


def tinted(*lead: int, side: int) -> torch.Tensor:
    """Latents that hold the number of their item and a hundred times one more than that of their colour."""
    values = torch.arange(ITEMS)[:, None] + 100 * (1 + torch.arange(len(PALETTE)))
    return values.half().view(ITEMS, -1, *[1] * len(lead), 1, 1, 1).expand(-1, -1, *lead, 16, side, side)


@pytest.fixture
def source(tokenizer):
    backgrounds = Backgrounds.draw(ITEMS)
    cache = LatentCache(
        full=numbered(3, FULL),
        full_backgrounds=backgrounds.natural,
        half=numbered(len(HALF_BACKGROUNDS), FULL // 2),
        tinted_full=tinted(2, side=FULL),
        tinted_backgrounds=backgrounds.tinted,
        tinted_half=tinted(side=FULL // 2),
        flat=torch.full((len(PALETTE), 16), FLAT),
        scale=1.0,
        shift=0.0,
    )
    items = [Item(f"1f4{i:02}", 3, f"thing {i}", f"东西{i}", (), ()) for i in range(ITEMS)]
    return BatchSource(
        lambda seed, backgrounds: CaptionSource(items, seed, backgrounds=backgrounds), tokenizer, cache, 0
    )


@pytest.fixture
def examples(source, monkeypatch):
    """Lets the test say which scenes are drawn."""

    def use(*scenes: Scene) -> None:
        drawn = iter([Example("caption", scene) for scene in scenes])
        for buckets in source.buckets.values():
            monkeypatch.setattr(buckets, "draw", lambda: next(drawn))

    return use


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(byte_vocabulary(), [])


def drawn(source: BatchSource, shape: Shape) -> torch.Tensor:
    return source.draw(Shape(shape.height, shape.width, 1, 1.0))[2][0, 0]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.width}x{shape.height}")
def test_one_thing_stands_in_the_middle_and_is_always_as_large(source, examples, shape):
    examples(Scene(8, 8, 1, UNSPECIFIED))
    latents = drawn(source, shape)
    top, left = (shape.height - FULL) // 2, (shape.width - FULL) // 2
    assert latents.shape == (shape.height, shape.width)
    assert (latents[top : top + FULL, left : left + FULL] == 8).all()
    assert (latents == FLAT).sum() == shape.height * shape.width - FULL * FULL


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.width}x{shape.height}")
def test_two_things_stand_side_by_side(source, examples, shape):
    examples(Scene(4, 8, 2, UNSPECIFIED))
    middle = drawn(source, shape)[shape.height // 2]
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


def test_things_come_in_the_colours_asked_for(source, examples):
    examples(Scene(4, 8, 2, UNSPECIFIED, NATURAL, 5), Scene(4, 4, 1, UNSPECIFIED, 0, 0))
    two, one = (drawn(source, SQUARE)[FULL // 2] for _ in range(2))
    assert two.unique().tolist() == [4, 608]
    assert one.unique().tolist() == [104]


def test_sizes_come_by_their_share_after_the_small_square_alone(source):
    for shapes in (SHAPES, TUNED_SHAPES):
        assert {source.shape(0.99 * SQUARE_UNTIL, shapes) for _ in range(50)} == {SQUARE}
        assert {source.shape(SQUARE_UNTIL, shapes) for _ in range(500)} == set(shapes)
        assert sum(shape.share for shape in shapes) == pytest.approx(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_tokens_of_a_size_need_no_padding(shape):
    assert shape.height * shape.width // 4 % 32 == 0
