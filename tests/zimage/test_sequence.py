"""Patches and layouts: what goes in comes out again, and everything has its place."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from zimage.sequence import (
    SEQUENCE_MULTIPLE,
    Patch,
    caption_part,
    empty_part,
    grid_part,
    joint_mask,
    lay_out,
    padded_length,
    patchify,
    unpatchify,
)

few = st.integers(1, 5)


@settings(deadline=None, max_examples=60)
@given(few, few, few, st.integers(1, 4), st.integers(1, 3), few)
def test_patches_put_together_are_the_picture(frames, rows, columns, side, patch_frames, channels):
    patch = Patch(side, patch_frames)
    size = (frames * patch_frames, rows * side, columns * side)
    image = torch.arange(channels * size[0] * size[1] * size[2]).reshape(channels, *size)

    tokens = patchify(image, patch)

    assert tokens.shape == (frames * rows * columns, channels * patch_frames * side * side)
    assert torch.equal(unpatchify(tokens, size, patch), image)


def test_a_token_holds_a_square_of_the_picture_channels_fastest():
    image = torch.arange(2 * 16).reshape(2, 1, 4, 4)
    assert patchify(image, Patch())[1].tolist() == [2, 18, 3, 19, 6, 22, 7, 23]  # rows 0 and 1, columns 2 and 3


@given(st.integers(1, 5000))
def test_pads_fill_up_to_the_next_multiple(length):
    padded = padded_length(length)
    assert padded % SEQUENCE_MULTIPLE == 0
    assert 0 <= padded - length < SEQUENCE_MULTIPLE


def test_pads_of_a_caption_go_on_counting_and_those_of_a_picture_stand_at_the_origin():
    assert caption_part(3).positions[:, 0].tolist() == list(range(1, 33))
    picture = grid_part((1, 2, 3), start=33)
    assert picture.positions[:6].tolist() == [[33, row, column] for row in range(2) for column in range(3)]
    assert picture.positions[6:].unique().tolist() == [0]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(1, 70), min_size=1, max_size=3), min_size=1, max_size=4))
def test_content_and_pads_come_to_their_places(lengths):
    layout = lay_out([[caption_part(length) for length in item] for item in lengths])
    total = sum(map(sum, lengths))
    content = torch.arange(1.0, total + 1)[:, None]

    filled = layout.fill(content, torch.full((1, 1), -1.0)).squeeze(-1)

    rows = [max(0, *(sum(padded_length(length) for length in item),)) for item in lengths]
    assert filled.shape == (len(lengths), max(rows))
    assert filled[filled > 0].tolist() == content.squeeze(-1).tolist()
    start = 0
    for row, item in enumerate(lengths):
        place = 0
        for length in item:
            assert filled[row, place : place + length].tolist() == content[start : start + length, 0].tolist()
            assert (filled[row, place + length : place + padded_length(length)] == -1).all()
            start, place = start + length, place + padded_length(length)
    assert (layout.mask is None) == (len(set(rows)) == 1)
    if layout.mask is not None:
        assert layout.mask.sum(1).tolist() == rows


def test_layout_of_an_empty_part_is_pads_alone():
    layout = lay_out([[empty_part(is_noisy=False)]])
    assert layout.fill(torch.empty(0, 2), torch.ones(1, 2)).tolist() == [[[1, 1]] * SEQUENCE_MULTIPLE]
    assert not layout.is_noisy.any()


def test_masks_of_streams_are_joined():
    even, ragged = lay_out([[caption_part(5)], [caption_part(6)]]), lay_out([[caption_part(5)], [caption_part(40)]])
    assert joint_mask([even, even]) is None
    mask = joint_mask([even, ragged])
    assert mask is not None
    assert mask.sum(1).tolist() == [64, 96]


@pytest.mark.parametrize("size", [(1, 3, 2), (1, 2, 3), (0, 2, 2)])
def test_size_not_divisible_into_patches_is_refused(size):
    with pytest.raises(ValueError, match="whole number"):
        Patch().grid(size)
