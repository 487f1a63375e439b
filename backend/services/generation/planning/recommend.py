"""Which variant of a model suits a machine, and why: the planner's predictions, put in an order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.models.catalogue import Reason
from backend.models.recipe import Recipe
from backend.services.generation.planning.load_plan import CPU, Blocks, Quantized
from backend.services.generation.planning.model_facts import ModelFacts, stored_as
from backend.services.generation.planning.planner import Outlook, Planner
from backend.services.library.variants.table import LOSS, Variant

TRANSFORMER_VALUES = 6_154_908_736
TEXT_ENCODER_VALUES = 4_022_000_000
VAE_VALUES = 83_800_000
N_BLOCKS, BLOCK_VALUES = 34, 176_947_200
TEXT_LAYERS, TEXT_LAYER_VALUES = 35, 100_925_440
EMBEDDING_VALUES = 388_956_160
"""Of every variant: they differ in what the values are stored in."""
SIDE_PX = 1024
_LOADED_LOSS = {None: LOSS["exact"], "int8": LOSS["near"], "fp8": LOSS["float8"], "gguf": LOSS["exact"]}


@dataclass(frozen=True)
class Offer:
    """Variant, and what an image of 1024² will take where it runs best on this machine.

    Attributes:
        missing_bytes: what is still to come.
    """

    variant: Variant
    outlook: Outlook
    missing_bytes: int

    @property
    def reason(self) -> Reason:
        """How it would run."""
        plan = self.outlook.plan
        if plan.offload != "none":
            return "in_turns"
        return "full" if plan.quantization is None else "quantised"


@dataclass(frozen=True)
class Advice:
    """Offers, and the one that suits best of each member of the family, by its id.

    Attributes:
        short_of_disk: ids of those that are recommended only since the disk has no room for a better one.
    """

    offers: tuple[Offer, ...]
    recommended: Mapping[str, Reason]
    short_of_disk: frozenset[str]


def advise(
    planner: Planner, variants: Sequence[Variant], missing_bytes: Callable[[Variant], int], room_bytes: int
) -> Advice:
    """Judges variants by what this machine can hold.

    Args:
        planner: of this machine.
        variants: to judge.
        missing_bytes: Returns what of a variant is still to come.
        room_bytes: free on the disk of the models.

    Raises:
        UnknownDevice: the settings name a device that is not here.
    """
    offers = tuple(Offer(variant, _foresee(planner, variant), missing_bytes(variant)) for variant in variants)
    recommended: dict[str, Reason] = {}
    short_of_disk: set[str] = set()
    for member in dict.fromkeys(variant.member for variant in variants):
        fitting = [offer for offer in offers if offer.variant.member == member and offer.outlook.prediction.fits]
        affordable = [offer for offer in fitting if offer.missing_bytes <= room_bytes]
        if affordable:
            chosen = min(affordable, key=_rank)
            recommended[chosen.variant.id] = chosen.reason
            if min(fitting, key=_rank) is not chosen:
                short_of_disk.add(chosen.variant.id)
    return Advice(offers, recommended, frozenset(short_of_disk))


def facts_of(variant: Variant) -> ModelFacts:
    """Returns what the headers of a variant's files will say."""
    return ModelFacts(
        TRANSFORMER_VALUES,
        TEXT_ENCODER_VALUES,
        VAE_VALUES,
        variant.size_bytes,
        width=3840,
        n_layers=30,
        stored=_stored(variant),
        blocks=_blocks(variant),
        n_blocks=N_BLOCKS,
        block_values=BLOCK_VALUES,
        text_layers=TEXT_LAYERS,
        text_layer_values=TEXT_LAYER_VALUES,
        embedding_values=EMBEDDING_VALUES,
    )


def _stored(variant: Variant) -> Quantized | None:
    return "gguf" if _blocks(variant)[0].values else stored_as(variant.format)


def _blocks(variant: Variant) -> tuple[Blocks, Blocks]:
    """Returns the matrices in GGUF files, as if all values of a file took the same."""
    sizes = {file.part: file.size_bytes for file in variant.files if file.name.endswith(".gguf")}
    transformer, text = N_BLOCKS * BLOCK_VALUES, TEXT_LAYERS * TEXT_LAYER_VALUES
    return (
        _share(transformer, sizes.get("transformer", 0) / TRANSFORMER_VALUES),
        _share(text, sizes.get("text_encoder", 0) / TEXT_ENCODER_VALUES),
    )


def _share(values: int, value_bytes: float) -> Blocks:
    return Blocks(values, round(values * value_bytes)) if value_bytes else Blocks()


def _foresee(planner: Planner, variant: Variant) -> Outlook:
    """Returns the outlook on the accelerator, or on the processor where it fits only there."""
    model = variant.model
    recipe = Recipe(
        prompt="", width=SIDE_PX, height=SIDE_PX, seed=0, model=model.id,
        num_inference_steps=model.default_steps, guidance_scale=model.guidance_scale,
    )  # fmt: skip
    facts = facts_of(variant)
    first = planner.foresee(facts, recipe, use_gpu=True)
    if first.prediction.fits or first.plan.device == CPU:
        return first
    second = planner.foresee(facts, recipe, use_gpu=False)
    return second if second.prediction.fits else first


def _rank(offer: Offer) -> tuple[bool, int, int, bool, bool, int, int]:
    """Returns what orders offers, the best first: a card, the loss, how much is there, and what is to come.

    Copies are hidden behind what a card computes, so that weights in turns cost less than a worse format does. Blocks
    of GGUF are decoded in every forward, which int8 is not.
    """
    plan = offer.outlook.plan
    loss = max(LOSS[offer.variant.quality], _LOADED_LOSS[plan.quantization])
    decodes = plan.quantization == "gguf"
    stays = plan.quantization == _stored(offer.variant)  # to quantise twice loses twice
    away = ("none", "model", "sequential").index(plan.offload)
    return plan.device == CPU, loss, away, decodes, not stays, offer.missing_bytes, offer.variant.size_bytes
