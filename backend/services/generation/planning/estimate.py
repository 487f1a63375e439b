"""Memory and seconds that an image will take, and what would fit where it does not. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.services.generation.planning.calibration import Cost
from backend.services.generation.planning.footprint import encoder_bytes, footprint_of, streamed_bytes
from backend.services.generation.planning.load_plan import BYTES, Hardware, LoadPlan, working_bytes
from backend.services.generation.planning.model_facts import ModelFacts
from backend.services.generation.planning.work import Work

LAYERS = 30
"""Of the published models; where nobody tells."""
BUS_BYTES_PER_S = 12e9
"""From the main memory to a card, as by PCIe 3.0 or half of the lanes of 4.0; used until something was drawn so."""


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
    return round(work.activation_values * working_bytes(plan.dtype) * (ratio or 1.0))


def resident_bytes(facts: ModelFacts, plan: LoadPlan) -> int:
    """Returns what a device holds of the weights at a time, with diffusers."""
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
    is_native: bool = True,
    whole: Cost = Cost(),  # noqa: B008 — frozen
    base_bytes: int = 0,
    held_bytes: int = 0,
    is_loaded: bool = False,
) -> Prediction:
    """Predicts what an image takes.

    Args:
        facts: of the model.
        plan: how it is held in memory.
        work: of the image.
        cost: what is known of such images; zeros where nothing is.
        hardware: of this machine.
        is_native: whether the native engine draws it.
        whole: what is known of such images with all of the model on the device, where `cost` tells nothing.
        base_bytes: main memory of the program without a model.
        held_bytes: main memory that the program holds now, with the model: it gives little of it back.
        is_loaded: whether the model is in memory already.
    """
    accelerator = next((one for one in hardware.accelerators if one.device == plan.device), None)
    is_shared = accelerator is None or not accelerator.is_cuda  # the memory is the host's
    weights, host = weights_bytes(facts, plan), hardware.memory_bytes
    sizes = replace(facts.weights, is_native=is_native and facts.is_native)
    device_total = host if is_shared or accelerator is None else accelerator.memory_bytes

    def memory(ratio: float) -> tuple[int, int]:
        activations = activation_bytes(plan, work, ratio)
        if is_shared:
            peak = base_bytes + weights + activations
            return peak, peak
        if sizes.is_native:
            found = footprint_of(sizes, plan, work, ratio)
            return found.device, base_bytes + found.host
        kept_on_host = 0 if plan.offload == "none" else weights
        return resident_bytes(facts, plan) + activations, base_bytes + kept_on_host

    on_device, on_host = memory(cost.activation_ratio)
    if is_shared:
        on_device = on_host = max(on_device, held_bytes)
    surely_on_device, surely_on_host = memory(min(cost.activation_ratio or 1.0, 1.0))
    host_limit = host + hardware.swap_bytes
    fits = surely_on_host <= host_limit and surely_on_device <= (host_limit if is_shared else device_total)
    next_s = forwards_s(work, cost.flops_per_s)
    first_s = next_s
    if next_s is None and sizes.is_native:
        next_s = forwards_s(work, whole.flops_per_s, streamed_bytes(sizes, plan))
        first_s = None if next_s is None else next_s + encoder_bytes(sizes, plan) / BUS_BYTES_PER_S
    around_s = (cost.around_s or whole.around_s) * work.pixels / 2**20
    load_s = facts.stored_bytes / cost.load_bytes_per_s if cost.load_bytes_per_s else None
    return Prediction(
        on_device,
        device_total,
        on_host,
        host,
        load_s=0.0 if is_loaded else load_s,
        first_s=None if first_s is None else first_s + around_s,
        next_s=None if next_s is None else next_s + around_s,
        fits=fits,
    )


def forwards_s(
    work: Work, flops_per_s: float, copied_bytes: int = 0, bus_bytes_per_s: float = BUS_BYTES_PER_S
) -> float | None:
    """Returns the seconds of the forwards of an image; None while the speed of the device is unknown.

    Args:
        work: of the image.
        flops_per_s: of the device.
        copied_bytes: what a forward copies to the device meanwhile.
        bus_bytes_per_s: how fast that goes.
    """
    if not flops_per_s:
        return None
    return work.forwards * max(work.forward_flops / flops_per_s, copied_bytes / bus_bytes_per_s)
