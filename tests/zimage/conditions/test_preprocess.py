"""Preprocessors on drawn shapes: lines where edges are, and nothing elsewhere."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from zimage.conditions.preprocess import PREPROCESSORS, UNAVAILABLE, preprocess
from zimage.errors import ConfigError

SIZE = (160, 120)
BOX = (40, 30, 119, 89)
LINES = ("canny", "lines", "scribble")


def boxed(mode: str = "RGB", ink: str = "black", paper: str = "white") -> Image.Image:
    image = Image.new("RGB", SIZE, paper)
    ImageDraw.Draw(image).rectangle(BOX, fill=ink)
    return image.convert(mode)


def near_edges(width: int) -> np.ndarray:
    """True within so many pixels of the box's outline."""
    outline = Image.new("L", SIZE)
    ImageDraw.Draw(outline).rectangle(BOX, outline=255)
    return np.asarray(outline.filter(ImageFilter.MaxFilter(2 * width + 1))) > 0


def white(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    assert values.shape == (SIZE[1], SIZE[0], 3)
    assert set(np.unique(values)) <= {0, 255}
    assert (values == values[..., :1]).all()
    return values[..., 0] > 0


@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize(("ink", "paper"), [("black", "white"), ("white", "black"), ("navy", "orange")])
def test_lines_are_white_at_the_edges_and_nowhere_else(kind, ink, paper):
    drawn = white(preprocess(boxed(ink=ink, paper=paper), kind))
    width = 12 if kind == "scribble" else 2
    assert not drawn[~near_edges(width)].any()
    sides = [drawn[24:96, 36:46], drawn[24:96, 114:126], drawn[24:36, 34:126], drawn[84:96, 34:126]]
    for side, length in zip(sides, (60, 60, 80, 80), strict=True):
        assert side.any(axis=int(side.shape[0] > side.shape[1])).sum() >= 0.8 * length


@pytest.mark.parametrize("kind", LINES)
def test_an_even_image_has_no_lines(kind):
    assert not white(preprocess(Image.new("RGB", SIZE, "teal"), kind)).any()


@pytest.mark.parametrize("kind", PREPROCESSORS)
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (2, 40), (333, 517)])
def test_every_size_comes_back(kind, size):
    made = preprocess(Image.linear_gradient("L").resize(size), kind)
    assert (made.mode, made.size) == ("RGB", size)


def in_mode(mode):
    match mode:
        case "I":  # integers count to 65535
            return Image.fromarray(np.asarray(boxed("L")).astype(np.int32) * 257)
        case "F":
            return boxed("L").convert("F")
    return boxed(mode)


@pytest.mark.parametrize("kind", PREPROCESSORS)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I", "F"])
def test_every_mode_gives_what_colours_give(kind, mode):
    expected = np.asarray(preprocess(boxed(), kind)).astype(int)
    given = np.asarray(preprocess(in_mode(mode), kind)).astype(int)
    assert np.abs(given - expected).max() <= 1


@pytest.mark.parametrize("kind", PREPROCESSORS)
def test_the_same_image_gives_the_same_and_is_left_alone(kind):
    image = Image.effect_noise(SIZE, 60).convert("RGB")
    before = image.tobytes()
    assert preprocess(image, kind).tobytes() == preprocess(image, kind).tobytes()
    assert image.tobytes() == before


def test_thresholds_of_canny_decide_what_an_edge_is():
    faint = boxed(ink="#606060", paper="#707070")
    assert not white(preprocess(faint, "canny")).any()
    assert white(preprocess(faint, "canny", low=20, high=40)).sum() > 200


def test_short_segments_are_left_out():
    image = boxed()
    ImageDraw.Draw(image).rectangle((5, 5, 18, 18), fill="black")
    corner = np.s_[:25, :25]
    assert white(preprocess(image, "lines"))[corner].any()
    assert not white(preprocess(image, "lines", min_length=0.2))[corner].any()
    assert white(preprocess(image, "lines", min_length=0.2)).any()


def test_a_higher_level_leaves_faint_strokes_out():
    faint = boxed(ink="#606060", paper="#707070")
    assert white(preprocess(faint, "scribble", level=4)).any()
    assert not white(preprocess(faint, "scribble", level=40)).any()


def test_strokes_are_thicker_than_edges():
    counts = [int(white(preprocess(boxed(), kind)).sum()) for kind in ("canny", "scribble")]
    assert counts[1] > 2 * counts[0] > 0


def test_grey_has_no_colours_and_keeps_the_light():
    values = np.asarray(preprocess(boxed(ink="red", paper="yellow"), "grey"))
    assert (values == values[..., :1]).all()
    assert (values[60, 80, 0], values[5, 5, 0]) == (76, 226)


def test_tile_is_the_image_and_shrinks_details_away():
    noise = Image.effect_noise(SIZE, 60).convert("RGB")
    assert preprocess(noise, "tile").tobytes() == noise.tobytes()
    coarse = np.asarray(preprocess(noise, "tile", shrink=8))
    assert coarse.std() < 0.4 * np.asarray(noise).std()
    assert abs(float(coarse.mean()) - float(np.asarray(noise).mean())) < 2


def test_blur_keeps_colours_and_nothing_sharp():
    values = np.asarray(preprocess(boxed(ink="red", paper="blue"), "blur")).astype(int)
    assert np.abs(np.diff(values, axis=1)).max() < 100
    assert np.abs(values[60, 80] - (255, 0, 0)).max() < 10
    assert np.abs(values[3, 3] - (0, 0, 255)).max() < 10
    assert np.abs(np.diff(np.asarray(preprocess(boxed(), "blur", sigma=40)).astype(int), axis=1)).max() < 30


def test_what_is_transparent_is_paper_for_edges_and_nothing_for_finished_ones():
    image = boxed("RGBA", ink="white", paper="black")
    image.putalpha(Image.fromarray((np.asarray(image)[..., 0]).copy()))  # only the white box is there
    assert not white(preprocess(image, "canny")).any()
    assert white(preprocess(image, "finished")).sum() == 80 * 60


@pytest.mark.parametrize("kind", UNAVAILABLE)
def test_kinds_that_need_weights_say_what_to_send(kind):
    with pytest.raises(ConfigError, match=f"{kind} needs weights.*finished"):
        preprocess(boxed(), kind)


def test_an_unknown_kind_or_option_is_refused_with_what_is_allowed():
    with pytest.raises(ConfigError, match="canny, lines, scribble, grey, tile, blur, finished, got 'edges'"):
        preprocess(boxed(), "edges")
    with pytest.raises(ConfigError, match="canny takes low, high, got sigma"):
        preprocess(boxed(), "canny", sigma=1)
    with pytest.raises(ConfigError, match="grey takes no options, got level"):
        preprocess(boxed(), "grey", level=1)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("canny", {"low": 200, "high": 100}), ("canny", {"low": -1}), ("lines", {"min_length": 1.5}),
        ("scribble", {"level": 0}), ("scribble", {"level": 300}), ("tile", {"shrink": 0.5}), ("tile", {"shrink": 65}),
        ("blur", {"sigma": 0}), ("blur", {"sigma": 101}), ("blur", {"sigma": float("nan")}),
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused(kind, options):
    with pytest.raises(ConfigError, match=kind if kind != "lines" else "min_length"):
        preprocess(boxed(), kind, **options)


def test_without_opencv_the_message_says_what_to_do(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name == "cv2":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match="opencv-python-headless"):
        preprocess(boxed(), "canny")
    assert preprocess(boxed(), "grey").size == SIZE
