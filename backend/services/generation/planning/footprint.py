"""What a model takes of a card and of the main memory while an image of it is drawn, phase by phase. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from backend.services.generation.planning.load_plan import LoadPlan, Weights, working_bytes
from backend.services.generation.planning.work import Work

SLOTS = 2
"""Blocks or layers that are on the card at a time, when they are streamed."""
ENCODE_BYTES = 2**27
"""Activations of the longest prompt."""
QUANTIZED_ACTIVATIONS = 1.4
"""Of plain ones: integer products have sums of four bytes, which become float32 before they are rounded."""


@dataclass(frozen=True)
class Footprint:
    """Bytes that are held in each phase.

    Attributes:
        encode: of the card while prompts are read.
        denoise: of the card in a forward of the transformer.
        decode: of the card while latents become an image.
        host: of the main memory, by weights alone.
    """

    encode: int
    denoise: int
    decode: int
    host: int

    @property
    def device(self) -> int:
        """Peak of the card."""
        return max(self.encode, self.denoise, self.decode)


def footprint_of(weights: Weights, plan: LoadPlan, work: Work, ratio: float = 0.0) -> Footprint:
    """Returns what the native engine takes on a card.

    Args:
        weights: sizes of the model.
        plan: how it is held.
        work: of the image.
        ratio: observed activations in multiples of the predicted; 0 while unknown.
    """
    transformer, text, vae = weights.part_bytes(plan.dtype, plan.quantization)
    denoising, decoding = (round(size * (ratio or 1.0)) for size in activations_of(plan, work))
    stays = transformer + vae
    if plan.offload == "none":
        stays += text
        return Footprint(stays + ENCODE_BYTES, stays + denoising, stays + decoding, 0)
    layer = weights.text_layer_bytes(plan.dtype, plan.quantization)
    layers = weights.text_layers if plan.offload == "model" and not plan.streams_encoder else SLOTS
    encoder = layer * min(layers, weights.text_layers)
    streamed = streamed_blocks(weights, plan)
    block = weights.block_bytes(plan.dtype, plan.quantization)
    stays -= streamed * block
    slots = min(SLOTS, streamed) * block
    return Footprint(
        stays + encoder + ENCODE_BYTES, stays + slots + denoising, stays + decoding, text + streamed * block
    )


def activations_of(plan: LoadPlan, work: Work) -> tuple[int, int]:
    """Returns the bytes beside the weights in a forward, and while an image is decoded."""
    size = working_bytes(plan.dtype)
    blocks = work.block_values * size * (QUANTIZED_ACTIVATIONS if plan.quantization else 1.0)
    tile = (plan.vae_tile * work.latent_px) ** 2 or work.decoded_pixels
    return round(blocks), min(tile, work.decoded_pixels) * work.pixel_values * size


def streamed_blocks(weights: Weights, plan: LoadPlan) -> int:
    """Returns the number of blocks that do not stay on the card."""
    return max(0, weights.n_blocks - plan.resident_blocks) if plan.offload == "sequential" else 0


def streamed_bytes(weights: Weights, plan: LoadPlan) -> int:
    """Returns what one forward copies to the card; blocks that run once an image are the first to be streamed."""
    often = max(0, streamed_blocks(weights, plan) - weights.once_blocks)
    return often * weights.block_bytes(plan.dtype, plan.quantization)


def encoder_bytes(weights: Weights, plan: LoadPlan) -> int:
    """Returns what a new prompt copies to the card."""
    if plan.offload == "none":
        return 0
    return weights.text_layers * weights.text_layer_bytes(plan.dtype, plan.quantization)
