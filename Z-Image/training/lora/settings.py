"""What a training is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from training.lora.adapter import TARGETS
from training.lora.errors import TrainingError
from training.lora.material.dataset import Wording
from training.lora.source import DTYPES, ModelPaths

CHECKPOINTING = ("auto", "on", "off")


@dataclass(frozen=True)
class Words:
    """What the result says of itself.

    Attributes:
        name: of its file, without suffix.
        title: for people; default: the name.
        usage_hint: a sentence or two.
        tags: for searches.
        licence: its identifier.
        thumbnail: a picture; default: the last sample.
    """

    name: str
    title: str = ""
    usage_hint: str = ""
    tags: tuple[str, ...] = ()
    licence: str = ""
    thumbnail: Path | None = None


@dataclass(frozen=True)
class Sampling:
    """Images to draw while training goes on.

    Attributes:
        prompts: of the images; none is drawn without.
        every: steps from one row to the next.
        steps: points of their schedule.
        guidance: 0 for none.
    """

    prompts: tuple[str, ...] = ()
    every: int = 250
    steps: int = 9
    guidance: float = 0.0


@dataclass(frozen=True)
class Settings:
    """All settings of a training.

    Attributes:
        model: the base.
        data: folder of pictures with captions.
        output: folder of results, checkpoint, cache, log and samples.
        words: about the result.
        wording: of captions.
        targets: layers that get a side path.
        rank: inner width of each.
        alpha: scale of their products times the rank; default: the rank.
        steps: updates in all.
        batch: examples a step.
        lr: step size of AdamW at its highest.
        resolution: side of the square whose area pictures have, in pixels; default: the sizes that the model offers.
        caption_dropout: share of examples that are learned without their caption.
        seed: of everything random.
        device: default: an accelerator if present.
        dtype: of weights and activations; the side paths are always in float32.
        quantization: what the base's matrices are held in.
        checkpointing: whether activations are computed twice instead of kept.
        sampling: images to draw.
        save_every: steps from one file to the next; only the last one if 0.
        resume: go on from the checkpoint.
        assistant: a LoRA that acts while training and is not in the result.
    """

    model: ModelPaths
    data: Path
    output: Path
    words: Words
    wording: Wording = field(default_factory=Wording)
    targets: str = "attention+mlp"
    rank: int = 16
    alpha: float | None = None
    steps: int = 1000
    batch: int = 1
    lr: float = 1e-4
    resolution: int | None = None
    caption_dropout: float = 0.0
    seed: int = 0
    device: str | None = None
    dtype: str | None = None
    quantization: str | None = None
    checkpointing: str = "auto"
    sampling: Sampling = field(default_factory=Sampling)
    save_every: int = 0
    resume: bool = False
    assistant: Path | None = None

    def __post_init__(self) -> None:
        """Checks what can be told without the model.

        Raises:
            TrainingError: a setting is out of range; the message says what is allowed.
        """
        for name, value, allowed in (
            ("--targets", self.targets, tuple(TARGETS)),
            ("--dtype", self.dtype, (None, *DTYPES)),
            ("--gradient-checkpointing", self.checkpointing, CHECKPOINTING),
        ):
            if value not in allowed:
                raise TrainingError(f"{name} must be one of {', '.join(map(str, filter(None, allowed)))}, got {value}")
        for name, count, least in (
            ("--steps", self.steps, 1),
            ("--batch", self.batch, 1),
            ("--sample-every", self.sampling.every, 1),
            ("--sample-steps", self.sampling.steps, 1),
            ("--save-every", self.save_every, 0),
            ("--rank", self.rank, 1),
            ("--seed", self.seed, 0),
        ):
            if count < least:
                raise TrainingError(f"{name} must be at least {least}, got {count}")
        for name, size in (("--lr", self.lr), ("--alpha", self.scale_alpha)):
            if not 0 < size < float("inf"):
                raise TrainingError(f"{name} must be positive, got {size}")
        if not 0 <= self.caption_dropout < 1:
            raise TrainingError(f"--caption-dropout must be from 0 to below 1, got {self.caption_dropout}")
        if not self.words.name or Path(self.words.name).name != self.words.name:
            raise TrainingError(f"--name must be a file's name without folder, got {self.words.name!r}")

    @property
    def scale_alpha(self) -> float:
        """Alpha, or the rank that stands for it."""
        return float(self.rank) if self.alpha is None else self.alpha

    def identity(self) -> dict[str, object]:
        """Returns what must stay the same when a training is resumed, by option."""
        return {
            "--targets": self.targets,
            "--rank": self.rank,
            "--alpha": self.scale_alpha,
            "--steps": self.steps,
            "--batch": self.batch,
            "--lr": self.lr,
            "--caption-dropout": self.caption_dropout,
            "--seed": self.seed,
            "--quantization": self.quantization,
        }
