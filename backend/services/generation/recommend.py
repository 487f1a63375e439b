"""Which variant of a model suits a machine, and why: the planner's predictions, put in an order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.models.catalogue import Reason
from backend.models.recipe import Recipe
from backend.services.generation.load_plan import CPU, LoadPlan
from backend.services.generation.model_facts import ModelFacts, stored_as
from backend.services.generation.planner import Outlook, Planner
from backend.services.library.variants.table import LOSS, Variant

TRANSFORMER_VALUES = 6_154_908_736
TEXT_ENCODER_VALUES = 4_022_000_000
VAE_VALUES = 83_800_000
"""Of every variant: they differ in what the values are stored in."""
SIDE_PX = 1024
_LOADED_LOSS = {None: LOSS["exact"], "int8": LOSS["near"], "fp8": LOSS["float8"]}


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
        stored=stored_as(variant.format),
    )


def _foresee(planner: Planner, variant: Variant) -> Outlook:
    """Returns the outlook on the accelerator, or on the processor where it fits only there."""
    model = variant.model
    recipe = Recipe(
        prompt="", width=SIDE_PX, height=SIDE_PX, seed=0, model=model.id,
        num_inference_steps=model.default_steps, guidance_scale=model.guidance_scale,
    )  # fmt: skip
    facts, is_folder = facts_of(variant), variant.repository is not None
    first = planner.foresee(facts, recipe, is_folder=is_folder, use_gpu=True)
    if first.prediction.fits or first.plan.device == CPU:
        return first
    second = planner.foresee(facts, recipe, is_folder=is_folder, use_gpu=False)
    return second if second.prediction.fits else first


def _rank(offer: Offer) -> tuple[int, int, bool, int, int]:
    """Returns what orders offers, the best first: the place, the loss, and what is to come."""
    plan = offer.outlook.plan
    loss = max(LOSS[offer.variant.quality], _LOADED_LOSS[plan.quantization])
    return _place(plan), loss, not _stays(offer), offer.missing_bytes, offer.variant.size_bytes


def _place(plan: LoadPlan) -> int:
    return 2 if plan.device == CPU else 0 if plan.offload == "none" else 1


def _stays(offer: Offer) -> bool:
    """Tells whether the weights stay in what they are stored in: to quantise twice loses twice."""
    return offer.outlook.plan.quantization == stored_as(offer.variant.format)
