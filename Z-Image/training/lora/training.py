"""A training from the first step to the file; it can be cut off at any moment and taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torch.utils.checkpoint import checkpoint
from zimage.sequence import Patch
from zimage.transformer import ZImageTransformer2DModel

from training.loop.checkpoints import load_checkpoint, save_atomically
from training.loop.log import Log
from training.loop.optimisers import Optimisers
from training.loop.schedule import trapezoid
from training.lora.adapter import Adapter
from training.lora.assistant import Assistant, stamp_of
from training.lora.errors import Stopped, TrainingError
from training.lora.export import Card, as_json, write_lora
from training.lora.flow import Question, flow_loss, noise_levels, shift_at
from training.lora.interruption import noticed
from training.lora.material.batches import Batches, generator_of
from training.lora.material.buckets import Size
from training.lora.material.cache import Encoded, encode_once, fingerprint
from training.lora.material.dataset import Example, find_examples, read_picture
from training.lora.samples import Artist, side_by_side
from training.lora.settings import Settings
from training.lora.source import Source, open_source

CHECKPOINT = "checkpoint.safetensors"
CHECKPOINT_EVERY_S = 120.0
LOG_EVERY = 20
BETAS = (0.9, 0.99)
MAX_NORM = 1.0
LARGE_BYTES = 10**9
SAMPLE_SEED = 1


def train(settings: Settings) -> Path:
    """Trains, and writes the LoRA.

    Args:
        settings: see there.

    Returns:
        The file.

    Raises:
        TrainingError: material or settings cannot be used.
        ZImageError: the model cannot be loaded.
    """
    examples = find_examples(settings.data, settings.wording)
    source = open_source(settings.model, settings.device, settings.dtype, settings.quantization)
    sizes = source.sizes(settings.resolution)
    settings.output.mkdir(parents=True, exist_ok=True)
    identity = settings.identity() | {
        "--assistant": stamp_of(settings.assistant),
        "--data, --model or --resolution": fingerprint(source, examples, settings.sampling.prompts, sizes),
    }
    before = _read_checkpoint(settings, identity)
    encoded = encode_once(source, examples, settings.sampling.prompts, sizes, settings.output)
    transformer = source.load_transformer()
    if _recomputes(settings, transformer):
        recompute_blocks(transformer)
    run = Run(settings, source, encoded, transformer, sizes[0], identity)
    if before is not None:
        run.restore(before)
    return run.to_the_end(partial(_card, settings, source, examples))


def _read_checkpoint(settings: Settings, identity: dict[str, object]) -> dict[str, object] | None:
    path = settings.output / CHECKPOINT
    if not path.is_file():
        return None
    if not settings.resume:
        raise TrainingError(f"{settings.output} has a training already: give --resume to go on, or another --output")
    state: dict[str, object] = load_checkpoint(path)
    kept = state["identity"]
    assert isinstance(kept, dict)  # noqa: S101 - it is ours
    changed = [name for name, value in identity.items() if kept.get(name) != value]
    if changed:
        told = "; ".join(f"{name} was {kept.get(name)} and is {identity[name]}" for name in changed)
        raise TrainingError(f"{settings.output} was trained with other settings: {told}")
    return state


def _recomputes(settings: Settings, transformer: ZImageTransformer2DModel) -> bool:
    if settings.checkpointing != "auto":
        return settings.checkpointing == "on"
    tensors = (*transformer.parameters(), *transformer.buffers())
    return sum(tensor.nbytes for tensor in tensors) > LARGE_BYTES


def recompute_blocks(transformer: ZImageTransformer2DModel) -> None:
    """Keeps of each block only its input; what is inside is computed again on the way back."""
    for block in transformer.blocks():
        again = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
        block.forward = again  # type: ignore[method-assign]


def _card(settings: Settings, source: Source, examples: Sequence[Example], drawn: Image.Image | None) -> Card:
    words, trigger = settings.words, settings.wording.trigger
    return Card(
        name=words.name,
        title=words.title or words.name,
        base=source.name,
        trigger=trigger,
        usage_hint=words.usage_hint,
        tags=words.tags,
        licence=words.licence,
        thumbnail=drawn if words.thumbnail is None else read_picture(words.thumbnail),
        training={
            "ss_steps": str(settings.steps),
            "ss_learning_rate": str(settings.lr),
            "ss_total_batch_size": str(settings.batch),
            "ss_num_train_images": str(len(examples)),
            "ss_caption_dropout_rate": str(settings.caption_dropout),
            "ss_seed": str(settings.seed),
            "ss_tag_frequency": as_json({settings.data.name: {trigger: len(examples)}}) if trigger else "",
        },
    )


@dataclass
class Run:
    """The loop, and what a checkpoint holds.

    Attributes:
        size: of samples, in pixels.
        step: updates made, those before a resumption included.
    """

    settings: Settings
    source: Source
    encoded: Encoded
    transformer: ZImageTransformer2DModel
    size: Size
    identity: dict[str, object]
    step: int = 0

    def __post_init__(self) -> None:
        """Makes the side paths and what moves them."""
        settings = self.settings
        start = torch.Generator().manual_seed(settings.seed)
        self.adapter = Adapter(self.transformer, settings.targets, settings.rank, settings.scale_alpha, start)
        adam = AdamW(self.adapter.parameters(), lr=settings.lr, betas=BETAS, weight_decay=0.0)
        self.optimisers = Optimisers.of(adam)
        self.batches = Batches(self.encoded.kinds(), settings.batch, settings.seed)
        self.assistant = Assistant(self.transformer, settings.assistant)
        self.log = Log(settings.output / "loss.csv", LOG_EVERY)
        self.saved = time.monotonic()
        self.row: Image.Image | None = None
        prompts = settings.sampling.prompts
        scheduler = self.source.build_scheduler()
        self.artist = (
            Artist(
                self.transformer, self.source.load_vae(), scheduler, settings.sampling.steps, settings.sampling.guidance
            )
            if prompts
            else None
        )

    def restore(self, state: dict[str, object]) -> None:
        """Goes on from a checkpoint."""
        self.adapter.load_state_dict(state["adapter"])  # type: ignore[arg-type]
        self.optimisers.restore(state["optimisers"])  # type: ignore[arg-type]
        self.step = int(state["step"])  # type: ignore[call-overload]

    def save(self) -> None:
        """Writes a checkpoint."""
        self.saved = time.monotonic()
        state = {"adapter": self.adapter.state_dict(), "optimisers": self.optimisers.state(), "step": self.step}
        save_atomically({**state, "identity": self.identity}, self.settings.output / CHECKPOINT)

    def to_the_end(self, card: Callable[[Image.Image | None], Card]) -> Path:
        """Makes all steps that are left.

        Args:
            card: what the file's header says, given a picture.

        Returns:
            The file.

        Raises:
            Stopped: an end was asked for; the checkpoint is that of the last step.
        """
        settings = self.settings
        with self.adapter.attached(self.transformer), noticed() as is_asked_to_stop:
            while self.step < settings.steps:
                self._advance()
                self._report(card)
                if is_asked_to_stop():
                    self.save()
                    raise Stopped(f"stopped after step {self.step} of {settings.steps}: --resume goes on")
        self.save()
        path = settings.output / f"{settings.words.name}.safetensors"
        write_lora(self.adapter, card(self._first_of(self.row)), self.size, datetime.now(UTC), path)
        return path

    def loss_at(self, step: int) -> Tensor:
        """Asks the model about the examples of a step."""
        settings, encoded = self.settings, self.encoded
        device, dtype = self.transformer.device, self.transformer.activation_dtype
        generator, chosen = generator_of(settings.seed, step), self.batches.at(step)
        latents = torch.stack([encoded.latents[index] for index in chosen])
        tokens = latents[0, 0].numel() // Patch().side ** 2
        sigmas = noise_levels(len(chosen), shift_at(self.source.scheduler, tokens), generator)
        noise = torch.randn(latents.shape, generator=generator)
        is_dropped = torch.rand(len(chosen), generator=generator) < settings.caption_dropout
        captions = [
            encoded.empty if dropped else encoded.features[index]
            for index, dropped in zip(chosen, is_dropped.tolist(), strict=True)
        ]
        question = Question(
            latents.to(device),
            [caption.to(device, dtype) for caption in captions],
            noise.to(device),
            sigmas.to(device),
        )
        return flow_loss(self.transformer, question)

    def _advance(self) -> None:
        loss = self.loss_at(self.step)
        if not bool(loss.isfinite()):
            raise TrainingError(f"the loss is {loss.item()} at step {self.step}: give a smaller --lr")
        loss.backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(self.adapter.parameters(), MAX_NORM)
        self.optimisers.step(trapezoid(self.step, self.settings.steps))
        self.step += 1
        self.log.add(self.step, self.step / self.settings.steps, {"loss": loss.detach()})

    def _report(self, card: Callable[[Image.Image | None], Card]) -> None:
        settings, is_last = self.settings, self.step == self.settings.steps
        if self.artist is not None and (is_last or self.step % settings.sampling.every == 0):
            self._draw(self.artist)
        if settings.save_every and not is_last and self.step % settings.save_every == 0:
            path = settings.output / f"{settings.words.name}-{self.step:06}.safetensors"
            write_lora(self.adapter, card(self._first_of(self.row)), self.size, datetime.now(UTC), path)
        if time.monotonic() - self.saved > CHECKPOINT_EVERY_S:
            self.save()

    def _draw(self, artist: Artist) -> None:
        with self.assistant.off():
            images = [artist.draw(one, self.encoded.empty, self.size, SAMPLE_SEED) for one in self.encoded.samples]
        self.row = side_by_side(images)
        folder = self.settings.output / "samples"
        folder.mkdir(exist_ok=True)
        self.row.save(folder / f"{self.step:06}.webp", quality=90)

    def _first_of(self, row: Image.Image | None) -> Image.Image | None:
        return None if row is None else row.crop((0, 0, row.height, row.height))
