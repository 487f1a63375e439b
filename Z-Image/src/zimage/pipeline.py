"""Prompts to images."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zimage.adapters.controlnet import ControlNet
from zimage.adapters.controls import Control
from zimage.adapters.lora_pipeline import TakesLoras
from zimage.autoencoder import AutoencoderKL
from zimage.conditions.images import to_tensor
from zimage.conditions.source import Source, begin, unshifted_sigmas
from zimage.config import InferenceSettings, SchedulerConfig
from zimage.errors import ConditionError, ConfigError, NotFiniteError
from zimage.outputs import Images, OutputType, PipelineOutput, StepEvent
from zimage.placement import Placement
from zimage.quant.linear import make_compilable
from zimage.residency.levels import Residency
from zimage.sampling import Guidance, Step, build_velocity, denoise
from zimage.scheduler import FlowMatchEulerDiscreteScheduler
from zimage.sequence import Patch
from zimage.text.encoder import PromptEncoder
from zimage.text.features import FeatureReader
from zimage.text.tokenizer import load_embedded_tokenizer, load_tokenizer
from zimage.tiling import Tiles
from zimage.transformer import ZImageTransformer2DModel
from zimage.utils.helpers import draw_noise, to_pil, to_unit_range
from zimage.weights.building import Parts
from zimage.weights.folder import load_parts, read_config
from zimage.weights.identify import Part
from zimage.weights.parts import load_files, load_transformer, open_model, open_part, require_fit

logger = logging.getLogger(__name__)

PREVIEW_SIDE = 32  # latents

Generators = torch.Generator | Sequence[torch.Generator] | None


class ZImagePipeline(TakesLoras):
    """Pipeline of the Z-Image family: text to image, and image to image.

    Not thread-safe. It stays usable after an exception, of a callback or for lack of memory.
    """

    def __init__(
        self,
        transformer: ZImageTransformer2DModel,
        vae: AutoencoderKL,
        text_encoder: PromptEncoder,
        scheduler: FlowMatchEulerDiscreteScheduler,
        *,
        vae_tiles: Tiles | None = None,
    ) -> None:
        """Joins the parts, which are on one device.

        Args:
            transformer: S3-DiT.
            vae: decodes latents.
            text_encoder: encodes prompts.
            scheduler: noise schedule of the model.
            vae_tiles: tiles for decoding large images; None for the whole image at once.
        """
        self.transformer = transformer
        self.vae = vae
        self.text_encoder = text_encoder
        self.scheduler = scheduler
        self.vae_tiles = vae_tiles
        self._placement: Placement | None = None

    @classmethod
    def from_local_dir(
        cls,
        path: str | Path,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        attention: str | None = None,
        vae_tiles: Tiles | None = None,
        compute_dtype: str | None = None,
        quantization: str | None = None,
        residency: Residency | None = None,
    ) -> ZImagePipeline:
        """Loads a folder in the published layout; nothing is downloaded.

        Args:
            path: the folder.
            device: default: an accelerator if present.
            dtype: of the weights; default: see `zimage.placement.default_dtype`. float16 is for cards without bfloat16;
                the autoencoder is then in float32.
            attention: name of a kernel, see `zimage.utils.attention`; default: ZIMAGE_ATTENTION, or the fastest.
            vae_tiles: tiles for decoding large images; None for the whole image at once.
            compute_dtype: `auto`, `native` or `float32` for half-precision weights on a CPU, see `zimage.precision`;
                default: ZIMAGE_PRODUCTS, or the faster one.
            quantization: `int8`, `fp8` or `gguf`: what the matrices of transformer and text encoder are held in, see
                `zimage.quant`; default: all in `dtype`.
            residency: which weights stay on the device, see `zimage.residency.levels`; default: all.

        Raises:
            PartError: a part is missing, damaged, or of another kind of model.
            ConfigError: `compute_dtype` or `quantization` is unknown.
            AttentionUnavailable: the requested kernel does not work here.
        """
        config = read_config(Path(path))
        place = Placement.choose(config.transformer, device, dtype, attention, compute_dtype, quantization, residency)
        parts = load_parts(Path(path), config, **place.for_loading())
        return cls._joined(parts, place, vae_tiles)

    @classmethod
    def from_files(
        cls,
        transformer: str | Path,
        text_encoder: str | Path | None = None,
        vae: str | Path | None = None,
        *,
        tokenizer: str | Path | None = None,
        shift: float = SchedulerConfig.shift,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        attention: str | None = None,
        vae_tiles: Tiles | None = None,
        compute_dtype: str | None = None,
        quantization: str | None = None,
        residency: Residency | None = None,
    ) -> ZImagePipeline:
        """Loads parts that come in files of their own, in any format that is read; nothing is downloaded.

        Args:
            transformer: safetensors or GGUF file, or a checkpoint with all parts.
            text_encoder: the same; default: the file of the transformer.
            vae: the same; default: the file of the transformer.
            tokenizer: folder of a tokenizer; default: Qwen3's, which comes with the library.
            shift: of the noise schedule, which no tensor shows: 3 for Turbo, 6 for the base model.
            device: see `from_local_dir`, as for the others.
            dtype: of the weights, once they are decoded.
            attention: name of a kernel.
            vae_tiles: tiles for decoding large images.
            compute_dtype: of half-precision weights on a CPU.
            quantization: of matrices; those that are stored so are taken as they are. `gguf` keeps the blocks of GGUF
                files, and holds the matrices of other files in int8.
            residency: which weights stay on the device.

        Raises:
            PartError: a part is missing, damaged, or of another kind of model.
            ConfigError: `quantization` is unknown, the shift not positive, or the tokenizer damaged.
            AttentionUnavailable: the requested kernel does not work here.
        """
        whole = Path(transformer)
        files = open_model(whole, Path(text_encoder or whole), Path(vae or whole))
        scheduler = SchedulerConfig(shift=shift)
        place = Placement.choose(
            files.transformer_config, device, dtype, attention, compute_dtype, quantization, residency
        )
        own = load_tokenizer(Path(tokenizer)) if tokenizer is not None else load_embedded_tokenizer()
        parts = load_files(files, own, scheduler, **place.for_loading())
        return cls._joined(parts, place, vae_tiles)

    @classmethod
    def _joined(cls, parts: Parts, place: Placement, vae_tiles: Tiles | None) -> ZImagePipeline:
        held = place.quantization or "plain"
        logger.info("weights in %s, computed in %s, matrices %s", place.dtype, place.compute_dtype, held)
        logger.info("attention %s, milliseconds of those tried: %s", place.attention.name, place.attention.milliseconds)
        parts.transformer.set_attention(place.attention.attend)
        pipeline = cls(parts.transformer, parts.vae, parts.text_encoder, parts.scheduler, vae_tiles=vae_tiles)
        pipeline._placement = place
        return pipeline

    def replace_transformer(self, path: str | Path, shift: float) -> None:
        """Loads another transformer in place of the own one, which is freed first; the other parts stay.

        After an error the pipeline has no transformer. LoRAs and ControlNets of the own one do not fit the other.

        Args:
            path: file or folder, as `from_files` takes it.
            shift: of the noise schedule.

        Raises:
            PartError: it is damaged, does not fit the other parts, or is none.
            RuntimeError: the pipeline was put together from loaded parts.
        """
        if self._placement is None:
            raise RuntimeError("only a pipeline that has loaded its parts can load another")
        files = open_part(Path(path), Part.TRANSFORMER)
        require_fit(files, self.text_encoder.width, self.vae.config.latent_channels)
        self.set_loras([])
        self._loras = None
        del self.transformer
        self.transformer = load_transformer(files, **self._placement.for_loading())
        self.transformer.set_attention(self._placement.attention.attend)
        self.scheduler = FlowMatchEulerDiscreteScheduler(**SchedulerConfig(shift=shift).to_dict())

    def load_controlnet(self, path: str | Path) -> ControlNet:
        """Loads a ControlNet for the transformer, its matrices quantised as those are; see `ControlNet.load`.

        It fills memory as long as it is referred to, and serves until the transformer is replaced.
        """
        quantization = None if self._placement is None else self._placement.quantization
        return ControlNet.load(path, self.transformer, quantization)

    @property
    def size_multiple(self) -> int:
        """Divisor of image sides, in pixels."""
        return self.vae.config.size_multiple * Patch().side

    @torch.inference_mode()
    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        height: int = 1024,
        width: int = 1024,
        num_inference_steps: int = 9,
        sigmas: Sequence[float] | None = None,
        guidance_scale: float = 0.0,
        cfg_normalization: float | bool = 0.0,
        cfg_truncation: float | None = 1.0,
        negative_prompt: str | Sequence[str] | None = None,
        num_images_per_prompt: int = 1,
        generator: Generators = None,
        latents: Tensor | None = None,
        source: Source | None = None,
        prompt_embeds: Sequence[Tensor] | None = None,
        negative_prompt_embeds: Sequence[Tensor] | None = None,
        output_type: OutputType = "pil",
        max_sequence_length: int = 512,
        controls: Sequence[Control] = (),
        on_step: Callable[[StepEvent], None] | None = None,
    ) -> PipelineOutput:
        """Generates `num_images_per_prompt` images for each prompt.

        Args:
            prompt: one or several; or `prompt_embeds`.
            height: of the images in pixels, a multiple of `size_multiple`.
            width: the same.
            num_inference_steps: points of the schedule, the image included: 9 points are 8 forwards.
                diffusers from 0.39 on counts forwards instead.
            sigmas: decreasing noise levels, unshifted and without the final 0; replaces `num_inference_steps`.
            guidance_scale: 0 for none, as for Turbo. It is 1 below the conventional scale.
            cfg_normalization: bound of the guided norm, as a multiple of the unguided one; 0 for none.
            cfg_truncation: no guidance at times above this; 0 is noise, 1 the image.
            negative_prompt: one for all prompts, or one for each. Needs guidance.
            num_images_per_prompt: images of a prompt are adjacent in the output.
            generator: source of the noise; one for each image makes it independent of its batch.
            latents: noise, (B, C, h, w); default: drawn.
            source: image to begin from, see `encode_image`; its strength shortens the schedule, unless `sigmas` are
                given, which then begin where the strength says.
            prompt_embeds: features (L, cap_feat_dim) of each prompt, instead of prompts.
            negative_prompt_embeds: features (L, cap_feat_dim) of each negative prompt.
            output_type: `pil`, `np`, `pt`, or `latent` for undecoded latents.
            max_sequence_length: limit in tokens, template included; longer prompts are truncated.
            controls: ControlNets with their images, see `load_controlnet` and `zimage.conditions.control`.
            on_step: called after every step. An exception ends the generation before decoding.

        Raises:
            ConfigError: a setting is out of range.
            ValueError: arguments contradict each other.
            NotFiniteError: the output has NaN or infinity.
        """
        settings = InferenceSettings(
            height=height, width=width, num_inference_steps=num_inference_steps, guidance_scale=guidance_scale,
            cfg_normalization=float(cfg_normalization), max_sequence_length=max_sequence_length,
            cfg_truncation=1.0 if cfg_truncation is None else cfg_truncation,
            num_images_per_prompt=num_images_per_prompt,
        )  # fmt: skip
        if output_type not in get_args(OutputType):
            raise ConfigError(f"output_type must be one of {', '.join(get_args(OutputType))}, got {output_type!r}")
        rows, columns = self._latent_size(settings)
        guidance = Guidance(settings.guidance_scale, settings.cfg_truncation, settings.cfg_normalization)
        reader = FeatureReader(
            self.text_encoder, max_sequence_length, self.transformer.device, self.transformer.activation_dtype
        )
        negatives = (negative_prompt, negative_prompt_embeds) if settings.guidance_scale > 0 else None
        positive, negative = reader.read_both((prompt, prompt_embeds), negatives, num_images_per_prompt)

        unshifted = unshifted_sigmas(num_inference_steps, source) if sigmas is None else sigmas
        levels = self.scheduler.sigmas(unshifted, rows * columns // Patch().side ** 2)
        shape = (len(positive), self.transformer.config.in_channels, rows, columns)
        noise = self._noise(shape, generator, latents)
        first, keep = begin(source, noise, levels)
        times = self.scheduler.times(levels)
        try:
            velocity = build_velocity(
                self.transformer, times, positive, negative, guidance, (rows, columns), controls, self._lora_stack
            )
            final = denoise(first, levels, velocity, None if on_step is None else self._report_to(on_step), keep)
        finally:
            self._lora_stack.rest()
            self.transformer.release()
        if not bool(final.isfinite().all()):
            raise NotFiniteError("the transformer gives NaN or infinity instead of latents")
        return PipelineOutput(self._output(final, output_type))

    @torch.inference_mode()
    def encode_image(self, image: Image.Image | Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encodes an image for a `Source`: scaled latents (B, C, h, w), float32.

        Args:
            image: of any mode, or (B, 3, H, W) in −1…1; sides are multiples of `size_multiple`.
            generator: samples the posterior, as diffusers does; default: its mean, which is the same every time.

        Raises:
            ConditionError: the image cannot be used, or has other sides.
            NotFiniteError: the output has NaN or infinity.
        """
        pixels = to_tensor(image) if isinstance(image, Image.Image) else image
        height, width = pixels.shape[-2:]
        if height % self.size_multiple or width % self.size_multiple:
            raise ConditionError(f"sides must be multiples of {self.size_multiple}, the image has {width}×{height}")
        posterior = self.vae.encode(pixels.to(self.transformer.device, self.vae.dtype), self.vae_tiles)
        latents = self.vae.normalise(posterior.mode() if generator is None else posterior.sample(generator)).float()
        if not bool(latents.isfinite().all()):
            raise NotFiniteError("the autoencoder gives NaN or infinity instead of latents")
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Decodes scaled latents: (B, C, h, w) → (B, 3, H, W) in 0…1, float32.

        Raises:
            NotFiniteError: the output has NaN or infinity.
        """
        typed = self.vae.denormalise(latents.to(self.vae.dtype))
        # One by one: decoding is where memory peaks, and together they are no faster.
        images = torch.cat([to_unit_range(self.vae.decode(one, self.vae_tiles)) for one in torch.split(typed, 1)])
        if not bool(images.isfinite().all()):
            raise NotFiniteError("the autoencoder gives NaN or infinity instead of an image")
        return images

    def compile(self, *, dynamic: bool = True, backend: str = "inductor") -> None:
        """Compiles the transformer block at the next call; one code serves all, streamed ones too. See `warm_up`.

        Products of quantised matrices that cannot be compiled become others; `uncompile` leaves them. While LoRAs act
        beside the weights, blocks run as if they were not compiled; fused ones keep the compiled code.

        Args:
            dynamic: one code for all image sizes and caption lengths; otherwise one for each.
            backend: backend of torch.compile.
        """
        self._lora_stack.pause()
        make_compilable(self.transformer)
        for block in self.transformer.blocks():
            block.compile(fullgraph=True, dynamic=dynamic, backend=backend)
        self._lora_stack.rest()

    def uncompile(self) -> None:
        """Reverts `compile`."""
        self._lora_stack.pause()
        for block in self.transformer.blocks():
            block._compiled_call_impl = None  # noqa: SLF001 — torch has no other way back
        self._lora_stack.rest()

    def warm_up(self, height: int = 1024, width: int = 1024, guidance_scale: float = 0.0) -> float:
        """Generates and discards an image, so that compilation is over before the next one.

        Returns:
            Duration in seconds.
        """
        started = time.perf_counter()
        self("warm-up", height=height, width=width, num_inference_steps=2, guidance_scale=guidance_scale)
        took_s = time.perf_counter() - started
        logger.info("warm-up at %d×%d took %.1f s", width, height, took_s)
        return took_s

    def _latent_size(self, settings: InferenceSettings) -> tuple[int, int]:
        multiple = self.size_multiple
        for name, side in (("height", settings.height), ("width", settings.width)):
            if side % multiple:
                raise ConfigError(f"{name} must be a multiple of {multiple} for this model, got {side}")
        scale = self.vae.config.size_multiple
        return settings.height // scale, settings.width // scale

    def _report_to(self, on_step: Callable[[StepEvent], None]) -> Callable[[Step], None]:
        return lambda step: on_step(StepEvent(step, self._draw_small))

    def _noise(self, shape: tuple[int, int, int, int], generator: Generators, latents: Tensor | None) -> Tensor:
        device = self.transformer.device
        if latents is None:
            return draw_noise(shape, generator, device)
        if latents.shape != shape:
            raise ValueError(f"latents must have the shape {shape}, got {tuple(latents.shape)}")
        return latents.to(device, torch.float32)

    def _output(self, latents: Tensor, output_type: OutputType) -> Images:
        if output_type == "latent":
            return latents
        images = self.decode(latents)
        if output_type == "pt":
            return images
        if output_type == "np":
            array: np.ndarray[Any, np.dtype[np.float32]] = images.permute(0, 2, 3, 1).cpu().numpy()
            return array
        return to_pil(images)

    @torch.inference_mode()
    def _draw_small(self, latents: Tensor) -> list[Image.Image]:
        longest = max(latents.shape[-2:])
        if longest > PREVIEW_SIDE:
            size = [max(1, side * PREVIEW_SIDE // longest) for side in latents.shape[-2:]]  # a strip keeps a row
            latents = torch.nn.functional.interpolate(latents, size, mode="area")
        return to_pil(self.decode(latents))
