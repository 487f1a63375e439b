"""Batches for the transformer, from plain captions and images or from Omni's interleaved ones.

Omni interleaves: a caption may come in several pieces, each followed by an image that is given (clean) or wanted
(noisy), and by the SigLIP features of that image. The wanted one is the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zimage.sequence import (
    Layout,
    Part,
    Patch,
    Size,
    caption_part,
    empty_part,
    grid_part,
    lay_out,
    padded_length,
    size_of,
)

OMNI_GAP = 2  # positions left free behind each piece of a caption, for its image and its SigLIP features


@dataclass(frozen=True)
class Target:
    """Position of the predicted image in the image stream of an item."""

    start: int
    length: int
    size: Size


@dataclass(frozen=True)
class Batch:
    """Layouts of all streams, and the contents of the caption streams.

    Latents are given at each step.

    Attributes:
        patch: what a token of an image covers.
        targets: the images to predict, one for each item.
        image: layout of the images.
        captions: features (L, cap_feat_dim) of every piece, in the order of the layout.
        caption: their layout.
        siglip_features: features (N, siglip_feat_dim), in the order of the layout; empty when there are none.
        siglip: their layout; None when there are none.
        has_clean: whether given images stand beside the wanted ones, as Omni's forward always assumes.
    """

    patch: Patch
    targets: tuple[Target, ...]
    image: Layout
    captions: tuple[Tensor, ...]
    caption: Layout
    siglip_features: tuple[Tensor, ...] = ()
    siglip: Layout | None = None
    has_clean: bool = False


def plain_batch(sizes: Sequence[Size], captions: Sequence[Tensor], patch: Patch) -> Batch:
    """Builds a batch of one caption and one image per item.

    Raises:
        ValueError: the numbers of captions and images differ, or one is empty or not divisible into patches.
    """
    if len(sizes) != len(captions) or not sizes:
        raise ValueError(f"one caption for each image is needed, got {len(captions)} for {len(sizes)}")
    grids = [patch.grid(size) for size in sizes]
    caption_parts = [caption_part(len(caption)) for caption in captions]
    image_parts = [
        grid_part(grid, start=len(part.positions) + 1) for grid, part in zip(grids, caption_parts, strict=True)
    ]
    return Batch(
        patch=patch,
        targets=tuple(Target(0, part.length, size) for part, size in zip(image_parts, sizes, strict=True)),
        image=lay_out([[part] for part in image_parts]),
        captions=tuple(captions),
        caption=lay_out([[part] for part in caption_parts]),
    )


@dataclass(frozen=True)
class OmniItem:
    """One item of an Omni batch.

    Attributes:
        images: latents (C, F, H, W); None where a piece of the caption has no image.
        captions: features (L, cap_feat_dim) of each piece; one more than images where text ends the prompt.
        noise_mask: for each image, 1 where it is wanted and 0 where it is given.
        siglip: features (H, W, siglip_feat_dim) for each image; None where it has none, or for none at all.
    """

    images: Sequence[Tensor | None]
    captions: Sequence[Tensor]
    noise_mask: Sequence[int]
    siglip: Sequence[Tensor | None] | None = None

    def __post_init__(self) -> None:
        """Validates the lengths of the lists."""
        n_images = len(self.images)
        if len(self.noise_mask) != n_images or len(self.captions) < n_images:
            raise ValueError(
                f"{n_images} images need as many entries in the noise mask and at least as many captions, "
                f"got {len(self.noise_mask)} and {len(self.captions)}"
            )
        if all(image is None for image in self.images):
            raise ValueError("an item needs an image to predict")
        if self.siglip is not None and len(self.siglip) != n_images:
            raise ValueError(f"{n_images} images need as many SigLIP features, got {len(self.siglip)}")

    @property
    def present(self) -> list[Tensor]:
        """The images, without the gaps."""
        return [image for image in self.images if image is not None]


def omni_batch(items: Sequence[OmniItem], patch: Patch) -> Batch:
    """Builds a batch of interleaved captions, images and SigLIP features.

    Raises:
        ValueError: only some items have SigLIP features, or one is empty or not divisible into patches.
    """
    has_siglip = [item.siglip is not None for item in items]
    if any(has_siglip) != all(has_siglip) or not items:
        raise ValueError("either all items of a batch have SigLIP features or none has")
    starts = [_picture_starts(item) for item in items]
    placed = list(zip(items, starts, strict=True))
    return Batch(
        patch=patch,
        targets=tuple(_target(item, patch) for item in items),
        image=lay_out([_image_parts(item, start, patch) for item, start in placed]),
        captions=tuple(caption for item in items for caption in item.captions),
        caption=lay_out([_caption_parts(item, start) for item, start in placed]),
        siglip_features=tuple(
            _siglip_rows(feature) for item in items for feature in item.siglip or () if feature is not None
        ),
        siglip=lay_out([_siglip_parts(item, start) for item, start in placed]) if all(has_siglip) else None,
        has_clean=True,
    )


def _picture_starts(item: OmniItem) -> list[int]:
    """Returns, for each piece of the caption, the position behind it, where its image stands."""
    starts, position = [], 1
    for caption in item.captions:
        position += len(caption)
        starts.append(position)
        position += OMNI_GAP
    return starts


def _caption_parts(item: OmniItem, starts: Sequence[int]) -> list[Part]:
    parts = [
        caption_part(len(caption), start - len(caption), is_noisy=_is_noisy(item, index))
        for index, (caption, start) in enumerate(zip(item.captions, starts, strict=True))
    ]
    return _as_published(parts)


def _as_published(parts: Sequence[Part]) -> list[Part]:
    """Moves the places of a caption's later pieces to where the published code has them.

    There the pads of a piece get a second, surplus row of places at the origin, so that every piece after the first
    stands behind its tokens. What a model of this variant is trained with cannot be told before its weights are out;
    until then it is the published behaviour that counts. A caption in one piece is not affected.
    """
    rows = [torch.cat((p.positions, p.positions.new_zeros(len(p.positions) - p.length, 3))) for p in parts]
    lengths = [len(part.positions) for part in parts]
    places = torch.split(torch.cat(rows)[: sum(lengths)], lengths)
    return [replace(part, positions=place) for part, place in zip(parts, places, strict=True)]


def _image_parts(item: OmniItem, starts: Sequence[int], patch: Patch) -> list[Part]:
    return [
        empty_part(is_noisy=_is_noisy(item, index))
        if image is None
        else grid_part(patch.grid(size_of(image)), starts[index], is_noisy=_is_noisy(item, index))
        for index, image in enumerate(item.images)
    ]


def _siglip_parts(item: OmniItem, starts: Sequence[int]) -> list[Part]:
    parts = []
    for index, feature in enumerate(item.siglip or ()):
        if feature is None:
            parts.append(empty_part(is_noisy=_is_noisy(item, index)))
            continue
        part = grid_part((1, *feature.shape[:2]), starts[index] + 1, is_noisy=_is_noisy(item, index))
        image = item.images[index]
        parts.append(part if image is None else _stretched(part, feature, size_of(image)))
    return parts


def _stretched(part: Part, feature: Tensor, size: Size) -> Part:
    """Spreads the features' rows and columns over those of the latents, rounding down."""
    positions = part.positions.float()
    for axis in (1, 2):
        positions[:, axis] = positions[:, axis] / max(feature.shape[axis - 1] - 1, 1) * (size[axis] - 1)
    return Part(part.length, positions.long(), part.is_noisy)


