"""Fits the map from a model's latents to preview colours, by least squares from the model's own decodes.

python -m backend.tools.fit_preview_map Z-Image/ckpts/zimage-nano [--pictures 24] [--steps 9] [--side 256] [--dry-run]

Draws some pictures, keeps their finished latents, decodes them, averages each decoded picture down to the size of its
latents, and solves for the rows and the offset that give those colours. The result is written into the model's
`zimage.json` as `preview_map`. Run it again whenever the model's autoencoder changes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.models.recipe import count_forwards
from backend.services.generation.engines.loading import load_pipeline
from backend.services.library.preview_map import PreviewMap
from backend.utils.atomic_file import write_atomically
from backend.utils.zimage_library import make_importable

if TYPE_CHECKING:
    from torch import Tensor

PROMPTS = (
    "a red apple", "一只红色的狐狸", "a blue whale in the sea", "a green tree", "黄色的香蕉", "a purple grape",
    "a white cloud", "a black cat", "an orange carrot", "粉色的花", "a brown bear", "a rainbow",
)  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """A fitted map, and the share of the colours' variance that it explains."""

    preview_map: PreviewMap
    explained: float


def fit(latents: Tensor, pictures: Tensor) -> Fit:
    """Solves for rows and offset.

    Args:
        latents: (N, C, h, w), as the scheduler leaves them.
        pictures: (N, 3, H, W) in −1…1, H and W multiples of h and w.
    """
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    height, width = latents.shape[-2:]
    small = adaptive_avg_pool2d(pictures.double(), (height, width))
    colours = small.permute(0, 2, 3, 1).reshape(-1, 3)  # (P, 3)
    features = latents.double().permute(0, 2, 3, 1).reshape(-1, latents.shape[1])  # (P, C)
    features = torch.cat([features, torch.ones(len(features), 1, dtype=torch.float64)], dim=1)
    solution = torch.linalg.lstsq(features, colours).solution  # (C + 1, 3)
    residual = (features @ solution - colours).square().sum()
    explained = 1 - float(residual / (colours - colours.mean(0)).square().sum().clamp_min(1e-12))
    *rows, offset = ((round(r, 4), round(g, 4), round(b, 4)) for r, g, b in solution.tolist())
    return Fit(PreviewMap(rows=tuple(rows), offset=offset), explained)


def draw(model: Path, pictures: int, steps: int, side_px: int) -> tuple[Tensor, Tensor]:
    """Draws pictures with a model; returns finished latents (N, C, h, w) and their decodes (N, 3, H, W)."""
    import torch

    make_importable()
    from zimage.scheduler import linear_sigmas

    pipeline = load_pipeline(model, torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    config = pipeline.vae.config
    all_latents, all_pictures = [], []
    for number in range(pictures):
        latents = pipeline(
            prompt=PROMPTS[number % len(PROMPTS)], height=side_px, width=side_px,
            num_inference_steps=count_forwards(steps), sigmas=linear_sigmas(steps), guidance_scale=0.0,
            generator=torch.Generator("cpu").manual_seed(number), output_type="latent",
        ).images  # fmt: skip
        with torch.inference_mode():
            decoded = pipeline.vae.decode(latents / config.scaling_factor + config.shift_factor).sample
        all_latents.append(latents)
        all_pictures.append(decoded.clamp(-1, 1))
        print(f"picture {number + 1} of {pictures}", flush=True)
    return torch.cat(all_latents), torch.cat(all_pictures)


def write(model: Path, preview_map: PreviewMap) -> None:
    """Puts a map into a model's `zimage.json`; everything else there stays."""
    file = model / "zimage.json"
    facts = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    facts["preview_map"] = {"rows": [list(row) for row in preview_map.rows], "offset": list(preview_map.offset)}
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    for row in (*preview_map.rows, preview_map.offset):  # a row a line
        text = text.replace(_spread(row, 6), json.dumps(list(row))).replace(_spread(row, 4), json.dumps(list(row)))
    write_atomically(file, lambda opened: opened.write(f"{text}\n".encode()))


def _spread(row: tuple[float, ...], indent: int) -> str:
    pad = " " * indent
    return "[\n" + ",\n".join(f"{pad}  {json.dumps(value)}" for value in row) + f"\n{pad}]"


def main(arguments: list[str] | None = None) -> None:
    """Fits and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of the model")
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--steps", type=int, default=9, help="points of the schedule")
    parser.add_argument("--side", type=int, default=256, help="pixels of a side")
    parser.add_argument("--dry-run", action="store_true", help="only print")
    options = parser.parse_args(arguments)
    result = fit(*draw(options.model, options.pictures, options.steps, options.side))
    print(f"explains {100 * result.explained:.1f} % of the colours' variance")
    if options.dry_run:
        print(result.preview_map)
    else:
        write(options.model, result.preview_map)


if __name__ == "__main__":
    main()
