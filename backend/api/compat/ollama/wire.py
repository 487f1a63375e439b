"""Bodies of Ollama's API, as far as they are about images."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from backend.api.compat.values import Lenient


class GenerateBody(Lenient):
    """Request of `/api/generate`; 0 is what is left open. Fields of language models are taken and mean nothing."""

    model: str = ""
    prompt: str = ""
    images: list[str] = Field(default=[])
    width: int = 0
    height: int = 0
    steps: int = 0
    stream: bool = True
    keep_alive: int | float | str | None = None
    options: dict[str, Any] = Field(default={})

    @property
    def frees_memory(self) -> bool:
        """Whether it asks for nothing but that the model leaves the memory."""
        return not self.prompt and str(self.keep_alive) in ("0", "0.0", "0s")


class ImageOptions(Lenient):
    """Those of the options that mean something for an image."""

    seed: int = -1
    width: int = 0
    height: int = 0
    steps: int = 0
    num_steps: int = 0
    negative_prompt: str = ""
    strength: float | None = None


class ShowBody(Lenient):
    """Request of `/api/show`; the second name is an older one."""

    model: str = ""
    name: str = ""
