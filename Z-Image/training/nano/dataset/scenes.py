"""Scenes: which things stand where on which background, and their rendering.

A scene fills a square in the middle of the picture; what is around it is plain background. One thing
has the size it was taught at, however large the picture is. Several share a square of that size, at
half of it each, or keep it where the picture has room for them.

The square is a grid of 4 x 4 cells, so that one of several things covers 2 x 2 cells: the layouts
below give the upper left cell of each thing.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

THING_PX = 256
CELLS = 4

# name in English, names in Chinese, sRGB
PALETTE: tuple[tuple[str, tuple[str, ...], tuple[int, int, int]], ...] = (
    ("red", ("红色", "红"), (214, 64, 62)),
    ("orange", ("橙色", "橘色"), (245, 150, 62)),
    ("yellow", ("黄色", "黄"), (250, 214, 92)),
    ("green", ("绿色", "绿"), (96, 182, 104)),
    ("teal", ("青色", "蓝绿色"), (62, 176, 178)),
    ("blue", ("蓝色", "蓝"), (82, 134, 226)),
    ("purple", ("紫色", "紫"), (150, 104, 206)),
    ("pink", ("粉色", "粉红色"), (246, 166, 196)),
    ("brown", ("棕色", "褐色"), (146, 100, 72)),
    ("gray", ("灰色", "灰"), (150, 154, 160)),
    ("black", ("黑色", "黑"), (34, 36, 42)),
    ("white", ("白色", "白"), (248, 248, 250)),
)
UNSPECIFIED = len(PALETTE)  # no background was named
NATURAL = len(PALETTE)  # a thing has its own colours
TEAL, WHITE = 4, 11
NEUTRAL = TEAL  # hardly any thing has this colour, so a thing's outline stays readable

# kind of layout -> (column, row) of each half-size thing, in cells
LAYOUTS: tuple[tuple[tuple[int, int], ...], ...] = (
    (),  # one thing that fills the picture
    ((0, 1), (2, 1)),
    ((0, 0), (2, 0), (1, 2)),
    ((0, 0), (2, 0), (0, 2), (2, 2)),
)


@dataclass(frozen=True)
class Scene:
    """One thing (`right` = `left`, count 1 to 4) or two different ones (count 2).

    Attributes:
        left: number of the thing on the left.
        right: and on the right.
        count: how many things there are.
        background: number of its colour, or UNSPECIFIED.
        left_colour: number of the colour that the left thing is given, or NATURAL.
        right_colour: and the right one.
    """

    left: int
    right: int
    count: int
    background: int
    left_colour: int = NATURAL
    right_colour: int = NATURAL

    def __post_init__(self) -> None:
        if not 1 <= self.count <= len(LAYOUTS):
            raise ValueError(f"count must be 1 to {len(LAYOUTS)}, got {self.count}")
        if self.left != self.right and self.count != 2:
            raise ValueError(f"two different things have count 2, got {self.count}")

    @property
    def colours(self) -> tuple[int, int]:
        """Of the left and the right thing."""
        return self.left_colour, self.right_colour

    @property
    def colour_behind(self) -> int:
        """The background as it is drawn: the neutral one if none is named, white behind a thing of that colour."""
        if self.background != UNSPECIFIED:
            return self.background
        return WHITE if NEUTRAL in self.colours else NEUTRAL

    @property
    def named_background(self) -> int:
        """UNSPECIFIED, or the background that is not the usual one."""
        usual = self.background == UNSPECIFIED and self.colour_behind == NEUTRAL
        return UNSPECIFIED if usual else self.colour_behind

    def on(self, background: int) -> "Scene":
        """The same things on a named background."""
        return replace(self, background=background)


def scene_side(count: int, height: int, width: int, thing: int) -> int:
    """Side of the square in the middle that a scene fills, in the unit of the others.

    Args:
        count: how many things it shows.
        height: of the picture.
        width: of the picture.
        thing: side of one thing by itself.
    """
    return 2 * thing if count > 1 and min(height, width) >= 2 * thing else thing


def palette_tensor() -> Tensor:
    """The twelve background colours, (12, 3) in 0..1."""
    return torch.tensor([rgb for _, _, rgb in PALETTE], dtype=torch.float32) / 255


def resize_premultiplied(pictures: Tensor, side_px: int) -> Tensor:
    """Resizes (N, 4, H, W) to a square: area average down, bicubic up."""
    current = pictures.shape[-1]
    if side_px == current:
        return pictures
    if current % side_px == 0:
        return avg_pool2d(pictures, current // side_px)
    return interpolate(pictures, size=(side_px, side_px), mode="bicubic", antialias=True, align_corners=False).clamp(
        0, 1
    )


def paste(canvas: Tensor, picture: Tensor, x_px: int, y_px: int) -> None:
    """Composites (4, h, w) onto (3, H, W) in place."""
    height, width = picture.shape[-2:]
    region = canvas[:, y_px : y_px + height, x_px : x_px + width]
    region.mul_(1 - picture[3:]).add_(picture[:3])


def render_scene(pictures: Tensor, scene: Scene, colour: Tensor, height_px: int, width_px: int) -> Tensor:
    """Draws the scene into the middle of a picture.

    Args:
        pictures: all items as premultiplied RGBA, (N, 256, 256, 4) uint8.
        scene: what to draw; its background is given by `colour` instead.
        colour: (3,) in 0..1.
        height_px: height of the picture.
        width_px: width of the picture.

    Returns:
        (3, height, width) in 0..1.
    """
    canvas = colour.view(3, 1, 1).expand(3, height_px, width_px).clone()
    side_px = scene_side(scene.count, height_px, width_px, THING_PX)
    x_px, y_px = (width_px - side_px) // 2, (height_px - side_px) // 2
    if scene.count == 1:
        paste(canvas, load_picture(pictures, scene.left, side_px), x_px, y_px)
        return canvas
    cell_px = side_px // CELLS
    for index, (column, row) in enumerate(LAYOUTS[scene.count - 1]):
        item = scene.right if index % 2 and scene.count == 2 else scene.left
        picture = load_picture(pictures, item, 2 * cell_px)
        paste(canvas, picture, x_px + column * cell_px, y_px + row * cell_px)
    return canvas


def load_picture(pictures: Tensor, item: int, side_px: int) -> Tensor:
    """One item as premultiplied RGBA, (4, side, side) in 0..1."""
    picture = pictures[item].permute(2, 0, 1).float().div_(255)
    return resize_premultiplied(picture[None], side_px)[0]
