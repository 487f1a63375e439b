"""JSON to frozen dataclasses: unknown fields are left aside, missing ones take their defaults."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin

RecordType = TypeVar("RecordType", bound="Record")


@dataclass(frozen=True, kw_only=True)
class Record:
    """Something that the server has answered."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """As it came, with the fields that this version of the client does not know."""


class Unfit(ValueError):
    """A value that its field cannot hold."""


def decode(kind: type[RecordType], value: object) -> RecordType:
    """Builds a record.

    Raises:
        Unfit: A field is missing, or its value is of another kind; the message names it.
    """
    return _record(kind, value, kind.__name__)


def _record(kind: type[RecordType], value: object, path: str) -> RecordType:
    if not isinstance(value, dict):
        raise Unfit(f"{path} is no object")
    values: dict[str, Any] = {"raw": value}
    for entry, hint in _entries(kind):  # type: ignore[arg-type]  # a class is hashable
        if entry.name in value:
            values[entry.name] = _value(hint, value[entry.name], f"{path}.{entry.name}")
        elif entry.default is MISSING and entry.default_factory is MISSING:
            raise Unfit(f"{path}.{entry.name} is missing")
    return kind(**values)


@cache
def _entries(kind: type[Record]) -> tuple[tuple[Field[Any], Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((entry, hints[entry.name]) for entry in fields(kind) if entry.name != "raw")


def _value(hint: Any, value: object, path: str) -> object:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = next(one for one in arguments if one is not types.NoneType)
        return None if value is None else _value(inner, value, path)
    if origin is tuple:
        return _tuple(arguments, value, path)
    if hint is datetime:
        return _moment(value, path)
    kind = origin or hint
    if issubclass(kind, Record):
        return _record(kind, value, path)
    return _plain(kind, value, path)


def _tuple(arguments: tuple[Any, ...], value: object, path: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise Unfit(f"{path} is no list")
    if arguments[-1] is not Ellipsis:
        if len(value) != len(arguments):
            raise Unfit(f"{path} has {len(value)} values, not {len(arguments)}")
        return tuple(_value(hint, one, f"{path}[{at}]") for at, (hint, one) in enumerate(zip(arguments, value)))  # noqa: B905 — as long as each other
    return tuple(_value(arguments[0], one, f"{path}[{at}]") for at, one in enumerate(value))


def _moment(value: object, path: str) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise Unfit(f"{path} is no moment") from None


def _plain(kind: type[Any], value: object, path: str) -> object:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, kind) or (kind is int and not is_whole):
        raise Unfit(f"{path} is no {kind.__name__}")
    return value
