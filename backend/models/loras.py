"""Wire schemas of LoRAs."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from backend.models.recipe import (
    INPUT_ID_PATTERN,
    MAX_LORA_STRENGTH,
    MAX_NAME_CHARACTERS,
    SHORT_HASH_PATTERN,
    Frozen,
    is_none,
)


class LoraRequest(BaseModel):
    """A LoRA that a request names. The entries of a record's `loras` can be sent back as they are."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: str = Field(
        min_length=1,
        max_length=MAX_NAME_CHARACTERS,
        description="A name of /api/loras; also the title or the name that its file has of itself.",
    )
    strength: float = Field(
        default=1.0, ge=-MAX_LORA_STRENGTH, le=MAX_LORA_STRENGTH, allow_inf_nan=False, description="0 is without it."
    )
    start: float = Field(default=0.0, ge=0, lt=1, allow_inf_nan=False, description="Share of the steps before it.")
    end: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False, description="Share of the steps at its end.")
    sha256: str | None = Field(
        default=None,
        pattern=INPUT_ID_PATTERN,
        exclude_if=is_none,
        description="Of its file: finds it under another name, and refuses another file of this name.",
    )
    short_hash: str | None = Field(
        default=None,
        pattern=SHORT_HASH_PATTERN,
        exclude_if=is_none,
        description="As other programs write it; finds the file where the name does not.",
    )

    @field_validator("end")
    @classmethod
    def _ends_after_its_start(cls, value: float, info: ValidationInfo) -> float:
        if value <= info.data.get("start", 0.0):
            raise PydanticCustomError("lora", "This must be above `start`.")
        return value


class LoraSuggestion(Frozen):
    """What the maker of a LoRA advises; null where nothing is said."""

    strength: float | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    negative_prompt: str | None = None


class LoraInfo(Frozen):
    """LoRA that a request can name."""

    name: str = Field(description="Path of its file below the folder that is searched, without the ending; deletes it.")
    title: str | None = Field(description="What its maker calls it.")
    file: str = Field(description="Path below the folder that is searched.")
    kind: str | None = Field(
        description="`lora`, `lokr`, `loha`, `dora`, `diff` or `mixed`; null where nothing is read."
    )
    rank: int | None = Field(description="The largest of its ranks.")
    dtype: str | None = Field(description="Format of most of its values.")
    base: str | None = Field(description="Model that it was trained on, as far as it is said.")
    family: str | None = Field(description="Family of models that its tensors are for, as far as they show.")
    role: str | None = Field(description="What a LoRA is that needs other settings than a style, as `distill-8`.")
    matched: int = Field(description="Layers that fit the model.")
    of: int = Field(description="Layers in all.")
    trigger_words: list[str] = Field(description="Words for the prompt, the surest first.")
    tags: list[str]
    description: str | None
    usage_hint: str | None
    suggested: LoraSuggestion
    preview: str | None = Field(description="Address of its preview.")
    size_bytes: int
    sha256: str | None = Field(description="Of its file; null until it has been used once.")
    modified_at: datetime = Field(description="When its file was changed.")
    is_own: bool = Field(description="Whether it can be deleted here.")
    problem: str | None = Field(description="Why the model cannot use it; null where it can.")
    warning: str | None = Field(description="What of it is left out, or what else to know before it is used.")


class LoraList(Frozen):
    """LoRAs in the folders that are searched, by name, as one model takes them."""

    loras: list[LoraInfo]
    n_unread: int = Field(description="How many of them are still to be read; ask again in a second.")
    max_upload_bytes: int = Field(description="Largest file that can be sent here.")
