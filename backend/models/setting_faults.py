"""What is wrong with settings, in words for whoever set them."""

from __future__ import annotations

from pydantic import ValidationError

from backend.models.config import Settings

_NOT_ITS_OWN = "default_factory_not_called"
"""A default that hangs on another setting is not made where any setting is wrong: no fault by itself."""


def describe_faults(error: ValidationError) -> str:
    """Returns one sentence a fault, which names the variable; never the value, which may be a secret."""
    return " ".join(_sentence(fault["loc"], fault["msg"]) for fault in error.errors() if fault["type"] != _NOT_ITS_OWN)


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ").rstrip(".") + "."
    prefix = Settings.model_config.get("env_prefix", "")
    return f"{prefix}{place[0]}".upper() + f": {message}" if place else message
