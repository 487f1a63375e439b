"""Runs a model through diffusers' `ZImagePipeline`."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from backend.models.recipe import Recipe
from backend.services.errors import BlankPicture, ModelBroken
from backend.services.generation.engines.base import (
    Interrupted,
    levels_for,
    report_begin,
    report_step,
)
from backend.services.generation.engines.controls import refuse_controls
from backend.services.generation.engines.editing import Drawing, Geometry, edit_image
from backend.services.generation.engines.latents import Previewer
from backend.services.generation.engines.loading import load_pipeline
from backend.services.generation.engines.loras import LoadedLoras, config_of, lora_errors
from backend.services.generation.engines.memory import first_line, free_memory, translate_oom
from backend.services.generation.events import Emit, IsCancelled, Step
from backend.services.generation.inputs import NO_INPUTS, Inputs, refuse_contradictions
from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.library.files import ModelFiles
from backend.services.library.preview_map import PreviewMap
from backend.services.library.prompt_tokens import MAX_PROMPT_TOKENS
from backend.utils.zimage_library import make_importable

if TYPE_CHECKING:
    import torch
    from diffusers import ZImagePipeline
    from zimage.adapters.lora_stack import LoraStack
    from zimage.sampling import Adjust

logger = logging.getLogger(__name__)


class DiffusersEngine:
    """One `ZImagePipeline`, loaded from a local folder."""

    def __init__(self, *, attention_backend: str | None = None, compile_blocks: bool = False) -> None:
        self._attention_backend = attention_backend
        self._compile_blocks = compile_blocks
        self._pipeline: ZImagePipeline | None = None
        self._preview_map: PreviewMap | None = None
        self._loras = LoadedLoras()
        self._stack: LoraStack | None = None

    def prepare(self) -> None:
        """Imports torch, transformers and diffusers, which takes seconds."""
        from diffusers import ZImagePipeline  # noqa: F401

    def load(self, files: ModelFiles, plan: LoadPlan, preview_map: PreviewMap | None = None) -> None:
        """Loads a folder in the published layout; see `Engine.load`."""
        import torch

        path = files.folder
        if path is None:
            raise ModelBroken(
                f"{files.name} is a model of single files, which the diffusers engine does not load: choose "
                "ZIMAGE_ENGINE=auto or native."
            )
        if plan.quantization is not None:
            raise ModelBroken(
                f"The diffusers engine does not hold {files.name} in {plan.quantization}: choose ZIMAGE_ENGINE=auto or "
                "native, or ZIMAGE_QUANTIZATION=none."
            )
        if plan.dtype == "float16":
            raise ModelBroken(
                f"{files.name} overflows in float16 with the diffusers engine: choose ZIMAGE_ENGINE=auto or native."
            )
        _silence_progress_bars()
        self.unload()

        def load() -> ZImagePipeline:
            pipeline = load_pipeline(path, getattr(torch, plan.dtype))
            pipeline.set_progress_bar_config(disable=True)
            _place(pipeline, plan)
            return pipeline

        self._pipeline = translate_oom(load)
        self._preview_map = preview_map
        self._tune(self._pipeline)

    def generate(
        self, recipe: Recipe, emit: Emit, cancelled: IsCancelled, inputs: Inputs = NO_INPUTS
    ) -> Image.Image | None:
        """Draws an image; see `Engine.generate`."""
        make_importable()
        pipeline = self._pipeline
        if pipeline is None:
            raise RuntimeError("generate() was called before load()")
        refuse_controls(recipe, "The diffusers engine has no ControlNets")
        try:
            with _weights_back_in_place(pipeline), lora_errors():
                return translate_oom(lambda: self._draw(pipeline, recipe, emit, cancelled, inputs))
        except Interrupted:
            return None

    def _draw(
        self, pipeline: ZImagePipeline, recipe: Recipe, emit: Emit, cancelled: IsCancelled, inputs: Inputs
    ) -> Image.Image:
        import torch

        levels = levels_for(recipe, pipeline.scheduler.config.shift)
        max_tokens = _count_tokens(pipeline, recipe)
        loras = self._set_loras(pipeline, recipe, inputs)
        loras.require_steps(len(levels))

        def draw(size: tuple[int, int], before: int = 0, keep: Adjust | None = None, **more: Any) -> Image.Image:
            previewer = Previewer(self._preview_map) if self._preview_map else None

            def begin(noise: torch.Tensor) -> None:
                if previewer is not None:
                    previewer.begin(noise)
                report_begin(emit, cancelled, before, recipe.forwards)

            def on_step(_pipeline: object, step: int, _time: object, tensors: dict[str, Any]) -> dict[str, Any]:
                sigmas = pipeline.scheduler.sigmas
                if keep is not None:
                    tensors["latents"] = keep(tensors["latents"], step, sigmas[step + 1].to(tensors["latents"].device))
                preview = None
                if previewer is not None:
                    preview = previewer.after_step(tensors["latents"][0], float(sigmas[step]), float(sigmas[step + 1]))
                report_step(emit, cancelled, Step(before + step + 1, recipe.forwards), preview)
                if step + 1 < len(levels):
                    loras.enter(step + 1, len(levels))
                return tensors

            loras.enter(0, len(levels))
            with _before_first_forward(pipeline.transformer, begin):
                pixels = pipeline(
                    prompt=recipe.prompt,
                    negative_prompt=recipe.negative_prompt,
                    width=size[0],
                    height=size[1],
                    num_inference_steps=len(levels),
                    sigmas=levels,
                    guidance_scale=recipe.guidance_scale,
                    max_sequence_length=max_tokens,
                    callback_on_step_end=on_step,
                    output_type="np",
                    **more,
                ).images
            return _to_image(pipeline, pixels)

        def redraw(drawing: Drawing) -> Image.Image:
            first, keep = _begin(pipeline, recipe, drawing, levels)
            return draw(drawing.image.size, drawing.forwards_before, keep, latents=first)

        if recipe.init_image is None:
            refuse_contradictions(recipe)
            generator = torch.Generator("cpu").manual_seed(recipe.seed)  # the same noise on every device
            return draw((recipe.width, recipe.height), generator=generator)
        return edit_image(recipe, inputs, _geometry(pipeline), redraw)

    def unload(self) -> None:
        """Frees the model's memory."""
        self._pipeline = self._stack = None
        self._loras.clear()
        free_memory()

    def _set_loras(self, pipeline: ZImagePipeline, recipe: Recipe, inputs: Inputs) -> LoraStack:
        """Puts the LoRAs of a recipe beside the transformer's layers, as the native engine does.

        diffusers' own way leaves out in silence what it does not know, and needs another package.
        """
        from zimage.adapters.lora import Lora
        from zimage.adapters.lora_stack import LoraStack

        model = pipeline.transformer
        if self._stack is None:
            self._stack = LoraStack(model, pipeline._execution_device, model.dtype)  # noqa: SLF001 — where it computes
        active = self._loras.active(recipe, inputs, lambda path: Lora.load(path, model, config_of(model.config)))
        self._stack.set(active)
        return self._stack

    def _tune(self, pipeline: ZImagePipeline) -> None:
        """Applies the optional accelerations; each is tried once, and dropped with a logged reason when it fails."""
        transformer = pipeline.transformer
        if self._attention_backend is not None:
            try:
                transformer.set_attention_backend(self._attention_backend)
                _probe(pipeline)
            except Exception as error:  # noqa: BLE001 — a third-party kernel raises what it likes; the default one works
                logger.warning("attention backend %r is not used: %s", self._attention_backend, first_line(error))
                transformer.reset_attention_backend()
        if self._compile_blocks:
            try:
                transformer.compile_repeated_blocks(fullgraph=True)
                _probe(pipeline)
            except Exception as error:  # noqa: BLE001 — so does a compiler that is missing; eager works
                logger.warning("the transformer is not compiled: %s", first_line(error))
                for module in transformer.modules():
                    module._compiled_call_impl = None  # noqa: SLF001 — torch has no way back from compile()


