"""The Omni variant: images from a prompt and from reference images, which the transformer reads beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from zimage.adapters.siglip import SiglipEncoder
from zimage.conditions.references import (
    MAX_REFERENCES,
    Reference,
    fit_reference,
    prompt_pieces,
    reference_batch,
)
from zimage.config import InferenceSettings
from zimage.config.inference import MAX_CAPTION_TOKENS
from zimage.errors import ConfigError
from zimage.outputs import OutputType, PipelineOutput, StepEvent
from zimage.pipeline import Generators, ZImagePipeline
from zimage.sampling import Guidance, Velocity, guided_velocity, with_loras
from zimage.transformer import Factors, ZImageTransformer2DModel


class ZImageOmniPipeline(ZImagePipeline):
    """Pipeline of the Omni variant. It takes no ControlNets and no source: an image to change is a reference."""

    def __init__(self, *parts: Any, siglip: SiglipEncoder, **settings: Any) -> None:
        """Joins the parts; see `ZImagePipeline`.

        Args:
            *parts: transformer, autoencoder, text encoder and scheduler.
            siglip: sees reference images.
            **settings: of `ZImagePipeline`.
        """
        super().__init__(*parts, **settings)
        self.siglip = siglip

    @torch.inference_mode()
    def __call__(  # type: ignore[override]  # what the variant does not do is no argument
        self,
        prompt: str,
        *,
        references: Sequence[Image.Image] = (),
        height: int = 1024,
        width: int = 1024,
        num_inference_steps: int = 51,
        sigmas: Sequence[float] | None = None,
        guidance_scale: float = 5.0,
        cfg_normalization: float | bool = 0.0,
        cfg_truncation: float | None = 1.0,
        negative_prompt: str = "",
        generator: Generators = None,
        latents: Tensor | None = None,
        output_type: OutputType = "pil",
        max_sequence_length: int = MAX_CAPTION_TOKENS,
        on_step: Callable[[StepEvent], None] | None = None,
    ) -> PipelineOutput:
        """Generates an image.

        Args:
            prompt: what is to be seen, or to be done with the references.
            references: images of any mode and size, of which the image is drawn; up to 8.
            height: see `ZImagePipeline`, as for what follows.
            width: of the image.
            num_inference_steps: points of the schedule.
            sigmas: noise levels.
            guidance_scale: 0 for none.
            cfg_normalization: bound of the guided norm.
            cfg_truncation: no guidance at times above this.
            negative_prompt: needs guidance; it stands beside the same references.
            generator: source of the noise.
            latents: noise, (1, C, h, w).
            output_type: `pil`, `np`, `pt` or `latent`.
            max_sequence_length: limit in tokens of each piece of the prompt.
            on_step: called after every step.

        Raises:
            ConfigError: a setting is out of range, or there are too many references.
            ConditionError: a reference cannot be used.
            NotFiniteError: the output has NaN or infinity.
        """
        settings = InferenceSettings(
            height=height, width=width, num_inference_steps=num_inference_steps, guidance_scale=guidance_scale,
            cfg_normalization=float(cfg_normalization), max_sequence_length=max_sequence_length,
            cfg_truncation=1.0 if cfg_truncation is None else cfg_truncation,
        )  # fmt: skip
        if len(references) > MAX_REFERENCES:
            raise ConfigError(f"up to {MAX_REFERENCES} reference images are read, got {len(references)}")
        size = self._latent_size(settings)
        read = [self.read_reference(image, width * height) for image in references]
        texts = [prompt, negative_prompt] if guidance_scale > 0 else [prompt]
        positive, *negative = [self._read_pieces(text, len(read), max_sequence_length) for text in texts]
        guidance = Guidance(settings.guidance_scale, settings.cfg_truncation, settings.cfg_normalization)

        def build(times: Tensor) -> Velocity:
            def prepare(prompts: Sequence[Sequence[Tensor]]) -> OmniPredictor:
                return OmniPredictor(self.transformer, prompts, read, size)

            return with_loras(
                lambda: guided_velocity(self.transformer, times, [positive], negative, guidance, prepare),
                len(times),
                self._lora_stack,
            )

        shape = (1, self.transformer.config.in_channels, *size)
        unshifted = torch.linspace(1, 0, num_inference_steps)[: max(1, num_inference_steps - 1)].tolist()
        return self._sample(
            self._noise(shape, generator, latents), sigmas or unshifted, build, None, on_step, output_type
        )

    def read_reference(self, image: Image.Image, drawn_area_px: int) -> Reference:
        """Encodes a reference image for the autoencoder's and SigLIP's eyes.

        Args:
            image: of any mode and size.
            drawn_area_px: of the image that is drawn: larger references are shrunk to it.

        Raises:
            ConditionError: it is too small or too long.
        """
        fitted = fit_reference(image, drawn_area_px, self.size_multiple)
        latents = self.encode_image(fitted.encoded)[0].unsqueeze(1)
        return Reference(latents, self.siglip.encode(fitted.seen).to(self.transformer.device))

    def _read_pieces(self, prompt: str, n_references: int, max_tokens: int) -> list[Tensor]:
        features = self.text_encoder.encode_texts(prompt_pieces(prompt, n_references), max_tokens)
        model = self.transformer
        return [one.to(model.device, model.activation_dtype) for one in features]


class OmniPredictor:
    """The transformer, prepared for prompts in pieces, reference images and one image size."""

    def __init__(
        self,
        transformer: ZImageTransformer2DModel,
        prompts: Sequence[Sequence[Tensor]],
        references: Sequence[Reference],
        size: tuple[int, int],
    ) -> None:
        """Prepares what all steps share.

        Args:
            transformer: the model.
            prompts: features (L, cap_feat_dim) of the pieces of each prompt.
            references: that all of them are about.
            size: rows and columns of the latents.
        """
        self._transformer = transformer
        self._clean = [reference.latents for reference in references]
        self._prepared = [transformer.prepare(reference_batch(pieces, references, size)) for pieces in prompts]

    def __call__(self, latents: Tensor, factors: Factors, _step: int = 0) -> Tensor:
        """Predicts for every prompt, towards the image: (B, C, h, w) → (B, C, h, w) in float32."""
        predictions = torch.empty_like(latents, dtype=torch.float32)
        for index, prepared in enumerate(self._prepared):
            images = [*self._clean, latents[index].unsqueeze(1)]
            predictions[index] = self._transformer.predict(images, factors, prepared)[0].squeeze(1)
        return predictions
