"""From images and captions to padded token sequences, and back.

A stream (image, caption, or SigLIP features) is cut into parts, each padded with learned tokens to a multiple of 32.
Those pads take part in the attention, as they did in training; a mask hides only what fills up a ragged batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

SEQUENCE_MULTIPLE = 32

Size = tuple[int, int, int]
"""Frames, rows and columns."""


@dataclass(frozen=True)
class Patch:
    """Size of a patch: the latents of one image token."""

    side: int = 2
    frames: int = 1

    @property
    def key(self) -> str:
        """Key of the embedder and final layer in the checkpoint."""
        return f"{self.side}-{self.frames}"

    def grid(self, size: Size) -> Size:
        """Returns the number of patches along each axis.

        Raises:
            ValueError: the image is empty or not divisible into patches.
        """
        steps = (self.frames, self.side, self.side)
        if min(size) < 1 or any(length % step for length, step in zip(size, steps, strict=True)):
            raise ValueError(f"an image of (frames, rows, columns) {size} is no whole number of patches {steps}")
        frames, rows, columns = (length // step for length, step in zip(size, steps, strict=True))
        return frames, rows, columns


def patchify(image: Tensor, patch: Patch) -> Tensor:
    """Maps (C, F, H, W) → (patches, frames · side · side · C), channels fastest."""
    frames, rows, columns = patch.grid(size_of(image))
    cut = image.reshape(-1, frames, patch.frames, rows, patch.side, columns, patch.side)
    return cut.permute(1, 3, 5, 2, 4, 6, 0).reshape(frames * rows * columns, -1)


def unpatchify(tokens: Tensor, size: Size, patch: Patch) -> Tensor:
    """Inverse of `patchify`."""
    frames, rows, columns = patch.grid(size)
    cut = tokens.reshape(frames, rows, columns, patch.frames, patch.side, patch.side, -1)
    return cut.permute(6, 0, 3, 1, 4, 2, 5).reshape(-1, *size)


def size_of(image: Tensor) -> Size:
    """Returns frames, rows and columns of latents (C, F, H, W)."""
    _, frames, rows, columns = image.shape
    return frames, rows, columns


def padded_length(length: int) -> int:
    """Returns the length, padded to a multiple of 32."""
    return -(-length // SEQUENCE_MULTIPLE) * SEQUENCE_MULTIPLE


@dataclass(frozen=True)
class Part:
    """Positions of the tokens of one image or caption.

    Attributes:
        length: number of tokens with content; the rest are pads.
        positions: (padded length, 3).
        is_noisy: whether it belongs to the generated image, not to a given one.
    """

    length: int
    positions: Tensor
    is_noisy: bool = True

    @property
    def is_content(self) -> Tensor:
        """(padded length,): False on pads."""
        return torch.arange(len(self.positions)) < self.length

    @property
    def noisiness(self) -> Tensor:
        """(padded length,): `is_noisy` of every token."""
        return torch.full((len(self.positions),), self.is_noisy)


def caption_part(length: int, start: int = 1, *, is_noisy: bool = True) -> Part:
    """Positions a caption along the first axis; pads continue it.

    Raises:
        ValueError: the caption has no token.
    """
    if length < 1:
        raise ValueError("a caption must have at least one token")
    return Part(length, grid_positions((padded_length(length), 1, 1), start), is_noisy)


def grid_part(grid: Size, start: int, *, is_noisy: bool = True) -> Part:
    """Positions an image behind its caption; pads are at the origin."""
    positions = grid_positions(grid, start)
    pads = torch.zeros(padded_length(len(positions)) - len(positions), 3, dtype=positions.dtype)
    return Part(len(positions), torch.cat((positions, pads)), is_noisy)


def empty_part(*, is_noisy: bool) -> Part:
    """Positions pads alone, for an item without an image."""
    return Part(0, torch.zeros(SEQUENCE_MULTIPLE, 3, dtype=torch.long), is_noisy)


def grid_positions(grid: Size, start: int) -> Tensor:
    """Returns (patches, 3): first axis from `start`, rows and columns from 0."""
    axes = [torch.arange(length) for length in grid]
    positions = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, 2)
    return positions + torch.tensor([start, 0, 0])


@dataclass(frozen=True)
class Layout:
    """Layout of one stream of a batch, S tokens per item.

    Attributes:
        positions: (B, S, 3).
        content: indices of tokens with content in the flattened batch; None if all have content.
        mask: (B, S), False on padding of a ragged batch; None without padding.
        is_noisy: (B, S, 1).
    """

    positions: Tensor
    content: Tensor | None
    mask: Tensor | None
    is_noisy: Tensor

    @property
    def batch_and_length(self) -> tuple[int, int]:
        """B and S."""
        return self.positions.shape[0], self.positions.shape[1]

    def to(self, device: torch.device) -> Layout:
        """Moves the tensors that each step uses; positions stay."""
        return replace(
            self,
            content=None if self.content is None else self.content.to(device),
            mask=None if self.mask is None else self.mask.to(device),
            is_noisy=self.is_noisy.to(device),
        )

    def fill(self, content: Tensor, pad_token: Tensor) -> Tensor:
        """Scatters content (tokens, dim) and pad tokens (1, dim) into (B, S, dim)."""
        batch, length = self.batch_and_length
        if self.content is None:
            return content.reshape(batch, length, -1)
        tokens = pad_token.to(content.dtype).repeat(batch * length, 1)
        return tokens.index_copy(0, self.content, content).reshape(batch, length, -1)


def lay_out(items: Sequence[Sequence[Part]]) -> Layout:
    """Concatenates the parts of each item, and pads the items to equal length."""
    positions = [torch.cat([part.positions for part in parts]) for parts in items]
    is_content = _stacked([torch.cat([part.is_content for part in parts]) for parts in items])
    is_noisy = _stacked([torch.cat([part.noisiness for part in parts]) for parts in items])
    lengths = [len(rows) for rows in positions]
    ragged = len(set(lengths)) > 1
    return Layout(
        positions=_stacked(positions),
        content=None if bool(is_content.all()) else is_content.flatten().nonzero().squeeze(1),
        mask=torch.arange(max(lengths)) < torch.tensor(lengths)[:, None] if ragged else None,
        is_noisy=is_noisy.unsqueeze(-1),
    )


def _stacked(rows: list[Tensor]) -> Tensor:
    return pad_sequence(rows, batch_first=True)


def joint_mask(layouts: Sequence[Layout]) -> Tensor | None:
    """Concatenates the masks of streams: (B, S); None without padding."""
    if all(layout.mask is None for layout in layouts):
        return None
    return torch.cat([_mask_of(layout) for layout in layouts], dim=1)


def _mask_of(layout: Layout) -> Tensor:
    if layout.mask is not None:
        return layout.mask
    return torch.ones(layout.batch_and_length, dtype=torch.bool, device=layout.is_noisy.device)
