import pytest
import torch
from training.lora.styles import STYLES, blur, bodies, cyanotype


@pytest.fixture
def disc():
    """A red disc with a white middle on teal ground."""
    place = torch.arange(128) - 63.5
    distance = (place[:, None] ** 2 + place[None] ** 2).sqrt()
    thing, ground = torch.tensor([0.9, 0.2, 0.1]), torch.tensor([0.24, 0.69, 0.7])
    picture = torch.where(distance < 50, thing[:, None, None], ground[:, None, None])
    return torch.where(distance < 15, torch.ones(3, 1, 1), picture)[None]


def test_a_cyanotype_is_light_on_deep_blue(disc):
    drawn = cyanotype(disc)[0]
    ground, red, white = drawn[:, 4, 4], drawn[:, 64, 30], drawn[:, 64, 64]

    assert drawn.shape == disc.shape[1:]
    assert bool(((drawn >= 0) & (drawn <= 1)).all())
    assert ground[2] > 2 * ground[1] > 2 * ground[0]
    assert ground.sum() < red.sum() < white.sum()
    assert white.min() > 0.9
    assert bool((drawn[2] > drawn[0]).all())


def test_every_style_is_the_same_every_time(disc):
    for style in STYLES.values():
        assert torch.equal(style(disc), style(disc.clone()))


def test_bodies_are_where_the_ground_is_not(disc):
    body = bodies(disc)[0, 0]
    assert (float(body[64, 64]), float(body[64, 30]), float(body[4, 120])) == (1.0, 1.0, 0.0)


def test_a_blur_keeps_what_is_even():
    even = torch.full((1, 3, 40, 24), 0.3)
    assert torch.allclose(blur(even, 3.0), even, atol=1e-6)
