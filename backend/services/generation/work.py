"""How much an image is to compute and to hold: arithmetic and memory from sizes alone. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from backend.models.recipe import Recipe
from backend.services.generation.model_facts import ModelFacts

CAPTION_TOKENS = 64
TOKEN_WIDTHS = 14
"""Memory of a token in a block, in its width: stream, normed copy, q, k, v, and w1, w3 of 8/3 each with product."""
PIXEL_WIDTHS = 9
"""Memory of a pixel while the autoencoder decodes it, in its widest layers' channels."""


@dataclass(frozen=True)
class Work:
    """Work of one image.

    Attributes:
        forward_flops: floating-point operations of one forward, a guided one being two.
        forwards: number of them.
        pixels: that are drawn, in all tiles.
        activation_values: held beside the weights at the peak.
    """

    forward_flops: float
    forwards: int
    pixels: int
    activation_values: int


def work_of(facts: ModelFacts, recipe: Recipe) -> Work:
    """Returns the work of an image."""
    pixels = recipe.width * recipe.height
    batch = 2 if recipe.guidance_scale > 0 else 1
    tokens = pixels // facts.grid_px**2 + CAPTION_TOKENS
    products = 2 * facts.transformer_values * tokens
    attention = 4 * facts.n_layers * facts.width * tokens**2
    blocks = batch * tokens * facts.width * TOKEN_WIDTHS
    return Work(
        forward_flops=float(batch * (products + attention)),
        forwards=recipe.forwards,
        pixels=pixels * recipe.draws,
        activation_values=max(blocks, pixels * facts.vae_width * PIXEL_WIDTHS),
    )
