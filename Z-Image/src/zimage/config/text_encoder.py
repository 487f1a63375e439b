"""What the text encoder is built from: a Qwen3 language model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from zimage.config.base import Config, read_object, without_sdnq
from zimage.errors import ConfigError

MODEL_TYPE = "qwen3"
FIXED = {"attention_bias": False, "hidden_act": "silu", "use_sliding_window": False, "quantization_config": None}


@dataclass(frozen=True)
class TextEncoderConfig(Config):
    """A Qwen3 model, as in `text_encoder/config.json`; the defaults are those of the published Z-Image-Turbo.

    Attributes:
        num_key_value_heads: divides `num_attention_heads`; a key and value serves several queries.
        rope_theta: base of the rotary frequencies.
    """

    vocab_size: int = 151_936
    hidden_size: int = 2560
    intermediate_size: int = 9728
    num_hidden_layers: int = 36
    num_attention_heads: int = 32
    num_key_value_heads: int = 8
    head_dim: int = 128
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1_000_000.0

    def __post_init__(self) -> None:
        """Validates the shapes."""
        sizes = {field.name: getattr(self, field.name) for field in fields(self)}
        wrong = [f"{name} {value}" for name, value in sizes.items() if value <= 0]
        self._require(not wrong, f"all sizes must be positive, got {', '.join(wrong)}")
        self._require(self.head_dim % 2 == 0, f"head_dim must be even, got {self.head_dim}")
        self._require(
            self.num_attention_heads % self.num_key_value_heads == 0,
            f"num_key_value_heads {self.num_key_value_heads} must divide "
            f"num_attention_heads {self.num_attention_heads}",
        )

    @classmethod
    def from_published(cls, values: Mapping[str, Any]) -> Self:
        """Builds the configuration from what transformers writes, which says much that does not matter here.

        Raises:
            ConfigError: it is of another kind of model, or a value is missing or out of range.
        """
        if (kind := values.get("model_type")) != MODEL_TYPE:
            raise ConfigError(f"model_type must be {MODEL_TYPE!r}, got {kind!r}")
        for name, allowed in FIXED.items():
            if (found := values.get(name, allowed)) != allowed:
                raise ConfigError(f"{name} must be {allowed!r}, got {found!r}")
        scaling = values.get("rope_parameters") or values.get("rope_scaling") or {}
        if not isinstance(scaling, dict):
            raise ConfigError(f"rope_parameters must be a JSON object, got {scaling!r}")
        if (kind := scaling.get("rope_type", scaling.get("type", "default"))) != "default":
            raise ConfigError(f"rope_type must be 'default', got {kind!r}")
        rope = {**values, **scaling}
        own = {field.name: rope[field.name] for field in fields(cls) if field.name in rope}
        missing = sorted({field.name for field in fields(cls)} - own.keys())
        if missing:
            raise ConfigError(f"these settings are missing: {', '.join(missing)}")
        return cls.from_dict(own)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Reads a JSON file as transformers writes it.

        Raises:
            ConfigError: the file is missing, no JSON object, or refused by `from_published`. The message names it.
        """
        try:
            return cls.from_published(without_sdnq(read_object(path)))
        except ConfigError as error:
            raise error if str(path) in str(error) else ConfigError(f"{path}: {error}") from error