def _siglip_rows(feature: Tensor) -> Tensor:
    """Cuts features into tokens: (H, W, C) → (H · W, C).

    The memory is read channel by channel, so that a token is no place of the image. That is how the published code
    does it; whether weights of this variant are trained so cannot be told before they are out.
    """
    rows, columns, channels = feature.shape
    return feature.permute(2, 0, 1).reshape(rows * columns, channels)


def _target(item: OmniItem, patch: Patch) -> Target:
    """Finds the last image, which is the wanted one."""
    start, target = 0, Target(0, 0, (0, 0, 0))
    for image in item.images:
        rows, columns, frames = (0, 0, 0) if image is None else patch.grid(size_of(image))
        length = rows * columns * frames
        if image is not None:
            target = Target(start, length, size_of(image))
        start += padded_length(max(length, 1))
    return target


def _is_noisy(item: OmniItem, index: int) -> bool:
    """A piece of text behind the last image counts as noisy."""
    return bool(item.noise_mask[index]) if index < len(item.noise_mask) else True


def omni_items(
    x: Sequence[Sequence[Tensor | None]],
    captions: Sequence[Sequence[Tensor]],
    siglip: Sequence[Sequence[Tensor | None] | None] | None,
    noise_mask: Sequence[Sequence[int]] | None,
) -> list[OmniItem]:
    """Zips the parallel lists of the transformer's `forward`.

    Raises:
        ValueError: they are not of the same length, or there is no noise mask.
    """
    if noise_mask is None:
        raise ValueError("several images an item need an image_noise_mask")
    features = [None] * len(x) if siglip is None else siglip
    if not len(x) == len(captions) == len(features) == len(noise_mask):
        raise ValueError(
            f"{len(x)} items need as many captions, SigLIP features and noise masks, "
            f"got {len(captions)}, {len(features)} and {len(noise_mask)}"
        )
    return [OmniItem(*parts) for parts in zip(x, captions, noise_mask, features, strict=True)]
