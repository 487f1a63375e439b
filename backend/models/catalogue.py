"""Models of the catalogue, as the API describes them."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from backend.models.recipe import Frozen

PartName = Literal["transformer", "text_encoder", "vae"]
Member = Literal["turbo", "base"]
Quality = Literal["exact", "near", "float8", "four_bit", "other_picture"]


Reason = Literal["full", "quantised", "in_turns"]
KeptReason = Literal["shared", "not_ours"]


class ModelDownload(Frozen):
    """State and progress of a model's download."""

    state: Literal["none", "running", "failed"]
    done_bytes: int = Field(description="What is on the disk; a download goes on from there.")
    total_bytes: int = Field(description="Of the whole model, as far as that is known.")
    message: str = Field(description="What it is busy with, or why it failed.")


class ModelPart(Frozen):
    """Part of a model of single files."""

    part: PartName
    file: str = Field(description="Name of the file in use, below the folder that is searched.")
    format: str = Field(description="Format of most of its values.")
    size_bytes: int = Field(description="On the disk, of this part alone.")
    choices: list[str] = Field(description="Names of the files that fit, the one that is in use among them.")


class RefusedFile(Frozen):
    """File of weights that no model is made of."""

    file: str
    reason: str


class ControlInfo(Frozen):
    """ControlNet in the folders of models."""

    name: str = Field(description="Name of its file, below the folder that is searched.")
    kind: str = Field(description="As far as its header shows, for example `2.1-lite`.")
    format: str = Field(description="Format of most of its values.")
    size_bytes: int = Field(description="On the disk.")
    takes_mask: bool = Field(description="Whether it reads a mask and a masked image too.")


class ModelChoice(Frozen):
    """What a model of single files is run as; what is left out follows from what is there."""

    model_config = ConfigDict(extra="forbid")

    member: Member | None = Field(
        default=None,
        description="Member of the family, which the tensors do not tell; null for the one that the "
        "file's name suggests.",
    )
    text_encoder: str | None = Field(default=None, description="One of the part's `choices`; null for the first.")
    vae: str | None = Field(default=None, description="One of the part's `choices`; null for the first.")


Ability = Literal["text", "image", "mask", "outpaint", "upscale", "control", "references", "loras"]


class ModelInfo(Frozen):
    """Model of the catalogue."""

    id: str
    name: str
    description: str
    installed: bool
    demo: bool
    source: Literal["hub cache", "ckpts", "folder", "files"] | None
    download_gb: float | None
    size_multiple: int
    sizes: list[tuple[int, int]] = Field(
        description="Width and height of the only sizes that the model draws; empty when it draws any."
    )
    default_steps: int
    guidance_scale: float
    guidance: bool = Field(description="Whether the model is guided, and takes another `guidance_scale` of a request.")
    shift: float = Field(description="The model's own shift of the schedule.")
    negative_prompt: bool = Field(description="Whether the model takes the `negative_prompt` of a request.")
    can: list[Ability] = Field(
        description="What the model draws from with the engine of this server: `text`, an `image` with `strength`, a "
        "`mask`, `outpaint`, `upscale`, `control`, `references`; and whether `loras` act on it."
    )
    repository: str | None
    note: str | None = Field(
        description="Why the model is not installed although some of it is there, or what to know of what is."
    )
    download: ModelDownload
    member: Member | None = Field(description="Of a model of single files: which of the family it is run as.")
    parts: list[ModelPart] = Field(description="Of a model of single files: what it is put together from.")


class ModelList(Frozen):
    """Models that a request can name."""

    default: str | None
    loaded: str | None
    models: list[ModelInfo]
    controls: list[ControlInfo] = Field(description="ControlNets in the folders of models.")
    refused: list[RefusedFile] = Field(description="Files of weights in the folders of models that are of no use.")
    downloading: str | None = Field(description="Id of the variant that is being downloaded.")


class VariantFile(Frozen):
    """Single file of a variant."""

    part: PartName
    repository: str
    file: str = Field(description="Name, in the folder of models and in its repository.")
    size_bytes: int = Field(description="About.")
    here: bool = Field(description="Whether a file of this name and with this part is here; it is not fetched again.")


class VariantNeeds(Frozen):
    """What an image of 1024×1024 takes, where the variant runs best on this machine."""

    device: str = Field(description="As torch names it.")
    dtype: Literal["bfloat16", "float16", "float32"]
    quantization: Literal["int8", "fp8"] | None
    offload: Literal["none", "model", "sequential"]
    fits: bool
    device_bytes: int = Field(description="Peak on the device; where that is the processor, of the whole program.")
    device_total_bytes: int
    host_bytes: int = Field(description="Peak of the main memory.")
    host_total_bytes: int


class Recommendation(Frozen):
    """Why a variant is the one for this machine: of those that run best, the nearest to the published weights."""

    reason: Reason = Field(
        description="How it runs: in `full` precision, `quantised` as a whole, or its parts `in_turns` on the card."
    )
    short_of_disk: bool = Field(description="Whether the disk has no room for one that would suit better.")


class ModelVariant(Frozen):
    """Published variant of a member of the family, which `POST /api/models/{name}/download` fetches."""

    id: str = Field(description="Name for the download, and of the model that it becomes.")
    of: str = Field(description="Id of the member of the family.")
    label: str = Field(description="What its weights are stored in, for people.")
    format: str = Field(description="The transformer's, as its header says it; `folder` for the published layout.")
    licence: str
    quality: Quality = Field(
        description="How near its images are to those of the published weights: `exact` is them in bfloat16 or wider, "
        "`near` differs by a few levels of brightness, `float8` and `four_bit` by more, `other_picture` draws another."
    )
    repositories: list[str]
    files: list[VariantFile] = Field(description="Empty for a whole folder in the published layout.")
    size_bytes: int = Field(description="Of all its files, about.")
    missing_bytes: int = Field(description="What is still to come, about.")
    needs: VariantNeeds
    recommended: Recommendation | None = Field(description="Set for one variant of a member at most.")
    model: str | None = Field(description="Id of the installed model that it has become.")
    download: ModelDownload


class VariantList(Frozen):
    """Published variants."""

    room_bytes: int = Field(description="Free on the disk of the models, beyond what is kept free.")
    variants: list[ModelVariant]


class DoomedFile(Frozen):
    """File, or folder with all in it, that a deletion removes."""

    name: str = Field(description="Below the folder that is searched; a folder ends in a slash.")
    size_bytes: int


class KeptPart(Frozen):
    """Part of a model that stays when the model is deleted."""

    name: str
    reason: KeptReason = Field(description="`shared` with another model, or `not_ours`: not downloaded here.")


class ModelRemoval(Frozen):
    """What deleting a model removes."""

    files: list[DoomedFile]
    kept: list[KeptPart]
    size_bytes: int = Field(description="Of all that goes.")
