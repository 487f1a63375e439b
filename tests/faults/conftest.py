"""The same applications that the other tests of the service have."""

from __future__ import annotations

from tests.backend.conftest import (  # noqa: F401 — fixtures
    _no_wait_for_the_disk,
    app,
    client,
    engine,
    finish,
    post,
    services,
    settings,
    shared,
)
from tests.backend.services.conftest import make, manager, store  # noqa: F401
