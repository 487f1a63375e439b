"""Exceptions of the library.

ZImageError
├── ConfigError      also a ValueError: settings that no model can have
├── ConditionError   also a ValueError: an input image, mask or size that cannot be used
├── WeightsError     also a ValueError: files that are missing, damaged or of another model
├── PartError        also a ValueError: a part of a model folder cannot be loaded
│   └── LoraError    a file is no LoRA, is damaged, or is one for another model
├── AttentionUnavailable  also a RuntimeError, in utils/attention.py: a kernel that does not work here
└── NotFiniteError   also an ArithmeticError: NaN or infinity instead of an image
"""


class ZImageError(Exception):
    """Base of all exceptions of the library."""


class ConfigError(ZImageError, ValueError):
    """Invalid configuration; the message names key, value and allowed values."""


class ConditionError(ZImageError, ValueError):
    """An input image, mask or size cannot be used; the message says what is allowed."""


class WeightsError(ZImageError, ValueError):
    """Missing, damaged or mismatched weights; the message names all of them."""


class NotFiniteError(ZImageError, ArithmeticError):
    """NaN or infinity in the output of a part; the message names it."""


class PartError(ZImageError, ValueError):
    """A part of a model folder cannot be loaded.

    Attributes:
        part: name of the part; the cause is chained.
    """

    def __init__(self, part: str, reason: object) -> None:
        super().__init__(f"{part}: {reason}")
        self.part = part


class LoraError(PartError):
    """A LoRA cannot be loaded, used or fused; the message names file, keys and shapes."""

    def __init__(self, reason: object) -> None:
        super().__init__("lora", reason)
