"""Which job fits which worker, and what images take there: a planner for each kind of hardware."""

from __future__ import annotations

import logging
from collections.abc import Callable

from backend.services.errors import StudioError
from backend.services.generation.events import Drawn
from backend.services.generation.job import Job
from backend.services.generation.planning.load_plan import Hardware
from backend.services.generation.planning.planner import Planner
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.executors.ray.facts import Facts

logger = logging.getLogger(__name__)

MAX_KEPT = 2000
_Key = tuple[object, ...]


class Fitting:
    """Remembers what it has found out, since it is asked under the queue's lock; by others without one, too."""

    def __init__(self, catalogue: Catalogue, make_planner: Callable[[Hardware], Planner]) -> None:
        self._catalogue = catalogue
        self._make_planner = make_planner
        self._planners: dict[Hardware, Planner] = {}
        self._known: dict[_Key, bool] = {}

    def fits(self, facts: Facts, job: Job) -> bool:
        """Tells whether a worker has what a job needs."""
        recipe = job.recipe
        if recipe.model not in facts.models and not facts.fetches:
            return False
        if not {control.model for control in recipe.control or ()} <= facts.controls:
            return False
        loras = tuple(use.name for use in recipe.loras or () if use.strength)
        if not set(loras) <= facts.loras:
            return False
        controls = tuple(control.model for control in recipe.control or ())
        key = (
            facts.hardware, recipe.model, recipe.width, recipe.height, recipe.guidance_scale > 0, job.use_gpu,
            recipe.init_image is None, recipe.upscale, controls, loras,
        )  # fmt: skip
        has_memory = self._known.get(key)  # once: another thread may clear them meanwhile
        if has_memory is None:
            has_memory = self._has_memory(facts.hardware, job)
            if len(self._known) >= MAX_KEPT:
                self._known.clear()
            self._known[key] = has_memory
        return has_memory

    def lacks(self, facts: Facts) -> str:
        """Says which of the models that are here a worker lacks; empty when it has all."""
        here = {model.id for model in self._catalogue.models() if model.installed}
        missing = sorted(here - facts.models)
        return f"It lacks {', '.join(missing)}." if missing and not facts.fetches else ""

    def learn(self, facts: Facts, drawn: Drawn, forwards_s: float) -> None:
        """Takes in what an image has taken on a worker, for estimates of the next ones; whatever is wrong with that."""
        try:
            model = self._catalogue.resolve(drawn.recipe.model)
            if model.files is not None:
                planner = self._planner_of(facts.hardware)
                plan = planner.plan(model.files, drawn.device)
                around_s = max(0.0, drawn.generation_time_ms / 1000 - forwards_s)
                planner.learn_image(model, plan, drawn.recipe, forwards_s=forwards_s, around_s=around_s, memory=None)
        except Exception:
            logger.exception("what an image took is not learned")

    def _planner_of(self, hardware: Hardware) -> Planner:
        planner = self._planners.get(hardware)
        if planner is None:
            planner = self._planners[hardware] = self._make_planner(hardware)
        return planner

    def _has_memory(self, hardware: Hardware, job: Job) -> bool:
        """Predicts with the plan for that card; where that cannot be told, the task itself fails with the reason."""
        try:
            model = self._catalogue.resolve(job.recipe.model)
            return self._planner_of(hardware).outlook(model, job.recipe, use_gpu=job.use_gpu).prediction.fits
        except StudioError as error:
            logger.warning("memory is not foretold: %s", error)
        except Exception:
            logger.exception("memory is not foretold")
        return True
