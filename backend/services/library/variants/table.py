"""Variants of the family's members that are worth having: repositories, files, sizes, licences. Data only.

Names, sizes and licences are those of the repositories' own pages. Digests are not here: the hub tells them with its
list of files when something is fetched. Sizes are decimal, to three digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from backend.models.catalogue import Member, PartName, Quality
from backend.services.library.model_entry import BASE, TURBO, ModelEntry

_GB = 10**9
_COMFY_TURBO, _COMFY_BASE = "Comfy-Org/z_image_turbo", "Comfy-Org/z_image"
_FOLDERS: dict[PartName, str] = {"transformer": "diffusion_models", "text_encoder": "text_encoders", "vae": "vae"}
LOSS: dict[Quality, int] = {"exact": 0, "near": 1, "float8": 2, "four_bit": 4, "other_picture": 5}
"""How far images are from those of the published weights: more is further. An order, no measure."""


@dataclass(frozen=True)
class VariantFile:
    """Single file of a variant.

    Attributes:
        path: in its repository.
        size_bytes: about.
    """

    part: PartName
    repository: str
    path: str
    size_bytes: int

    @property
    def name(self) -> str:
        """Name of the file, without folders."""
        return PurePosixPath(self.path).name

    @property
    def place(self) -> str:
        """Path below a folder of models, as ComfyUI lays them out."""
        return f"{_FOLDERS[self.part]}/{self.name}"


@dataclass(frozen=True)
class Variant:
    """A way to have a member of the family.

    Attributes:
        id: of the model that it becomes: the stem of the transformer's file, or the id of the published model.
        label: what its weights are stored in, for people.
        format: of the transformer, as the header of its file will say.
        repository: of a whole folder in the published layout; None for single files.
    """

    id: str
    member: Member
    label: str
    format: str
    quality: Quality
    size_bytes: int
    licence: str = "Apache-2.0"
    repository: str | None = None
    files: tuple[VariantFile, ...] = ()

    @property
    def model(self) -> ModelEntry:
        """Member of the family that it is a variant of."""
        return TURBO if self.member == "turbo" else BASE

    @property
    def name(self) -> str:
        """What to call it."""
        return f"{self.model.name} ({self.label})"

    @property
    def transformer(self) -> VariantFile | None:
        """File of the transformer; None for a whole folder."""
        return next((file for file in self.files if file.part == "transformer"), None)


def _transformer(repository: str, path: str, gigabytes: float) -> VariantFile:
    return VariantFile("transformer", repository, path, round(gigabytes * _GB))


def _comfy(repository: str, name: str, gigabytes: float) -> VariantFile:
    return _transformer(repository, f"split_files/diffusion_models/{name}.safetensors", gigabytes)


def _comfy_text(name: str, gigabytes: float) -> VariantFile:
    path = f"split_files/text_encoders/{name}.safetensors"
    return VariantFile("text_encoder", _COMFY_TURBO, path, round(gigabytes * _GB))


def _qwen_gguf(kind: str, gigabytes: float) -> VariantFile:
    return VariantFile("text_encoder", "unsloth/Qwen3-4B-GGUF", f"Qwen3-4B-{kind}.gguf", round(gigabytes * _GB))


_VAE = VariantFile("vae", _COMFY_TURBO, "split_files/vae/ae.safetensors", 335_000_000)
_TEXT_BF16 = _comfy_text("qwen_3_4b", 8.04)
_TEXT_FP8 = _comfy_text("qwen_3_4b_fp8_mixed", 5.63)
_TEXT_FP4 = _comfy_text("qwen_3_4b_fp4_mixed", 3.48)


def _folder(model: ModelEntry, member: Member, label: str) -> Variant:
    size_bytes = round((model.download_gb or 0.0) * _GB)
    return Variant(model.id, member, label, "folder", "exact", size_bytes, repository=model.repository)


def _files(
    member: Member, label: str, format: str, quality: Quality, transformer: VariantFile, text_encoder: VariantFile
) -> Variant:  # fmt: skip
    files = (transformer, text_encoder, _VAE)
    name, size_bytes = PurePosixPath(transformer.path).stem, sum(file.size_bytes for file in files)
    return Variant(name, member, label, format, quality, size_bytes, files=files)


VARIANTS: tuple[Variant, ...] = (
    _folder(TURBO, "turbo", "published"),
    _files("turbo", "bf16", "BF16", "exact", _comfy(_COMFY_TURBO, "z_image_turbo_bf16", 12.31), _TEXT_BF16),
    _files(
        "turbo", "int8 ConvRot", "int8_tensorwise", "near",
        _comfy(_COMFY_TURBO, "z_image_turbo_int8_convrot", 6.20), _TEXT_FP8,
    ),
    _files(
        "turbo", "fp8 scaled", "float8_e4m3fn", "float8",
        _transformer("Kijai/Z-Image_comfy_fp8_scaled", "z-image-turbo_fp8_scaled_e4m3fn_KJ.safetensors", 6.16),
        _TEXT_FP8,
    ),
    _files(
        "turbo", "GGUF Q8_0", "Q8_0", "near",
        _transformer("jayn7/Z-Image-Turbo-GGUF", "z_image_turbo-Q8_0.gguf", 7.22), _qwen_gguf("Q8_0", 4.28),
    ),
    _files(
        "turbo", "GGUF Q4_K_M", "Q4_K", "four_bit",
        _transformer("jayn7/Z-Image-Turbo-GGUF", "z_image_turbo-Q4_K_M.gguf", 4.98), _qwen_gguf("Q4_K_M", 2.50),
    ),
    _files(
        "turbo", "nvfp4", "nvfp4", "other_picture", _comfy(_COMFY_TURBO, "z_image_turbo_nvfp4", 4.51), _TEXT_FP4
    ),
    _folder(BASE, "base", "published"),
    _files("base", "bf16", "BF16", "exact", _comfy(_COMFY_BASE, "z_image_bf16", 12.31), _TEXT_BF16),
    _files(
        "base", "int8 ConvRot", "int8_tensorwise", "near",
        _comfy(_COMFY_BASE, "z_image_int8_convrot", 6.20), _TEXT_FP8,
    ),
    _files(
        "base", "GGUF Q8_0", "Q8_0", "near",
        _transformer("jayn7/Z-Image-GGUF", "z_image-Q8_0.gguf", 7.22), _qwen_gguf("Q8_0", 4.28),
    ),
    _files(
        "base", "GGUF Q4_K_M", "Q4_K", "four_bit",
        _transformer("jayn7/Z-Image-GGUF", "z_image-Q4_K_M.gguf", 4.98), _qwen_gguf("Q4_K_M", 2.50),
    ),
)  # fmt: skip
"""Of each member the published folder first, then the others, the nearest to it first."""
