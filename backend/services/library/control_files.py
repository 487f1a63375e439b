"""ControlNets among the files of weights: what they are, by their headers alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FoundControl:
    """A ControlNet of the family in a file.

    Attributes:
        name: what it is called by: the path below the folder that is searched.
        kind: as far as its header shows, for example `2.1-lite`.
        format: that of most of its values, as `BF16`.
        size_bytes: on the disk.
        n_values: number of values.
        dim: width of the transformer that it is for.
        takes_mask: whether it reads a mask and a masked image too.
    """

    path: Path
    name: str
    kind: str
    format: str
    size_bytes: int
    n_values: int
    dim: int
    takes_mask: bool


def read_control(path: Path, name: str) -> FoundControl | None:
    """Returns the ControlNet in a file of weights; None for anything else.

    Raises:
        WeightsError: the file is damaged, or a ControlNet of a kind that is not read.
    """
    from zimage.adapters.control_kinds import Refiner, is_control, name_layout, read_shape
    from zimage.weights.checkpoint import open_checkpoint
    from zimage.weights.names.single_file import to_published

    stored = open_checkpoint(path)
    if not is_control(stored):
        return None
    tensors = to_published(stored)
    shape = read_shape(tensors)
    formats: Counter[str] = Counter()
    for tensor in tensors.values():
        formats[tensor.format] += tensor.numel
    return FoundControl(
        path,
        name,
        kind=name_layout(shape),
        format=formats.most_common(1)[0][0],
        size_bytes=sum(tensor.size_bytes for tensor in tensors.values()),
        n_values=formats.total(),
        dim=shape.dim,
        takes_mask=shape.refiner is not Refiner.PLAIN,
    )
