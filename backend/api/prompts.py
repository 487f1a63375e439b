"""Token counts of prompts."""

from __future__ import annotations

from fastapi import APIRouter

from backend.api.deps import App
from backend.api.errors import documented
from backend.models.gallery import TokenCount, TokenRequest

router = APIRouter(tags=["generate"])


@router.post("/tokens", responses=documented(400, 413, 422))
def count_tokens(request: TokenRequest, app: App) -> TokenCount:
    """Counts a prompt's tokens. The model does not read those beyond its limit."""
    return app.tokens.count(request.prompt, request.model)
