"""What can go wrong with LoRAs; see `errors`."""

from __future__ import annotations

from backend.services.errors import InputRefused, ModelError, StudioError


class UnknownLora(InputRefused):
    """A request names a LoRA that is not here, or that several have the name of."""

    code = "unknown_lora"


class LoraChanged(InputRefused):
    """A request names a LoRA by its digest, and another file has its name now."""

    code = "lora_changed"


class LoraRefused(InputRefused):
    """A request names a LoRA that its model cannot use, or in a way that makes no sense."""

    code = "lora_refused"


class LoraNotFound(StudioError):
    """There is no such LoRA to look at or to delete."""

    code = "not_found"


class LoraDamaged(StudioError):
    """A file is no LoRA, or one that cannot be read."""

    code = "unreadable_lora"


class LoraInUse(StudioError):
    """A LoRA that a task needs is not deleted."""

    code = "lora_in_use"


class NameTaken(StudioError):
    """Another file has the name of one that is sent."""

    code = "name_taken"


class LoraUnusable(ModelError):
    """A LoRA that is damaged, for another model, or of a kind that is not read."""

    code = "lora_unusable"
