"""Sessions of browsers: a token is sent once, then a cookie stands for it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from backend.api.deps import CLIENT_KEY, App, client_address, session_cookie
from backend.api.errors import documented
from backend.models.session import LoginRequest, Session
from backend.services.access.sessions import LIFETIME
from backend.services.errors import WrongToken

router = APIRouter(prefix="/session", tags=["session"])


@router.get("")
def get_session(app: App, request: Request) -> Session:
    """Returns whether a token is required, and the name of this request's. Open to all."""
    return Session(required=app.access_tokens.required, name=request.scope.get(CLIENT_KEY))


@router.post("", status_code=204, responses=documented(400, 401, 413, 422, 429))
def log_in(login: LoginRequest, app: App, request: Request) -> Response:
    """Exchanges a token for a cookie that lasts 30 days. Sets none where no token is required."""
    response = Response(status_code=204)
    if not app.access_tokens.required:
        return response
    name = app.access_tokens.name_of(login.token.encode(), client_address(request))
    if name is None:
        raise WrongToken("This token is not known here.")
    response.set_cookie(
        session_cookie(app.settings),
        app.sessions.begin(name),
        max_age=int(LIFETIME.total_seconds()),
        path=app.settings.root_path or "/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


@router.delete("", status_code=204)
def log_out(app: App, request: Request) -> Response:
    """Ends the cookie's session and removes the cookie."""
    cookie = session_cookie(app.settings)
    app.sessions.end(request.cookies.get(cookie, ""))
    response = Response(status_code=204)
    response.delete_cookie(cookie, path=app.settings.root_path or "/", httponly=True, samesite="strict")
    return response
