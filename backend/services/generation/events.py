"""What happens while a job is drawn, as plain data.

Order: [Loading] Loaded, then for each image Step(0), and Partial, Preview and Step after every forward, Drawn; Ended is
last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image

from backend.models.recipe import Recipe
from backend.services.generation.preview import PreviewPixels


@dataclass(frozen=True)
class Loading:
    """A model is being loaded."""

    model: str


@dataclass(frozen=True)
class Loaded:
    """The model is in memory; the prompt is being encoded."""

    device: str

    @property
    def use_gpu(self) -> bool:
        """Whether an accelerator draws."""
        return self.device != "cpu"


@dataclass(frozen=True)
class Step:
    """A forward has finished; with 0 done, the prompt is encoded and the first one begins."""

    done: int
    total: int


@dataclass(frozen=True)
class Preview:
    """What the image will look like, as far as the last forward tells."""

    pixels: PreviewPixels


@dataclass(frozen=True)
class Partial:
    """The same in full size, decoded."""

    image: Image.Image = field(repr=False)
    index: int
    """Among those of one image, from 0."""


@dataclass(frozen=True)
class Drawn:
    """An image is finished."""

    image: Image.Image = field(repr=False)
    recipe: Recipe
    device: str
    generation_time_ms: float
    peak_bytes: int | None = None
    """Most memory that was held meanwhile: of a card, or of the whole process; None where nobody tells."""

    @property
    def use_gpu(self) -> bool:
        """Whether an accelerator was used."""
        return self.device != "cpu"


@dataclass(frozen=True)
class Ended:
    """Nothing follows; `code` and `message` say why it failed, both are empty when it did not."""

    code: str = ""
    message: str = ""


JobEvent = Loading | Loaded | Step | Preview | Partial | Drawn | Ended
Emit = Callable[[JobEvent], None]
"""Takes an event in on the thread that emits it; never raises."""
IsCancelled = Callable[[], bool]
"""Asked between steps: whether the job shall end before its next step."""
