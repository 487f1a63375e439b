"""Bodies of `/sdapi/v1`: of their many fields, those that mean something here, or that are told to mean nothing."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from backend.api.compat.values import Lenient


class DrawRequest(Lenient):
    """What `txt2img` and `img2img` have in common."""

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] = Field(default=[])
    seed: int = -1
    subseed_strength: float = 0.0
    seed_resize_from_h: int = 0
    seed_resize_from_w: int = 0
    sampler_name: str = ""
    sampler_index: str = ""
    scheduler: str = ""
    batch_size: int = Field(default=1, ge=1)
    n_iter: int = Field(default=1, ge=1)
    steps: int | None = None
    cfg_scale: float | None = None
    width: int | None = None
    height: int | None = None
    restore_faces: bool = False
    tiling: bool = False
    s_churn: float = 0.0
    refiner_checkpoint: str = ""
    clip_skip: int = 0
    denoising_strength: float | None = None
    override_settings: dict[str, Any] = Field(default={})
    override_settings_restore_afterwards: bool = True
    script_name: str = ""
    alwayson_scripts: dict[str, Any] = Field(default={})
    send_images: bool = True

    @property
    def sampler(self) -> str:
        """Name of the sampler, by its new or its old field."""
        return self.sampler_name or self.sampler_index


class Txt2ImgRequest(DrawRequest):
    """Text to image, with the second pass that they call hires. fix."""

    enable_hr: bool = False
    hr_scale: float = 2.0
    hr_upscaler: str = ""
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str = ""
    hr_prompt: str = ""
    hr_negative_prompt: str = ""


class Img2ImgRequest(DrawRequest):
    """Image to image, with or without a mask."""

    init_images: list[str] = Field(default=[])
    resize_mode: Literal[0, 1, 2, 3] = 0
    denoising_strength: float | None = 0.75
    mask: str = ""
    mask_blur: float = 4
    mask_blur_x: float | None = None
    mask_blur_y: float | None = None
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    initial_noise_multiplier: float = 1.0
    include_init_images: bool = False

    @property
    def blur_px(self) -> int:
        """The blur of the mask, the larger one of its two directions."""
        sides = [side for side in (self.mask_blur_x, self.mask_blur_y) if side is not None]
        return round(max(sides, default=self.mask_blur))


class ExtrasRequest(Lenient):
    """What both routes that enlarge images have in common. The last two fields are ours."""

    resize_mode: Literal[0, 1] = 0
    upscaling_resize: float = 2.0
    upscaling_resize_w: int = Field(default=512, ge=1)
    upscaling_resize_h: int = Field(default=512, ge=1)
    upscaling_crop: bool = True
    upscaler_1: str = "None"
    upscaler_2: str = "None"
    extras_upscaler_2_visibility: float = 0.0
    gfpgan_visibility: float = 0.0
    codeformer_visibility: float = 0.0
    prompt: str = ""
    denoising_strength: float | None = None


class ExtrasImageRequest(ExtrasRequest):
    """One image to enlarge."""

    image: str = ""


class FileData(Lenient):
    """An image with a name."""

    data: str
    name: str = ""


class ExtrasBatchRequest(ExtrasRequest):
    """Several images to enlarge."""

    imageList: list[FileData] = Field(default=[], max_length=16)  # noqa: N815 — their name


class ImageRequest(Lenient):
    """An image that is to be read."""

    image: str = ""
