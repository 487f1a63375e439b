"""What the library raises of its own accord.

ZImageError
├── ConfigError      also a ValueError: settings that no model can have
├── WeightsError     also a ValueError: files that are missing, damaged or of another model
├── PartError        also a ValueError: a part of a model folder cannot be loaded
├── AttentionUnavailable  also a RuntimeError, in utils/attention.py: a kernel that does not work here
└── NotFiniteError   also an ArithmeticError: NaN or infinity instead of an image
"""


class ZImageError(Exception):
    """The root of the tree."""


class ConfigError(ZImageError, ValueError):
    """A configuration that is not understood; the message names the key, its value and what is allowed."""


class WeightsError(ZImageError, ValueError):
    """Weights that do not fit; the message names every file or tensor at fault."""


class NotFiniteError(ZImageError, ArithmeticError):
    """A part of the model gives NaN or infinity; the message names it."""


class PartError(ZImageError, ValueError):
    """A part of a model folder cannot be loaded; `part` names it, and the message and the cause say why."""

    def __init__(self, part: str, reason: object) -> None:
        super().__init__(f"{part}: {reason}")
        self.part = part
