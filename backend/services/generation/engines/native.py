"""Runs a model through the native library, `zimage`: the same pictures as diffusers', sooner."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from backend.models.recipe import Recipe
from backend.services.errors import BlankPicture, ControlUnusable, ModelBroken
from backend.services.generation.engines.base import Interrupted, levels_for, report_begin, report_step
from backend.services.generation.engines.controls import LoadedControls, controls_of
from backend.services.generation.engines.editing import Cut, Drawing, Geometry, edit_image, whole
from backend.services.generation.engines.latents import to_pixels
from backend.services.generation.engines.loras import LoadedLoras, lora_errors
from backend.services.generation.engines.memory import first_line, free_memory, translate_oom
from backend.services.generation.events import Emit, IsCancelled, Step
from backend.services.generation.inputs import NO_INPUTS, Inputs, refuse_contradictions
from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.generation.preview import PreviewPixels
from backend.services.library.files import ModelFiles, signature_of
from backend.services.library.preview_map import PreviewMap
from backend.utils.zimage_library import make_importable

if TYPE_CHECKING:
    import torch
    import zimage
    from zimage.outputs import StepEvent
    from zimage.residency.levels import Residency
    from zimage.tiling import Tiles

logger = logging.getLogger(__name__)

PROBE_SIDE_PX = 256


@dataclass(frozen=True)
class _Loaded:
    """What is in memory: files, as they were when they were read, and how."""

    files: ModelFiles
    plan: LoadPlan
    signatures: tuple[object, ...]

    @classmethod
    def now(cls, files: ModelFiles, plan: LoadPlan) -> _Loaded:
        """Describes files as they are."""
        return cls(files, plan, tuple(signature_of(path) for path in (files.text_encoder, files.vae)))

    def has_parts_of(self, other: _Loaded) -> bool:
        """Tells whether text encoder and autoencoder are the same, held in the same way."""
        mine, others = self.files, other.files
        parts = (mine.text_encoder, mine.vae, mine.tokenizer) == (others.text_encoder, others.vae, others.tokenizer)
        return parts and (self.plan, self.signatures) == (other.plan, other.signatures)


class NativeEngine:
    """One `zimage.ZImagePipeline`, loaded from a local folder or from files; these keep what they share in memory."""

    def __init__(self, *, attention_backend: str | None = None, compile_blocks: bool = False) -> None:
        self._attention_backend = attention_backend
        self._compile_blocks = compile_blocks
        self._pipeline: zimage.ZImagePipeline | None = None
        self._loaded: _Loaded | None = None
        self._preview_map: PreviewMap | None = None
        self._controls = LoadedControls()
        self._loras = LoadedLoras()

    def prepare(self) -> None:
        """Imports torch and the library, which takes a second."""
        make_importable()
        from zimage import ZImagePipeline  # noqa: F401

    def supports(self, files: ModelFiles) -> bool:
        """Tells, from configurations and the headers of weights, whether the library runs a model.

        Models of single files run nowhere else.
        """
        path = files.folder
        if path is None:
            return True
        make_importable()
        from zimage.errors import PartError
        from zimage.weights.folder import check_weight_files, read_config

        try:
            read_config(path)
            check_weight_files(path)
        except PartError as error:
            logger.info("%s is not one for the native engine: %s", path.name, error)
            return False
        return True

    def load(self, files: ModelFiles, plan: LoadPlan, preview_map: PreviewMap | None = None) -> None:
        """Loads a folder in the published layout, or single files; see `Engine.load`."""
        make_importable()
        if self._takes_transformer_alone(files, plan):
            self._preview_map = preview_map
            return
        self.unload()
        with _part_errors(files):
            loaded = _Loaded.now(files, plan)
        self._pipeline = translate_oom(lambda: self._open(files, plan))
        self._loaded = loaded
        self._preview_map = preview_map
        if self._compile_blocks:
            self._compile(self._pipeline)

    def generate(
        self, recipe: Recipe, emit: Emit, cancelled: IsCancelled, inputs: Inputs = NO_INPUTS
    ) -> Image.Image | None:
        """Draws an image; see `Engine.generate`."""
        from zimage.errors import ConfigError, NotFiniteError

        pipeline = self._pipeline
        if pipeline is None:
            raise RuntimeError("generate() was called before load()")
        try:
            with lora_errors():
                return translate_oom(lambda: self._draw(pipeline, recipe, emit, cancelled, inputs))
        except Interrupted:
            return None
        except NotFiniteError as error:
            raise BlankPicture from error
        except ConfigError as error:
            if not recipe.control:
                raise
            raise ControlUnusable(f"The control cannot be used: {first_line(error)}.") from error

    def _draw(
        self, pipeline: zimage.ZImagePipeline, recipe: Recipe, emit: Emit, cancelled: IsCancelled, inputs: Inputs
    ) -> Image.Image:
        from zimage.conditions.source import Source

        texts = [recipe.prompt, recipe.negative_prompt] if recipe.guidance_scale > 0 else [recipe.prompt]
        embeds = pipeline.text_encoder.encode(texts)
        controls = controls_of(recipe, inputs)
        pipeline.set_loras(self._loras.active(recipe, inputs, pipeline.load_lora))

        def draw(size: tuple[int, int], before: int = 0, cut: Cut = whole, **more: Any) -> Image.Image:
            def on_step(event: StepEvent) -> None:
                preview = _preview(event.step.estimate[0], self._preview_map)
                report_step(emit, cancelled, Step(before + event.done, recipe.forwards), preview)

            made = self._controls.make([one.cut(cut) for one in controls], pipeline, size)
            report_begin(emit, cancelled, before, recipe.forwards)
            [image] = pipeline(
                prompt_embeds=embeds[:1],
                negative_prompt_embeds=embeds[1:] or None,
                width=size[0],
                height=size[1],
                sigmas=levels_for(recipe, pipeline.scheduler.config.shift),
                guidance_scale=recipe.guidance_scale,
                controls=made,
                on_step=on_step,
                **more,
            ).images
            return image

        def redraw(drawing: Drawing) -> Image.Image:
            source = Source(pipeline.encode_image(drawing.image), recipe.drawn_strength, drawing.mask)
            return draw(drawing.image.size, drawing.forwards_before, drawing.cut, latents=drawing.noise, source=source)

        if recipe.init_image is None:
            refuse_contradictions(recipe)
            return draw((recipe.width, recipe.height), generator=_generator(recipe.seed))
        return edit_image(recipe, inputs, _geometry(pipeline), redraw)

    def unload(self) -> None:
        """Frees the model's memory."""
        if self._pipeline is not None and self._compile_blocks:
            _forget_compiled()
        self._pipeline = self._loaded = None
        self._controls.clear()
        self._loras.clear()
        free_memory()

    def _open(self, files: ModelFiles, plan: LoadPlan) -> zimage.ZImagePipeline:
        import torch
        from zimage import ZImagePipeline
        from zimage.utils.attention import AUTO, AttentionUnavailable

        dtype, residency, tiles = getattr(torch, plan.dtype), residency_of(plan), tiles_of(plan)

        def load(attention: str | None) -> ZImagePipeline:
            if files.folder is not None:
                return ZImagePipeline.from_local_dir(
                    files.folder, plan.device, dtype, attention, tiles, quantization=plan.quantization,
                    residency=residency,
                )  # fmt: skip
            return ZImagePipeline.from_files(
                *files.parts, tokenizer=files.tokenizer, shift=files.shift, device=plan.device, dtype=dtype,
                attention=attention, vae_tiles=tiles, quantization=plan.quantization, residency=residency,
            )  # fmt: skip

        with _part_errors(files):
            try:
                return load(self._attention_backend)
            except AttentionUnavailable as error:  # comes before any weight is read
                logger.warning("attention backend %r is not used: %s", self._attention_backend, first_line(error))
                return load(AUTO)

    def _takes_transformer_alone(self, files: ModelFiles, plan: LoadPlan) -> bool:
        """Replaces the transformer where the other parts are in memory already; tells whether it did."""
        loaded, pipeline = self._loaded, self._pipeline
        if loaded is None or pipeline is None or files.folder is not None or self._compile_blocks:
            return False
        with _part_errors(files):
            wanted = _Loaded.now(files, plan)
        if not loaded.has_parts_of(wanted):
            return False
        self._loaded = self._pipeline = None
        self._controls.clear()
        self._loras.clear()
        with _part_errors(files):
            translate_oom(lambda: pipeline.replace_transformer(files.transformer, files.shift))
        self._loaded, self._pipeline = wanted, pipeline
        return True

    def _compile(self, pipeline: zimage.ZImagePipeline) -> None:
        """Compiles and tries it; what does not work is dropped with a logged reason."""
        try:
            pipeline.compile()
            took_s = sum(pipeline.warm_up(PROBE_SIDE_PX, PROBE_SIDE_PX, scale) for scale in _guidance_scales(pipeline))
        except Exception as error:  # noqa: BLE001 — a compiler that is missing raises what it likes; eager works
            logger.warning("the transformer is not compiled: %s", first_line(error))
            pipeline.uncompile()
        else:
            logger.info("compiled the transformer in %.1f s", took_s)


