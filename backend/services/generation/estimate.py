"""Memory and seconds that an image will take, and what would fit where it does not. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from backend.services.generation.calibration import Cost
from backend.services.generation.load_plan import BYTES, Hardware, LoadPlan
from backend.services.generation.model_facts import ModelFacts
from backend.services.generation.work import Work

LAYERS = 30
"""Of the published models; where nobody tells."""


@dataclass(frozen=True)
class Prediction:
    """What drawing takes.

    Attributes:
        device_bytes: peak on the device.
        device_total_bytes: what the device has.
        host_bytes: peak of the main memory; that of the device where it is the main memory.
        host_total_bytes: what the machine has.
        load_s: seconds until the model is in memory, 0 when it is; None while unknown, as for the others.
        first_s: seconds from there to the first image.
        next_s: seconds of each further image.
        fits: whether there is memory enough, by what is surely needed: a prediction that was learned too high must not
            keep anybody from drawing, since only drawing corrects it.
    """

    device_bytes: int
    device_total_bytes: int
    host_bytes: int
    host_total_bytes: int
    load_s: float | None
    first_s: float | None
    next_s: float | None
    fits: bool


def weights_bytes(facts: ModelFacts, plan: LoadPlan) -> int:
    """Returns what a model's weights take as they are planned."""
    return facts.weights.total_bytes(plan.dtype, plan.quantization)


def activation_bytes(plan: LoadPlan, work: Work, ratio: float = 0.0) -> int:
    """Returns the memory beside the weights, corrected by what was seen before where there is something."""
    return round(work.activation_values * BYTES[plan.dtype] * (ratio or 1.0))


def resident_bytes(facts: ModelFacts, plan: LoadPlan) -> int:
    """Returns what the device holds of the weights at a time."""
    size = BYTES[plan.dtype]
    match plan.offload:
        case "none":
            return weights_bytes(facts, plan)
        case "model":
            return max(facts.weights.part_bytes(plan.dtype, plan.quantization))
    return 3 * facts.transformer_values * size // (facts.n_layers or LAYERS)  # a layer, the next one, and what stays


def predict(
    facts: ModelFacts,
    plan: LoadPlan,
    work: Work,
    cost: Cost,
    hardware: Hardware,
    *,
    base_bytes: int = 0,
    is_loaded: bool = False,
) -> Prediction:
    """Predicts what an image takes.

    Args:
        facts: of the model.
        plan: how it is held in memory.
        work: of the image.
        cost: what is known of such images; zeros where nothing is.
        hardware: of this machine.
        base_bytes: main memory of the program without a model.
        is_loaded: whether the model is in memory already.
    """
    accelerator = next((one for one in hardware.accelerators if one.device == plan.device), None)
    is_shared = accelerator is None or not accelerator.is_cuda  # the memory is the host's
    weights, host = weights_bytes(facts, plan), hardware.memory_bytes
    device_total = host if is_shared or accelerator is None else accelerator.memory_bytes

    def memory(ratio: float) -> tuple[int, int]:
        activations = activation_bytes(plan, work, ratio)
        if is_shared:
            peak = base_bytes + weights + activations
            return peak, peak
        kept_on_host = 0 if plan.offload == "none" else weights
        return resident_bytes(facts, plan) + activations, base_bytes + kept_on_host

    on_device, on_host = memory(cost.activation_ratio)
    surely_on_device, surely_on_host = memory(min(cost.activation_ratio or 1.0, 1.0))
    host_limit = host + hardware.swap_bytes
    fits = surely_on_host <= host_limit and surely_on_device <= (host_limit if is_shared else device_total)
    next_s = work.forwards * work.forward_flops / cost.flops_per_s if cost.flops_per_s else None
    if next_s is not None:
        next_s += cost.around_s * work.pixels / 2**20
    load_s = facts.stored_bytes / cost.load_bytes_per_s if cost.load_bytes_per_s else None
    return Prediction(
        on_device, device_total, on_host, host, load_s=0.0 if is_loaded else load_s, first_s=next_s, next_s=next_s,
        fits=fits,
    )  # fmt: skip
