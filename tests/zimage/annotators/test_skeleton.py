"""Skeletons by hand: joints and limbs have OpenPose's colours, where they are to be."""

from __future__ import annotations

import numpy as np
import pytest
from zimage.annotators.skeleton import COLOURS, FROM_COCO, LIMBS, draw_skeletons, to_openpose

SIZE = (400, 500)
STANDING = {
    "nose": (200, 60), "left eye": (212, 50), "right eye": (188, 50), "left ear": (226, 56), "right ear": (174, 56),
    "left shoulder": (250, 120), "right shoulder": (150, 120), "left elbow": (290, 190), "right elbow": (110, 190),
    "left wrist": (300, 270), "right wrist": (100, 270), "left hip": (230, 280), "right hip": (170, 280),
    "left knee": (235, 370), "right knee": (165, 370), "left ankle": (240, 460), "right ankle": (160, 460),
}  # fmt: skip
"""In COCO's order; what is left is on the image's right."""
JOINTS = {
    "nose": (255, 0, 0), "neck": (255, 85, 0), "right shoulder": (255, 170, 0), "right elbow": (255, 255, 0),
    "right wrist": (170, 255, 0), "left shoulder": (85, 255, 0), "left elbow": (0, 255, 0), "left wrist": (0, 255, 85),
    "right hip": (0, 255, 170), "right knee": (0, 255, 255), "right ankle": (0, 170, 255), "left hip": (0, 85, 255),
    "left knee": (0, 0, 255), "left ankle": (85, 0, 255), "right eye": (170, 0, 255), "left eye": (255, 0, 255),
    "right ear": (255, 0, 170), "left ear": (255, 0, 85),
}  # fmt: skip
"""OpenPose's 18 in their order, and their colours."""
BONES = [
    ("neck", "right shoulder", (153, 0, 0)), ("neck", "left shoulder", (153, 51, 0)),
    ("right shoulder", "right elbow", (153, 102, 0)), ("right elbow", "right wrist", (153, 153, 0)),
    ("left shoulder", "left elbow", (102, 153, 0)), ("left elbow", "left wrist", (51, 153, 0)),
    ("neck", "right hip", (0, 153, 0)), ("right hip", "right knee", (0, 153, 51)),
    ("right knee", "right ankle", (0, 153, 102)), ("neck", "left hip", (0, 153, 153)),
    ("left hip", "left knee", (0, 102, 153)), ("left knee", "left ankle", (0, 51, 153)), ("neck", "nose", (0, 0, 153)),
    ("nose", "right eye", (51, 0, 153)), ("right eye", "right ear", (102, 0, 153)), ("nose", "left eye", (153, 0, 153)),
    ("left eye", "left ear", (153, 0, 102)),
]  # fmt: skip
PLACES = {**STANDING, "neck": (200, 120)}


def person(**scores: float) -> np.ndarray:
    named = {name.replace("_", " "): score for name, score in scores.items()}
    return np.array([(x, y, named.get(name, 0.9)) for name, (x, y) in STANDING.items()], float)


def drawn(people, size=SIZE, min_score=0.3) -> np.ndarray:
    image = draw_skeletons(size, people, min_score)
    assert (image.mode, image.size) == ("RGB", size)
    return np.asarray(image)


def at(pixels: np.ndarray, place) -> tuple[int, ...]:
    return tuple(int(value) for value in pixels[round(place[1]), round(place[0])])


@pytest.mark.parametrize("name", JOINTS)
def test_a_joint_has_its_colour_where_coco_says_it_is(name):
    assert at(drawn([person()]), PLACES[name]) == JOINTS[name]


@pytest.mark.parametrize(("start", "end", "colour"), BONES)
def test_a_limb_has_its_colour_between_its_joints(start, end, colour):
    first, second = PLACES[start], PLACES[end]
    for share in (0.45, 0.5, 0.55):
        middle = [a + (b - a) * share for a, b in zip(first, second, strict=True)]
        assert at(drawn([person()]), middle) == colour


def test_nothing_else_is_drawn():
    colours = {tuple(map(int, colour)) for colour in np.unique(drawn([person()]).reshape(-1, 3), axis=0)}
    assert colours == {(0, 0, 0), *JOINTS.values(), *(colour for _, _, colour in BONES)}
    assert not drawn([person()])[:30].any()
    assert not drawn([person()])[:, :80].any()


def test_a_limb_is_an_ellipse_and_a_joint_a_disc():
    pixels = drawn([person()]).any(-1)
    knee_to_ankle = pixels[415, 230:246]  # the middle of the left shin
    assert 7 <= knee_to_ankle.sum() <= 9
    ankle = pixels[450:472, 230:251]
    assert 8 <= ankle.any(0).sum() <= 10
    assert pixels[464, 240]
    assert not pixels[466, 240]


def test_what_is_not_seen_is_left_out_with_its_limbs():
    hidden = drawn([person(left_wrist=0.1)])
    assert at(hidden, PLACES["left wrist"]) == (0, 0, 0)
    assert at(hidden, (295, 230)) == (0, 0, 0)
    assert at(hidden, PLACES["left elbow"]) == JOINTS["left elbow"]
    assert at(drawn([person(left_wrist=0.1)], min_score=0.1), PLACES["left wrist"]) == JOINTS["left wrist"]


@pytest.mark.parametrize("shoulder", ["left_shoulder", "right_shoulder"])
def test_a_neck_needs_both_shoulders(shoulder):
    points = to_openpose(person(**{shoulder: 0.0}), 0.3)
    assert points[1] is None
    assert sum(point is None for point in points) == 2
    assert to_openpose(person(), 0.3)[1] == PLACES["neck"]


def test_several_people_are_drawn_and_nobody_is_black():
    moved = np.add(person(), (40, 0, 0))
    both = drawn([person(), moved])
    assert at(both, PLACES["right ankle"]) == at(both, (200, 460)) == JOINTS["right ankle"]
    assert not drawn([]).any()


def test_a_large_image_has_thick_limbs():
    wide = drawn([person() * (4, 4, 1)], (1600, 2000)).any(-1)
    assert 24 <= wide[1660, 920:984].sum() <= 28  # 2 · 4 · 1600 / 512 = 25


def test_points_beyond_the_image_do_no_harm():
    far = np.add(person(), (-1000, 3000, 0))
    assert not drawn([far]).any()
    assert drawn([person() * (0, 0, 1)]).any()  # all in one corner, limbs without length


def test_the_tables_fit_each_other():
    assert len(FROM_COCO) == len(COLOURS) == len(JOINTS) == 18
    assert len(LIMBS) == len(BONES) == 17
    assert sorted(source for source in FROM_COCO if source is not None) == list(range(17))
