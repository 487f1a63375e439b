"""Wire schemas of sessions."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from backend.models.recipe import Frozen


class Session(Frozen):
    """Whether a token is required, and the name of the one in use."""

    required: bool = Field(description="Whether this server asks for a token.")
    name: str | None = Field(description="Whose token this request has brought, as a header or by its cookie.")


class LoginRequest(BaseModel):
    """Token of a login."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    token: str = Field(min_length=1, max_length=1000, repr=False)