def _silence_progress_bars() -> None:
    """Keeps the libraries' progress bars out of the log; the task's own progress says the same."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()


def _place(pipeline: ZImagePipeline, plan: LoadPlan) -> None:
    import torch

    if plan.device != "mps":
        pipeline.vae.to(memory_format=torch.channels_last)  # convolutions are up to three times faster
    if plan.offload == "model":
        pipeline.enable_model_cpu_offload(device=plan.device)
    elif plan.offload == "sequential":
        pipeline.enable_sequential_cpu_offload(device=plan.device)
    else:
        pipeline.to(plan.device)


def _geometry(pipeline: ZImagePipeline) -> Geometry:
    cell = pipeline.vae_scale_factor
    return Geometry(2 * cell, cell, pipeline.transformer.config.in_channels)


def _begin(
    pipeline: ZImagePipeline, recipe: Recipe, drawing: Drawing, levels: Sequence[float]
) -> tuple[torch.Tensor, Adjust | None]:
    """Returns the latents before the first step, and what a mask keeps after each one."""
    import torch
    from zimage.conditions.images import to_tensor
    from zimage.conditions.source import Source, begin
    from zimage.scheduler import FlowMatchEulerDiscreteScheduler

    device, vae = pipeline._execution_device, pipeline.vae  # noqa: SLF001 — where the pipeline itself puts latents
    with torch.no_grad():
        posterior = vae.encode(to_tensor(drawing.image).to(device, vae.dtype)).latent_dist
    clean = ((posterior.mode() - vae.config.shift_factor) * vae.config.scaling_factor).float()
    if not clean.isfinite().all():
        raise BlankPicture
    published = {name: value for name, value in pipeline.scheduler.config.items() if not name.startswith("_")}
    n_tokens = drawing.noise.shape[-2] * drawing.noise.shape[-1] // 4
    sigmas = FlowMatchEulerDiscreteScheduler(**published).sigmas(levels, n_tokens)
    return begin(Source(clean, recipe.drawn_strength, drawing.mask), drawing.noise.to(device), sigmas)


def _to_image(pipeline: ZImagePipeline, pixels: Any) -> Image.Image:
    import numpy as np

    if not np.isfinite(pixels).all():
        raise BlankPicture
    images: list[Image.Image] = pipeline.image_processor.numpy_to_pil(pixels)
    return images[0]


def _probe(pipeline: ZImagePipeline) -> None:
    """Runs the model once, small, so that a kernel that does not work shows before the first picture."""
    pipeline(
        prompt="probe", height=256, width=256, num_inference_steps=1, sigmas=[1.0], guidance_scale=0.0,
        output_type="latent",
    )  # fmt: skip


def _count_tokens(pipeline: ZImagePipeline, recipe: Recipe) -> int:
    """Returns the length to encode the prompts at: the encoder is causal, so padding to 512 only costs time."""
    prompts = [recipe.prompt, recipe.negative_prompt] if recipe.guidance_scale > 0 else [recipe.prompt]
    texts = [
        pipeline.tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True, enable_thinking=True
        )
        for prompt in prompts
    ]
    return min(MAX_PROMPT_TOKENS, max(len(tokens) for tokens in pipeline.tokenizer(texts).input_ids))


@contextlib.contextmanager
def _before_first_forward(transformer: Any, begin: Callable[[torch.Tensor], None]) -> Iterator[None]:
    """Calls `begin` with the first picture's latents (C, H, W) when the transformer is called for the first time."""

    def hook(_module: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        handle.remove()
        [latents, *_] = args[0] if args else kwargs["x"]
        begin(latents[:, 0])  # (C, 1, H, W)

    handle = transformer.register_forward_pre_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def _weights_back_in_place(pipeline: ZImagePipeline) -> Iterator[None]:
    """Does, when a generation is ended early, what the pipeline does at its end: offloads what it had moved."""
    try:
        yield
    except BaseException:
        pipeline.maybe_free_model_hooks()
        raise
