"""Things in other colours: near the colour asked for, with their shape, shading and other hues kept."""

import pytest
import torch
from training.nano.dataset.recolour import from_oklab, recolour, to_oklab
from training.nano.dataset.scenes import NATURAL, PALETTE, palette_tensor

GREEN = torch.tensor([0.2, 0.7, 0.2])


@pytest.fixture
def apple():
    """A red square with a lighter upper half, a green leaf and nothing around, premultiplied."""
    picture = torch.zeros(4, 16, 16)
    picture[3, 2:14, 2:14] = 1
    picture[0, 2:14, 2:14] = 0.7
    picture[:3, 2:8, 2:14] += 0.15
    picture[:3, 2:4, 6:9] = GREEN[:, None, None]
    return picture


def test_oklab_and_back():
    colours = palette_tensor()[None].permute(0, 2, 1)[..., None]
    torch.testing.assert_close(from_oklab(to_oklab(colours)), colours, atol=1e-3, rtol=0)


def test_its_own_colours_stay(apple):
    assert torch.equal(recolour(apple, NATURAL), apple)


@pytest.mark.parametrize("colour", range(len(PALETTE)), ids=[name for name, _, _ in PALETTE])
def test_the_body_takes_the_colour_that_is_asked_for(apple, colour):
    body = recolour(apple, colour)[:3, 8:14, 2:14].mean((1, 2))
    upper = recolour(apple, colour)[:3, 5:8, 2:14].mean((1, 2))
    assert int(torch.cdist(((body + upper) / 2)[None], palette_tensor()).argmin()) == colour


def test_the_outline_stays(apple):
    assert torch.equal(recolour(apple, 5)[3], apple[3])
    assert recolour(apple, 5)[:3, 0].abs().sum() == 0


def test_light_stays_lighter_and_another_hue_stays(apple):
    blue = recolour(apple, 5)
    assert to_oklab(blue[None, :3])[0, 0, 6, 3] > to_oklab(blue[None, :3])[0, 0, 12, 3]
    torch.testing.assert_close(blue[:3, 2, 7], GREEN, atol=0.02, rtol=0)


def test_what_has_no_hue_takes_one():
    ghost = torch.ones(4, 8, 8)
    red = recolour(ghost, 0)[:3].mean((1, 2))
    assert red[0] > red[1] + 0.2
