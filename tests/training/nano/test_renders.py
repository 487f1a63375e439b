"""A picture is read by the render that is nearest to it."""

import numpy as np
import pytest
import torch
from training.nano.dataset.material import Item
from training.nano.dataset.recolour import recolour
from training.nano.dataset.scenes import NATURAL, UNSPECIFIED, Scene, load_picture, palette_tensor, render_scene
from training.nano.phrasings import Reader
from training.nano.renders import Renders

RED, BLUE = 0, 5


@pytest.fixture(scope="module")
def renders(tmp_path_factory):
    """Of a square and a bar, both red."""
    work = tmp_path_factory.mktemp("work")
    pictures = np.zeros((2, 256, 256, 4), np.uint8)
    for item, rows in enumerate((slice(64, 192), slice(112, 144))):
        pictures[item, rows, 32:224] = (214, 64, 62, 255)
    np.save(work / "items.npy", pictures)
    return Renders(work)


def drawn(renders: Renders, item: int, count: int, colour: int = NATURAL) -> torch.Tensor:
    scene = Scene(item, item, count, UNSPECIFIED, colour, colour)
    behind = palette_tensor()[scene.colour_behind]
    if colour == NATURAL:
        return render_scene(renders.pictures, scene, behind, 256, 256)
    thing = recolour(load_picture(renders.pictures, item, 256), colour)
    return thing[:3] + (1 - thing[3:]) * behind[:, None, None]


@pytest.mark.parametrize("item", [0, 1])
@pytest.mark.parametrize("colour", [BLUE, 4, 11])
def test_a_thing_and_its_colour_are_read(renders, item, colour):
    noisy = (drawn(renders, item, 1, colour) + 0.02 * torch.randn(3, 256, 256)).clamp(0, 1)
    things, colours = renders.things_in(noisy[None])
    assert (things.item(), colours.item()) == (item, colour)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_things_are_counted(renders, count):
    assert renders.counts_in(drawn(renders, 0, count)[None], [0]).tolist() == [count]


def test_what_was_asked_for_is_held_against_what_is_shown(renders):
    items = [Item("0", 3, "square", "方块", (), ()), Item("1", 3, "bar", "条", (), ())]
    reader = Reader(None, renders, items)
    pictures = torch.stack([drawn(renders, 0, 1, BLUE), drawn(renders, 0, 1, BLUE), drawn(renders, 1, 1, BLUE)])
    asked = [{"things": ["square"], "colour": name} for name in ("blue", "red", "blue")]
    assert reader.colours(pictures, asked) == [True, False, False]
    counted = [{"things": ["square"], "count": count} for count in (1, 3)]
    shown = torch.stack([drawn(renders, 0, 2), drawn(renders, 0, 3)])
    assert reader.counts(shown, counted) == [False, True]
