"""Forms that are read as a whole."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from backend.api.errors import FormExpected

FILE_FORM = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "format": "binary", "title": "File"}},
        }
    }
}
"""Content of a body that is one file, for OpenAPI."""
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


@contextlib.asynccontextmanager
async def open_form(
    request: Request, field: str, max_files: int, max_fields: int, otherwise: str = ""
) -> AsyncIterator[FormData]:
    """Yields the form of a request, whose files are closed afterwards.

    Args:
        request: Where it comes from.
        field: What the file is called, for the error.
        max_files: Most files that are taken.
        max_fields: Most other fields that are taken.
        otherwise: What else the body may be, for the error.

    Raises:
        FormExpected: The body is no form, or none that can be read.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in _FORMS:
        raise FormExpected(field, otherwise)
    try:
        form = await request.form(max_files=max_files, max_fields=max_fields)
    except HTTPException:
        raise FormExpected(field, otherwise) from None
    try:
        yield form
    finally:
        await form.close()
