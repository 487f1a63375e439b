"""One edit from image to image: sizes, kept bytes, seams."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from zimage.conditions.edit import Edit, prepare_edit
from zimage.conditions.outpaint import Margins
from zimage.errors import ConditionError

SIZE = (128, 128)
NEW = (250, 3, 40)


def photo(width: int = 200, height: int = 150) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8))


def masked(box: tuple[int, int, int, int], size: tuple[int, int] = (200, 150), value: int = 255) -> Image.Image:
    mask = Image.new("L", size)
    mask.paste(value, box)
    return mask


def finish(edit: Edit, colour: tuple[int, int, int] = NEW) -> np.ndarray:
    assert edit.image.size == edit.window.size
    assert edit.mask is None or edit.mask.size == edit.window.size
    return np.asarray(edit.finish(Image.new("RGB", edit.window.size, colour)))


@pytest.mark.parametrize("size", [(333, 517), (128, 128), (40, 30), (2000, 100)])
def test_the_size_that_came_in_comes_out(size):
    edit = prepare_edit(photo(*size), SIZE, multiple=16)
    assert finish(edit).shape == (size[1], size[0], 3)
    assert edit.mask is None


@pytest.mark.parametrize("only_masked", [False, True])
@pytest.mark.parametrize("feather_px", [0, 12])
@pytest.mark.parametrize(
    "box",
    [(60, 50, 120, 90), (0, 0, 30, 30), (190, 140, 200, 150), (100, 0, 101, 1), (0, 0, 200, 150), (0, 70, 200, 74)],
    ids=["middle", "corner", "other corner", "tiny", "all", "strip"],
)
def test_what_is_masked_is_new_and_what_is_outside_keeps_every_byte(box, feather_px, only_masked):
    image = photo()
    edit = prepare_edit(image, SIZE, multiple=16, mask=masked(box), only_masked=only_masked, feather_px=feather_px)
    done, old = finish(edit), np.asarray(image)
    assert (done[box[1] : box[3], box[0] : box[2]] == NEW).all()
    outside = np.ones(old.shape[:2], bool)
    outside[max(0, box[1] - feather_px) : box[3] + feather_px, max(0, box[0] - feather_px) : box[2] + feather_px] = (
        False
    )
    assert np.array_equal(done[outside], old[outside])


def test_only_what_is_masked_is_drawn_large():
    edit = prepare_edit(
        photo(1000, 1000), SIZE, multiple=16, mask=masked((500, 500, 520, 520), (1000, 1000)), only_masked=True
    )
    left, top, right, bottom = edit.window.box
    assert (right - left, bottom - top) == (84, 84)  # 20 and twice the padding
    assert edit.mask is not None
    assert np.asarray(edit.mask).mean() == pytest.approx(255 * (20 / 84) ** 2, rel=0.1)


def test_grey_is_a_smaller_strength_and_all_of_the_new_image():
    edit = prepare_edit(photo(*SIZE), SIZE, multiple=16, mask=masked((0, 0, 64, 128), SIZE, 100))
    assert edit.mask is not None
    assert sorted(set(np.asarray(edit.mask).ravel().tolist())) == [0, 100]
    assert (finish(edit)[:, :64] == NEW).all()


def test_a_mask_is_drawn_on_the_upright_photo():
    image = photo(150, 200)  # as it is stored: on its side
    image.getexif()[0x0112] = 6
    edit = prepare_edit(image, SIZE, multiple=16, mask=masked((0, 0, 10, 10)))
    assert edit.canvas.size == (200, 150)


@pytest.mark.parametrize(
    "margins", [Margins(top=24), Margins(right=40), Margins(bottom=16), Margins(left=33), Margins(9, 8, 7, 6)]
)
def test_outpainting_keeps_the_old_image_beyond_the_overlap(margins):
    image, overlap = photo(), 20
    edit = prepare_edit(image, (256, 192), multiple=16, margins=margins, feather_px=overlap)
    done, old = finish(edit), np.asarray(image)
    inner = done[margins.top : margins.top + 150, margins.left : margins.left + 200]
    at_top, at_left = overlap * (margins.top > 0), overlap * (margins.left > 0)
    bottom, right = 150 - overlap * (margins.bottom > 0), 200 - overlap * (margins.right > 0)
    assert np.array_equal(inner[at_top:bottom, at_left:right], old[at_top:bottom, at_left:right])
    assert done.shape[:2] == (150 + margins.top + margins.bottom, 200 + margins.left + margins.right)
    new = np.ones(done.shape[:2], bool)
    new[margins.top : margins.top + 150, margins.left : margins.left + 200] = False
    assert (done[new] == NEW).all()


@pytest.mark.parametrize("margins", [Margins(top=64), Margins(right=64), Margins(bottom=64), Margins(left=64)])
def test_a_constant_image_shows_no_step_at_the_seam(margins):
    """A model that draws all of it 30 lighter: the way from old to new is a slope, not a step."""
    old, lighter = (100, 100, 100), (130, 130, 130)
    edit = prepare_edit(Image.new("RGB", (256, 256), old), (320, 320), multiple=16, margins=margins)
    assert np.abs(np.asarray(edit.canvas).astype(int) - old).max() <= 1
    done = finish(edit, lighter)[..., 0].astype(int)
    steps = max(np.abs(np.diff(done, axis=0)).max(), np.abs(np.diff(done, axis=1)).max())
    assert {done.min(), done.max()} == {100, 130}
    assert steps <= 2  # 30 over 32 pixels


def test_outpainting_and_a_mask_go_together():
    edit = prepare_edit(
        photo(), (256, 160), multiple=16, margins=Margins(right=50), mask=masked((0, 0, 10, 10)), feather_px=0
    )
    done = finish(edit)
    assert (done[:10, :10] == NEW).all()
    assert (done[:, 200:] == NEW).all()
    assert np.array_equal(done[10:, :200], np.asarray(photo())[10:])


def test_colours_are_matched_on_request_by_what_was_to_stay():
    image = Image.new("RGB", SIZE, (100, 110, 120))
    edit = prepare_edit(image, SIZE, multiple=16, mask=masked((0, 0, 64, 64), SIZE))
    drawn = Image.new("RGB", SIZE, (104, 108, 120))
    drawn.paste((10, 20, 30), (0, 0, 64, 64))
    assert edit.finish(drawn).getpixel((3, 3)) == (10, 20, 30)
    assert edit.finish(drawn, match_colours=True).getpixel((3, 3)) == (6, 22, 30)
    assert edit.finish(drawn, match_colours=True).getpixel((100, 100)) == (100, 110, 120)


def test_nothing_to_match_colours_by():
    edit = prepare_edit(photo(*SIZE), SIZE, multiple=16, mask=Image.new("L", SIZE, 255))
    assert (np.asarray(edit.finish(Image.new("RGB", SIZE, NEW), match_colours=True)) == NEW).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mask": Image.new("L", (200, 150))}, "black everywhere"),
        ({"mask": Image.new("L", (200, 150)), "only_masked": True}, "black everywhere"),
        ({"mask": Image.new("L", (150, 200), 255)}, "same shape"),
        ({"only_masked": True}, "a mask is needed"),
    ],
)
def test_what_cannot_be_edited_is_refused(arguments, words):
    with pytest.raises(ConditionError, match=words):
        prepare_edit(photo(), SIZE, multiple=16, **arguments)
