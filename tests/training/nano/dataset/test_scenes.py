import pytest
import torch
from training.nano.dataset.scenes import (
    NEUTRAL,
    PALETTE,
    TEAL,
    UNSPECIFIED,
    WHITE,
    Scene,
    palette_tensor,
    render_scene,
    resize_premultiplied,
)


@pytest.fixture
def pictures():
    blank = torch.zeros(2, 256, 256, 4, dtype=torch.uint8)
    blank[0, 64:192, 64:192] = torch.tensor([255, 0, 0, 255], dtype=torch.uint8)
    blank[1, 64:192, 64:192] = torch.tensor([0, 0, 255, 255], dtype=torch.uint8)
    return blank


def test_one_thing_fills_the_picture(pictures):
    picture = render_scene(pictures, Scene(0, 0, 1, 5), palette_tensor()[5], 256, 256)
    assert picture[:, 128, 128].tolist() == [1, 0, 0]
    torch.testing.assert_close(picture[:, 2, 2], palette_tensor()[5])


def test_render_of_two_things_is_left_and_right(pictures):
    picture = render_scene(pictures, Scene(0, 1, 2, 0), palette_tensor()[3], 256, 256)
    assert picture[:, 128, 64].tolist() == [1, 0, 0]
    assert picture[:, 128, 192].tolist() == [0, 0, 1]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_count_shows_that_many(pictures, count):
    picture = render_scene(pictures, Scene(0, 0, count, 0), torch.zeros(3), 256, 256)
    assert round(float(picture[0].sum()) / 64**2) == count


@pytest.mark.parametrize(("height", "width"), [(256, 384), (384, 256), (512, 512), (768, 512)])
def test_other_shapes_keep_the_thing_in_the_middle_as_large_as_it_is(pictures, height, width):
    picture = render_scene(pictures, Scene(0, 0, 1, 0), torch.zeros(3), height, width)
    assert picture.shape == (3, height, width)
    assert picture[:, height // 2, width // 2].tolist() == [1, 0, 0]
    assert int(picture[0].sum()) == 128**2


@pytest.mark.parametrize(
    ("height", "width", "side"), [(384, 256, 64), (512, 512, 128), (768, 512, 128), (768, 768, 128)]
)
def test_several_things_keep_their_size_where_there_is_room(pictures, height, width, side):
    picture = render_scene(pictures, Scene(0, 1, 2, 0), torch.zeros(3), height, width)
    assert [int(picture[channel].sum()) for channel in (0, 2)] == [side**2] * 2
    assert picture[:, height // 2, width // 2 - side].tolist() == [1, 0, 0]
    assert picture[:, height // 2, width // 2 + side].tolist() == [0, 0, 1]


@pytest.mark.parametrize("side", [64, 128, 256, 512])
def test_resizing_keeps_range_and_coverage(pictures, side):
    image = pictures[:1].permute(0, 3, 1, 2).float() / 255
    resized = resize_premultiplied(image, side)
    assert resized.shape == (1, 4, side, side)
    assert 0 <= float(resized.min()) <= float(resized.max()) <= 1
    assert float(resized[:, 3].mean()) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(("left", "right", "count"), [(0, 1, 1), (0, 1, 3), (0, 0, 5), (0, 0, 0)])
def test_impossible_scenes_are_refused(left, right, count):
    with pytest.raises(ValueError, match="got"):
        Scene(left, right, count, 0)


def test_palette_colours_differ():
    assert palette_tensor().unique(dim=0).shape == (len(PALETTE), 3)


@pytest.mark.parametrize(
    ("scene", "behind", "named"),
    [
        (Scene(0, 0, 1, UNSPECIFIED), NEUTRAL, UNSPECIFIED),
        (Scene(0, 0, 1, UNSPECIFIED, 5, 5), NEUTRAL, UNSPECIFIED),
        (Scene(0, 0, 1, UNSPECIFIED, TEAL, TEAL), WHITE, WHITE),
        (Scene(0, 0, 1, 3, TEAL, TEAL), 3, 3),
        (Scene(0, 1, 2, NEUTRAL), NEUTRAL, NEUTRAL),
    ],
)
def test_what_stands_behind_a_scene(scene, behind, named):
    assert (scene.colour_behind, scene.named_background) == (behind, named)
    assert scene.on(7).background == 7
