"""Models of the catalogue, as the API describes them."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from backend.models.recipe import Frozen

PartName = Literal["transformer", "text_encoder", "vae"]
Member = Literal["turbo", "base"]


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