@contextlib.contextmanager
def _part_errors(files: ModelFiles) -> Iterator[None]:
    """Says which part of a model is at fault, without where it lies."""
    from zimage.errors import ConfigError, PartError

    try:
        yield
    except (OSError, ConfigError) as error:
        raise ModelBroken(f"{files.name} cannot be loaded: {files.without_paths(first_line(error))}") from error
    except PartError as error:
        logger.error("%s: %s", files.name, error)
        reason = first_line(error).removeprefix(f"{error.part}: ")
        raise ModelBroken.at(error.part, files.name, files.without_paths(reason)) from error


def residency_of(plan: LoadPlan) -> Residency:
    """Returns what of a model stays on the device."""
    from zimage.residency.levels import WHOLE, Residency

    match plan.offload:
        case "none":
            return WHOLE
        case "model":
            return Residency(text_encoder="streamed" if plan.streams_encoder else "out")
    return Residency(resident_blocks=plan.resident_blocks, text_encoder="streamed")


def tiles_of(plan: LoadPlan) -> Tiles | None:
    """Returns the tiles that images are decoded in, which overlap by a quarter."""
    from zimage.tiling import Tiles

    return Tiles(plan.vae_tile, plan.vae_tile // 4) if plan.vae_tile else None


def _guidance_scales(pipeline: zimage.ZImagePipeline) -> tuple[float, ...]:
    """Returns the scales that a model is warmed up at: only the base model is made for guidance, a batch of two."""
    from zimage.weights.identify import BASE_SHIFT

    return (0.0, 1.0) if pipeline.scheduler.config.shift == BASE_SHIFT else (0.0,)


def _forget_compiled() -> None:
    """Drops all compiled code: torch keeps few versions of a function, and those of models that are gone count."""
    import torch

    torch.compiler.reset()


def _geometry(pipeline: zimage.ZImagePipeline) -> Geometry:
    config = pipeline.vae.config
    return Geometry(pipeline.size_multiple, config.size_multiple, config.latent_channels)


def _generator(seed: int) -> torch.Generator:
    import torch

    return torch.Generator("cpu").manual_seed(seed)  # the same noise on every device


def _preview(latents: torch.Tensor, preview_map: PreviewMap | None) -> PreviewPixels | None:
    """Maps latents (C, H, W) to colours; None without a map that fits them."""
    if preview_map is None or latents.shape[0] != len(preview_map.rows):
        return None
    return to_pixels(latents, preview_map)
