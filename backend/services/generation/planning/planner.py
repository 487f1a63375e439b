"""How to hold a model in memory, what an image of it will take, and what fits where that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.models.config import Settings
from backend.models.recipe import LoraUse, Recipe
from backend.services.errors import DoesNotFit
from backend.services.generation.planning.calibration import Calibration, Cost
from backend.services.generation.planning.estimate import Prediction, activation_bytes, predict, weights_bytes
from backend.services.generation.planning.load_plan import CPU, Hardware, LoadPlan, choose_devices
from backend.services.generation.planning.model_facts import FactsReader, ModelFacts
from backend.services.generation.planning.placing import explain_matrices, plan_load
from backend.services.generation.planning.program_memory import MemorySeen, ProgramMemory
from backend.services.generation.planning.work import Work, work_of, work_of_size
from backend.services.generation.sizes import fit_size
from backend.services.library.files import ModelFiles
from backend.services.library.model_entry import ModelEntry

MIN_OFFERED_PX = 256
SHRINK = 0.8
TELLING_BYTES = 2**24
"""Activations below are lost in what else a process holds and frees."""
GIB = 2**30
BASE_BYTES = GIB
"""Main memory of the program and of the system, at least, where a model is advised that is not here."""


@dataclass(frozen=True)
class Outlook:
    """A plan, and what it will take; `offer` is the largest size that fits where the one asked for does not."""

    plan: LoadPlan
    prediction: Prediction
    offer: tuple[int, int] | None = None


class Planner:
    """Plans and predicts, and learns from what images took. Safe for several threads."""

    def __init__(
        self,
        settings: Settings,
        hardware: Callable[[], Hardware],
        calibration: Calibration,
        count_control: Callable[[str], int] = lambda _name: 0,
        count_lora: Callable[[LoraUse], int] = lambda _use: 0,
        held_bytes: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Predicts nothing yet.

        Args:
            settings: how models are held.
            hardware: of this machine.
            calibration: what was learned before.
            count_control: returns the number of values of a ControlNet by its name.
            count_lora: returns the number of values of a LoRA.
            held_bytes: returns the main memory that the process holds; None where nobody tells.
        """
        self._settings = settings
        self._count_control = count_control
        self._count_lora = count_lora
        self._hardware = hardware
        self._calibration = calibration
        self._facts = FactsReader()
        self._held_bytes = held_bytes
        self._program = ProgramMemory()

    def plan(self, files: ModelFiles, device: str) -> LoadPlan:
        """Decides how to hold a model in memory.

        Raises:
            ModelBroken: its weights are damaged; the message names the file.
        """
        return self._plan(self._facts.read(files), device)

    def explain(self, files: ModelFiles, plan: LoadPlan) -> str:
        """Says what a plan holds the matrices in, and why; for the log.

        Raises:
            ModelBroken: the weights are damaged.
        """
        facts = self._facts.read(files)
        return explain_matrices(
            facts.weights, self._hardware(), plan, self._settings.quantization, self._work_to_fit(facts)
        )

    def device_for(self, *, use_gpu: bool) -> str:
        """Returns where a job will run, or the first place of several.

        Raises:
            UnknownDevice: the settings name one that is not here.
        """
        devices = choose_devices(self._hardware(), self._settings.devices)
        return next((device for device in devices if device != CPU), CPU) if use_gpu else CPU

    def outlook(self, model: ModelEntry, recipe: Recipe, *, use_gpu: bool, is_loaded: bool = False) -> Outlook:
        """Returns the plan for an image, what it will take, and what would fit.

        Raises:
            ModelBroken: the model's weights are damaged.
            UnknownControl: there is no such ControlNet.
            UnknownDevice: the settings name a device that is not here.
        """
        files = _files_of(model)
        plan = self.plan(files, self.device_for(use_gpu=use_gpu))
        facts = self._facts.read(files).beside(self._values_of_controls(recipe), self._values_of_loras(recipe))
        prediction = self._predict(model, facts, plan, recipe, is_loaded=is_loaded)
        offer = None if prediction.fits else self._largest_that_fits(model, facts, plan, recipe)
        return Outlook(plan, prediction, offer)

    def foresee(self, facts: ModelFacts, recipe: Recipe, *, use_gpu: bool) -> Outlook:
        """Returns the plan for an image of a model that is not here, and the memory that it will take.

        Args:
            facts: of the model as it would be.
            recipe: of the image.
            use_gpu: whether an accelerator is to draw it.

        Raises:
            UnknownDevice: the settings name a device that is not here.
        """
        plan = self._plan(facts, self.device_for(use_gpu=use_gpu))
        base_bytes = max(self._program.base_bytes, BASE_BYTES)
        work = work_of(facts, recipe)
        prediction = predict(
            facts, plan, work, Cost(), self._hardware(), is_native=self._is_native, base_bytes=base_bytes
        )
        return Outlook(plan, prediction)

    def refuse_what_cannot_fit(self, model: ModelEntry, recipe: Recipe, *, use_gpu: bool) -> None:
        """Raises when an image cannot fit into memory, with what would.

        Raises:
            DoesNotFit: there is too little memory.
            ModelBroken: the model's weights are damaged.
            UnknownDevice: the settings name a device that is not here.
        """
        outlook = self.outlook(model, recipe, use_gpu=use_gpu)
        if outlook.prediction.fits:
            return
        found = outlook.prediction
        needed, there, place = found.host_bytes, found.host_total_bytes, "main memory"
        if outlook.plan.device.startswith("cuda") and found.device_bytes > found.device_total_bytes:
            needed, there, place = found.device_bytes, found.device_total_bytes, f"memory of {outlook.plan.device}"
        what = f"{outlook.offer[0]}×{outlook.offer[1]} would fit." if outlook.offer else "No size of this model would."
        if recipe.control:
            what += " A smaller ControlNet takes less, and so does ZIMAGE_QUANTIZATION=int8."
        if recipe.loras:
            what += " Fewer LoRAs, or those of a lower rank, take less."
        if outlook.plan.device != CPU:
            what += " The processor draws it with use_gpu false."
        raise DoesNotFit(
            f"{model.name} at {recipe.width}×{recipe.height} takes {needed / GIB:.1f} GiB of {place}, and there are "
            f"{there / GIB:.1f}. {what}"
        )

    def learn_load(
        self, model: ModelEntry, plan: LoadPlan, recipe: Recipe, seconds: float, base_bytes: int | None
    ) -> None:
        """Takes in how long loading took, and what the program held before where that is known."""
        facts = self._facts.read(_files_of(model))
        if base_bytes is not None:
            self._program.learn_load(base_bytes)
        cost = Cost(load_bytes_per_s=facts.stored_bytes / max(seconds, 1e-6))
        self._calibration.learn(plan, model.id, work_of(facts, recipe), cost)

    def learn_image(
        self,
        model: ModelEntry,
        plan: LoadPlan,
        recipe: Recipe,
        *,
        forwards_s: float,
        around_s: float,
        memory: MemorySeen | None,
    ) -> None:
        """Takes in what an image took: seconds of its forwards and of the rest, and what was held around it.

        Nothing is learned of images that take more than their size tells: with ControlNets or LoRAs, or of tiles.
        """
        if recipe.control or recipe.loras or recipe.draws > 1:
            return
        facts = self._facts.read(_files_of(model))
        work = work_of(facts, recipe)
        predicted, activations = activation_bytes(plan, work), None
        if memory is not None and plan.offload == "none":
            is_card = plan.device.startswith("cuda")
            weights = weights_bytes(facts, plan)
            activations = memory.peak - memory.before if is_card else self._program.learn_image(weights, memory)
        ratio = 0.0 if activations is None or predicted < TELLING_BYTES else activations / predicted
        cost = Cost(
            flops_per_s=work.forwards * work.forward_flops / max(forwards_s, 1e-6),
            around_s=around_s * 2**20 / work.pixels,
            activation_ratio=ratio,
        )
        self._calibration.learn(plan, model.id, work, cost)

    def save(self) -> bool:
        """Writes what was learned since the last time; returns True."""
        self._calibration.save()
        return True

    def _values_of_controls(self, recipe: Recipe) -> int:
        """Returns the values of the ControlNets that are in memory for an image; one that acts twice is there once."""
        return sum(map(self._count_control, {control.model for control in recipe.control or () if control.scale > 0}))

    def _values_of_loras(self, recipe: Recipe) -> int:
        return sum(self._count_lora(use) for use in recipe.loras or () if use.strength != 0)

    @property
    def _is_native(self) -> bool:
        return self._settings.engine != "diffusers"

    def _work_to_fit(self, facts: ModelFacts) -> Work:
        pixels = self._settings.default_width * self._settings.default_height
        return work_of_size(facts, pixels, forwards=1, is_guided=True)

    def _plan(self, facts: ModelFacts, device: str) -> LoadPlan:
        return plan_load(
            replace(facts.weights, is_native=self._is_native and facts.is_native),
            self._hardware(),
            device,
            work=self._work_to_fit(facts),
            offload=self._settings.offload,
            quantization=self._settings.quantization,
            cpu_precision=self._settings.cpu_precision,
        )

    def _predict(
        self, model: ModelEntry, facts: ModelFacts, plan: LoadPlan, recipe: Recipe, *, is_loaded: bool
    ) -> Prediction:
        work = work_of(facts, recipe)
        cost = self._calibration.cost(plan, model.id, work)
        whole = self._calibration.cost(
            replace(plan, offload="none", resident_blocks=0, streams_encoder=False, vae_tile=0), model.id, work
        )
        return predict(
            facts,
            plan,
            work,
            cost,
            self._hardware(),
            is_native=self._is_native,
            whole=whole,
            base_bytes=self._program.base_bytes,
            held_bytes=(self._held_bytes() or 0) if is_loaded else 0,
            is_loaded=is_loaded,
        )

    def _largest_that_fits(
        self, model: ModelEntry, facts: ModelFacts, plan: LoadPlan, recipe: Recipe
    ) -> tuple[int, int] | None:
        """Returns the largest size of the same shape, or of those that the model draws."""
        sizes = [size for size in model.sizes if size[0] * size[1] < recipe.width * recipe.height]
        if not model.sizes:
            width, height = float(recipe.width), float(recipe.height)
            while min(width, height) * SHRINK >= MIN_OFFERED_PX:
                width, height = width * SHRINK, height * SHRINK
                sizes.append(fit_size(int(width), int(height), multiple=model.size_multiple, max_area=None))
        for width_px, height_px in sorted(sizes, key=lambda size: -size[0] * size[1]):
            smaller = recipe.model_copy(update={"width": width_px, "height": height_px})
            if self._predict(model, facts, plan, smaller, is_loaded=False).fits:
                return width_px, height_px
        return None


def _files_of(model: ModelEntry) -> ModelFiles:
    if model.files is None:
        raise RuntimeError("only installed models are planned for")
    return model.files
