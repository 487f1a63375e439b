"""What all configurations share: they are read strictly, from a mapping or a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Self, get_args, get_origin, get_type_hints

from zimage.errors import ConfigError

BOOKKEEPING = frozenset({"_class_name", "_diffusers_version", "_name_or_path"})

QUANTIZATION = "quantization_config"


class Config:
    """Base of the frozen configuration dataclasses.

    Subclasses validate their values in `__post_init__`.
    """

    # Settings that change the image without changing a tensor's shape: a file must say them.
    REQUIRED_IN_FILE: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Builds the configuration; missing keys get the defaults of Z-Image-Turbo.

        Args:
            values: settings by name. diffusers' bookkeeping keys are dropped.

        Raises:
            ConfigError: a key is unknown, or a value has the wrong type or is out of range.
        """
        given = {name: value for name, value in values.items() if name not in BOOKKEEPING}
        allowed = _field_types(cls)
        unknown = sorted(given.keys() - allowed.keys())
        if unknown:
            raise ConfigError(
                f"{cls.__name__} does not know {_listed(unknown)}; allowed are {_listed(sorted(allowed))}"
            )
        return cls(**{name: _checked(cls.__name__, name, value, allowed[name]) for name, value in given.items()})

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Reads a JSON file as diffusers writes it.

        Raises:
            ConfigError: the file is missing, no JSON object, or refused by `from_dict`. The message names it.
        """
        values = without_sdnq(read_object(path))
        missing = sorted(cls.REQUIRED_IN_FILE - values.keys())
        if missing:
            raise ConfigError(f"{path} must say {_listed(missing)}: no default would be right for every model")
        try:
            return cls.from_dict(values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings by name, for JSON or keyword arguments."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]  # subclasses are dataclasses

    def _require(self, condition: bool, message: str) -> None:
        if not condition:
            raise ConfigError(f"{type(self).__name__}: {message}")


def _field_types(cls: type[Config]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}  # type: ignore[arg-type]


def read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        ConfigError: the file is missing or holds something else; the message names it.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold a JSON object, it holds a {type(values).__name__}")
    return values


def without_sdnq(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings without how SDNQ has quantised the weights, which their reader checks (`zimage.weights.sdnq`).

    What other methods say stays, so that it is refused.
    """
    said = values.get(QUANTIZATION)
    is_sdnq = isinstance(said, dict) and said.get("quant_method") == "sdnq"
    return {name: value for name, value in values.items() if not (is_sdnq and name == QUANTIZATION)}


def _checked(owner: str, name: str, value: Any, expected: Any) -> Any:
    """Returns the value as the field stores it: lists as tuples, integers as floats."""
    if get_origin(expected) is UnionType:
        if value is None:
            return None
        expected = next(kind for kind in get_args(expected) if kind is not NoneType)
    if get_origin(expected) is tuple:
        if isinstance(value, list | tuple):
            return tuple(_checked(owner, f"{name}[{i}]", item, get_args(expected)[0]) for i, item in enumerate(value))
    elif expected is float and type(value) is int:
        return float(value)
    elif type(value) is expected:  # type(), since True is an int
        return value
    kind = (
        getattr(expected, "__name__", str(expected)) if get_origin(expected) is None else f"list of {_item(expected)}"
    )
    raise ConfigError(f"{owner}: {name} must be of type {kind}, got {value!r}")


def _item(expected: Any) -> str:
    return str(get_args(expected)[0].__name__)


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))
