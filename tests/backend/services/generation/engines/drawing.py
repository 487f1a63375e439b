"""Requests and drawings that every test of an engine needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from backend.services.generation.engines.base import Engine, EngineRequest, StepEvent
from backend.services.generation.load_plan import LoadPlan

PLAN = LoadPlan("cpu", "float32")


def a_request(prompt: str = "a red apple", seed: int = 1, **values: Any) -> EngineRequest:
    facts = {"width_px": 256, "height_px": 256, "num_inference_steps": 3, "guidance_scale": 0.0}
    return EngineRequest(prompt=prompt, seed=seed, **{**facts, **values})


def draw(engine: Engine, request: EngineRequest) -> tuple[Image.Image, list[StepEvent]]:
    events: list[StepEvent] = []
    [image] = engine.generate(request, events.append)
    return image, events


def pixels(engine: Engine, **values: Any) -> np.ndarray:
    return np.asarray(draw(engine, a_request(**values))[0]).astype(int)
