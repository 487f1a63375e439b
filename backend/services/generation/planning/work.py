"""How much an image is to compute and to hold: arithmetic and memory from sizes alone. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from backend.models.recipe import Recipe
from backend.services.generation.planning.model_facts import ModelFacts

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
        block_values: of these, those of a forward.
        pixel_values: held for each pixel while an image is decoded.
        decoded_pixels: at a time: those of an image, or of one of its tiles.
        latent_px: side of a latent in pixels.
    """

    forward_flops: float
    forwards: int
    pixels: int
    activation_values: int
    block_values: int = 0
    pixel_values: int = 0
    decoded_pixels: int = 0
    latent_px: int = 8


def work_of(facts: ModelFacts, recipe: Recipe) -> Work:
    """Returns the work of an image."""
    pixels = recipe.width * recipe.height
    is_guided = recipe.guidance_scale > 0
    return work_of_size(facts, pixels, forwards=recipe.forwards, is_guided=is_guided, draws=recipe.draws)


def work_of_size(facts: ModelFacts, pixels: int, *, forwards: int, is_guided: bool, draws: int = 1) -> Work:
    """Returns the work of an image of so many pixels, or of so many draws of them."""
    batch = 2 if is_guided else 1
    tokens = pixels // facts.grid_px**2 + CAPTION_TOKENS
    products = 2 * (facts.transformer_values + facts.control_values + facts.lora_values) * tokens
    attention = 4 * facts.n_layers * facts.width * tokens**2
    blocks = batch * tokens * facts.width * TOKEN_WIDTHS
    return Work(
        forward_flops=float(batch * (products + attention)),
        forwards=forwards,
        pixels=pixels * draws,
        activation_values=max(blocks, pixels * facts.vae_width * PIXEL_WIDTHS),
        block_values=blocks,
        pixel_values=facts.vae_width * PIXEL_WIDTHS,
        decoded_pixels=pixels,
        latent_px=facts.latent_px,
    )
