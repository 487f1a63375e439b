"""How the latents of a model look as colours: one small linear map.

It is fitted by least squares from the model's own decodes (`python -m backend.tools.fit_preview_map`) and stands in the
model's `zimage.json`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Row = tuple[float, float, float]


@dataclass(frozen=True)
class PreviewMap:
    """Rows of latent channels × (red, green, blue) and an offset; colours are −1…1 as the autoencoder's are."""

    rows: tuple[Row, ...]
    offset: Row


FLUX_VAE_MAP = PreviewMap(
    rows=(
        (-0.0346, 0.0244, 0.0681),
        (0.0034, 0.0210, 0.0687),
        (0.0275, -0.0668, -0.0433),
        (-0.0174, 0.0160, 0.0617),
        (0.0859, 0.0721, 0.0329),
        (0.0004, 0.0383, 0.0115),
        (0.0405, 0.0861, 0.0915),
        (-0.0236, -0.0185, -0.0259),
        (-0.0245, 0.0250, 0.1180),
        (0.1008, 0.0755, -0.0421),
        (-0.0515, 0.0201, 0.0011),
        (0.0428, -0.0012, -0.0036),
        (0.0817, 0.0765, 0.0749),
        (-0.1264, -0.0522, -0.1103),
        (-0.0280, -0.0881, -0.0499),
        (-0.1262, -0.0982, -0.0778),
    ),
    offset=(-0.0329, -0.0718, -0.0851),
)
"""For the published Z-Image models, which use the autoencoder of Flux: the regression that ComfyUI (class Flux of its
`latent_formats.py`), InvokeAI and SwarmUI publish for it, in the pipeline's scaled latents."""


def parse_preview_map(value: Any) -> PreviewMap:
    """Reads a map as a model's `zimage.json` has it: `{"rows": [[r, g, b], …], "offset": [r, g, b]}`.

    Raises:
        ValueError: it is not one.
    """
    try:
        return PreviewMap(rows=tuple(_row(row) for row in value["rows"]), offset=_row(value["offset"]))
    except (KeyError, TypeError) as error:
        raise ValueError("a preview map needs rows and an offset of three numbers each") from error


def _row(values: Any) -> Row:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
