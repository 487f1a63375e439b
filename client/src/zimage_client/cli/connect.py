"""To whom a command speaks: a running server, or the API in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

from zimage_client.cli.console import say
from zimage_client.cli.local import in_process
from zimage_client.client import Client
from zimage_client.connection import Address, is_listening, read_address
from zimage_client.errors import ConnectionFailed, ZImageError
from zimage_client.retries import Retries

RETRIES = Retries(attempts=4, longest_wait_s=2.0)


@contextlib.contextmanager
def connected(server: str | None, *, local: bool = False, quiet: bool = False) -> Iterator[Client]:
    """Opens a client of the server; of the API in this process where nobody listens at an address of this machine.

    Raises:
        ZImageError: There is no server, and none can be started here.
    """
    address = address_of(server)
    if local and server is not None:
        raise typer.BadParameter("--local and --server exclude each other")
    if not local and (not address.is_local or is_listening(address)):
        with open_client(address) as client:
            yield client
        return
    if not quiet:
        say("Working in this process." if local else f"No server at {address}: working in this process.")
    with in_process() as embedded, Client(embedded.url, embedded.token, retries=RETRIES) as client:
        yield client


@contextlib.contextmanager
def connected_to_server(server: str | None) -> Iterator[Client]:
    """Opens a client of a server that runs.

    Raises:
        ConnectionFailed: Nobody listens.
    """
    address = address_of(server)
    if address.is_local and not is_listening(address):
        raise ConnectionFailed(f"No Z-Image runs at {address}, so there is no queue. `zimage serve` starts one.")
    with open_client(address) as client:
        yield client


def open_client(address: Address) -> Client:
    """Opens a client.

    Raises:
        ZImageError: The token cannot be sent, or the proxy of the environment needs another package.
    """
    try:
        return Client(str(address), retries=RETRIES)
    except ValueError as error:
        raise ZImageError(f"No connection to {address}: {error}.") from None
    except ImportError as error:
        raise ZImageError(f"The proxy in the environment cannot be used: {error}") from None


def address_of(server: str | None) -> Address:
    """Reads the address."""
    try:
        return read_address(server)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
