"""Starts what was set up: the one server process, or in development the reloading pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher import checks
from launcher.console import say
from launcher.folders import check_folder
from launcher.processes import Child, supervise
from launcher.setup import Places


@dataclass(frozen=True)
class Address:
    """Where to listen and where pictures are kept."""

    host: str
    port: int
    web_port: int
    data_dir: str | None
    root_path: str | None = None

    def check(self, api: bool, web: bool) -> None:
        """Raises PortTaken when a needed port cannot be listened on."""
        if api:
            checks.check_port(self.host, self.port, "--port")
        if web:
            checks.check_port(self.host, self.web_port, "--web-port")

    def as_environ(self) -> dict[str, str]:
        """Gives the same values as the variables that the backend's settings and the Vite proxy read."""
        values = {"ZIMAGE_HOST": self.host, "ZIMAGE_PORT": str(self.port), "ZIMAGE_WEB_PORT": str(self.web_port)}
        more = {"ZIMAGE_DATA_DIR": self.data_dir, "ZIMAGE_ROOT_PATH": self.root_path}
        return values | {name: value for name, value in more.items() if value is not None}


def serve(places: Places, address: Address, environ: Mapping[str, str]) -> int:
    """Runs the one Python process that serves the API and the built UI, until it or the person ends it."""
    address.check(api=True, web=True)
    _check_data_folder(places, address, environ)
    options = ["--host", address.host, "--port", str(address.port), "--web-port", str(address.web_port)]
    if address.data_dir is not None:
        options += ["--data-dir", address.data_dir]
    command = [str(places.python), "-m", "backend", *options]
    return supervise([Child(command, places.root, {**environ, **address.as_environ()})])


def serve_frontend(places: Places, address: Address, environ: Mapping[str, str]) -> int:
    """Runs Vite's development server alone; it passes /api on to the API's port."""
    address.check(api=False, web=True)
    return supervise([_vite(places, address, environ)])


def serve_dev(places: Places, address: Address, environ: Mapping[str, str], with_ui: bool) -> int:
    """Runs the API with reload, and Vite's development server beside it; both end together."""
    address.check(api=True, web=with_ui)
    _check_data_folder(places, address, environ)
    ui = f"  UI http://{address.host}:{address.web_port}" if with_ui else ""
    say(f"Development: API http://{address.host}:{address.port}{ui}")
    api = _reloading_api(places, address, environ)
    if not with_ui:
        return supervise([api])
    try:
        web = _vite(places, address, environ)
    except BaseException:
        api.kill()
        raise
    return supervise([api, web])


def _check_data_folder(places: Places, address: Address, environ: Mapping[str, str]) -> None:
    default = Path(environ.get("ZIMAGE_BASE_DIR") or places.root) / "data"
    folder = default if address.data_dir is None else Path(address.data_dir)
    check_folder(folder, "Pictures and history are kept there; choose another folder with --data-dir.")


def _reloading_api(places: Places, address: Address, environ: Mapping[str, str]) -> Child:
    command = [
        str(places.python), "-m", "uvicorn", "--factory", "backend.main:create_app",
        "--reload", "--reload-dir", "backend", "--reload-dir", "Z-Image/src",
        "--host", address.host, "--port", str(address.port), "--timeout-graceful-shutdown", "5",
    ]  # fmt: skip
    return Child(command, places.root, {**environ, **address.as_environ()})


def _vite(places: Places, address: Address, environ: Mapping[str, str]) -> Child:
    # Vite itself rather than `npm run dev`: npm and its shell would stand between the signals and it.
    node, _ = checks.find_node()
    script = str(places.frontend / "node_modules" / "vite" / "bin" / "vite.js")
    command = [node, script, "--host", address.host, "--port", str(address.web_port), "--strictPort"]
    return Child(command, places.frontend, {**environ, **address.as_environ()})
