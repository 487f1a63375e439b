"""The one way from the command to the server's own code, where that is installed beside it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zimage_client.errors import ZImageError

if TYPE_CHECKING:
    from backend.embedded import Embedded
    from backend.tools.doctor import Finding

CHECKOUT = Path(__file__).resolve().parents[4]
QUIET = {"LOGURU_LEVEL": "WARNING", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
"""Libraries that would write between the lines of the progress."""


def has_backend() -> bool:
    """Tells whether the server's code can be imported; makes a checkout's importable."""
    if (CHECKOUT / "backend" / "embedded.py").is_file() and str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    try:
        return importlib.util.find_spec("backend.embedded") is not None
    except ModuleNotFoundError:
        return False


def require_backend(what: str) -> None:
    """Makes the server's code importable.

    Raises:
        ZImageError: It is not here.
    """
    if not has_backend():
        raise ZImageError(
            f"{what} needs Z-Image itself, and only its client is installed here. Use the zimage of a Z-Image that is "
            "set up (.venv/bin/zimage), or name a server with --server or ZIMAGE_URL."
        )


@contextlib.contextmanager
def in_process() -> Iterator[Embedded]:
    """Runs the API in this process.

    Raises:
        ZImageError: It cannot be started; the message says why.
    """
    require_backend("Drawing without a server")
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from pydantic import ValidationError

    from backend.embedded import EmbeddedFailed, serve_embedded
    from backend.models.setting_faults import describe_faults

    with contextlib.ExitStack() as stack:
        try:
            embedded = stack.enter_context(serve_embedded())
        except ValidationError as error:
            raise ZImageError(f"The settings in the environment are not valid. {describe_faults(error)}") from None
        except (EmbeddedFailed, OSError) as error:
            reason = str(error).replace("--data-dir", "ZIMAGE_DATA_DIR, or name the server with --server")
            raise ZImageError(f"Z-Image cannot start in this process: {reason}") from None
        yield embedded


def serve(arguments: Sequence[str]) -> int:
    """Serves the API and the browser UI until it is told to stop; returns the exit code."""
    require_backend("A server")
    from backend.__main__ import main
    from backend.utils.streams import protect_output

    protect_output()
    return main(list(arguments))


def serve_mcp(arguments: Sequence[str]) -> int:
    """Serves MCP over standard input and output until that is closed; returns the exit code."""
    require_backend("MCP over standard input and output")
    from backend.api.compat.mcp.stdio import main

    return main(list(arguments))


def examine() -> list[Finding]:
    """Looks at this machine; nothing where the server's code is not here."""
    if not has_backend():
        return []
    from backend.tools.doctor import examine_machine

    return examine_machine()
