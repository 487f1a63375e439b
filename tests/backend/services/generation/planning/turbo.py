"""The published model as its headers show it."""

from __future__ import annotations

from backend.services.generation.planning.model_facts import ModelFacts
from backend.services.generation.planning.work import Work, work_of_size

FACTS = ModelFacts(
    6_154_000_000, 4_022_000_000, 84_000_000, 33_000_000_000, width=3840, n_layers=30, vae_width=128, grid_px=16,
    n_blocks=34, block_values=176_947_200, text_layers=35, text_layer_values=100_925_440, embedding_values=388_956_160,
)  # fmt: skip
WEIGHTS = FACTS.weights


def work_at(side_px: int = 1024, *, is_guided: bool = False) -> Work:
    return work_of_size(FACTS, side_px**2, forwards=8, is_guided=is_guided)
