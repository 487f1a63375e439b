"""Larger images in tiles."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from zimage.conditions.upscale import Grid, Tile, enlarge, redraw_in_tiles
from zimage.errors import ConditionError


def photo(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(2).integers(0, 255, (height, width, 3), np.uint8))


def identity(tile: Tile) -> Image.Image:
    return tile.image


GRIDS = [
    Grid((256, 256), (128, 128), 32, 16),
    Grid((300, 200), (128, 96), 32, 16),
    Grid((100, 90), (128, 128), 32, 16),
    Grid((515, 128), (128, 128), 64, 32),
    Grid((129, 129), (128, 128), 0, 16),
]


@pytest.mark.parametrize("grid", GRIDS)
def test_a_model_that_changes_nothing_returns_its_input(grid):
    image = photo(*grid.size)
    assert np.array_equal(np.asarray(redraw_in_tiles(image, grid, identity)), np.asarray(image))


def test_an_enlarged_image_that_is_not_changed_is_lanczos():
    image, grid = photo(100, 60), Grid((250, 150), (128, 128), 32, 16)
    done = redraw_in_tiles(image, grid, identity)
    assert np.array_equal(np.asarray(done), np.asarray(image.resize((250, 150), Image.Resampling.LANCZOS)))


@pytest.mark.parametrize("grid", GRIDS)
def test_tiles_lie_on_the_grid_cover_everything_and_add_up(grid):
    total = np.zeros(grid.canvas_size[::-1])
    for box in grid.boxes():
        assert (box[2] - box[0], box[3] - box[1]) == grid.tile
        assert all(pixels % grid.multiple == 0 for pixels in box)
        total[box[1] : box[3], box[0] : box[2]] += grid.weights(box)
    assert np.allclose(total, 1, atol=1e-6)


def test_where_tiles_differ_there_is_a_slope_and_no_seam():
    grid = Grid((224, 128), (128, 128), 32, 16)
    done = redraw_in_tiles(
        Image.new("RGB", grid.size), grid, lambda tile: Image.new("RGB", tile.image.size, (100 + 32 * tile.index,) * 3)
    )
    row = np.asarray(done)[60, :, 0].astype(int)
    assert (row[0], row[-1]) == (100, 132)
    assert np.abs(np.diff(row)).max() <= 2


def test_mask_and_control_are_cut_as_the_tiles_are():
    grid = Grid((256, 256), (128, 128), 32, 16)
    mask = Image.fromarray(np.random.default_rng(3).integers(0, 255, (256, 256), np.uint8))
    control = photo(256, 256)
    seen: list[int] = []

    def redraw(tile: Tile) -> Image.Image:
        assert tile.mask is not None
        assert np.array_equal(np.asarray(tile.mask), np.asarray(mask.crop(tile.box)))
        assert np.array_equal(np.asarray(tile.cut(control)), np.asarray(control.crop(tile.box)))
        seen.append(tile.index)
        assert tile.count == 9
        return tile.image

    redraw_in_tiles(photo(256, 256), grid, redraw, mask)
    assert seen == list(range(9))


def test_where_a_mask_is_black_the_enlarged_image_stays():
    image, grid, mask = photo(128, 128), GRIDS[0], Image.new("L", (256, 256))
    mask.paste(100, (0, 0, 90, 256))
    done = redraw_in_tiles(image, grid, lambda tile: Image.new("RGB", tile.image.size, (9, 8, 7)), mask)
    assert (np.asarray(done)[:, :90] == (9, 8, 7)).all()
    larger = image.resize((256, 256), Image.Resampling.LANCZOS)
    assert np.array_equal(np.asarray(done)[:, 90:], np.asarray(larger)[:, 90:])


def test_a_cancel_ends_it_between_tiles():
    class Cancelled(Exception):
        pass

    seen: list[int] = []

    def redraw(tile: Tile) -> Image.Image:
        if tile.index == 2:
            raise Cancelled
        seen.append(tile.index)
        return tile.image

    with pytest.raises(Cancelled):
        redraw_in_tiles(photo(256, 256), GRIDS[0], redraw)
    assert seen == [0, 1]


@pytest.mark.parametrize(("size", "words"), [((200, 100), "stretch"), ((50, 50), "smaller"), ((100, 120), "stretch")])
def test_only_larger_images_of_the_same_shape(size, words):
    with pytest.raises(ConditionError, match=words):
        enlarge(photo(100, 100), size)


def test_tiles_off_the_model_s_grid_are_refused():
    with pytest.raises(ConditionError, match="multiples of 16"):
        Grid((256, 256), (120, 128), 32, 16)
