"""Recipes and drawings that every test of an engine needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from backend.services.generation.engines.base import Engine
from backend.services.generation.events import JobEvent
from backend.services.generation.planning.load_plan import LoadPlan
from tests.backend.fakes import a_recipe

PLAN = LoadPlan("cpu", "float32")


def never() -> bool:
    return False


def draw(engine: Engine, **values: Any) -> tuple[Image.Image, list[JobEvent]]:
    events: list[JobEvent] = []
    image = engine.generate(a_recipe(**{"seed": 1, "num_inference_steps": 3, **values}), events.append, never)
    assert image is not None
    return image, events


def pixels(engine: Engine, **values: Any) -> np.ndarray:
    return np.asarray(draw(engine, **values)[0]).astype(int)
