"""The command line: reads options, sets up, starts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from launcher import checks
from launcher.console import complain, say
from launcher.errors import LauncherError, PortTaken
from launcher.processes import Stopped, raise_on_stop_signals
from launcher.serve import Address, serve, serve_dev, serve_frontend
from launcher.setup import Places, Setup

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 15000
DEFAULT_WEB_PORT = 15001


def run(arguments: Sequence[str]) -> int:
    """Does what the command line asks and returns the exit code; failures become one plain sentence."""
    raise_on_stop_signals()
    try:
        options = build_parser(os.environ).parse_args(arguments)
        places = Places(Path(__file__).resolve().parent.parent)
        return launch(options, places, child_environ(os.environ))
    except LauncherError as error:
        complain(str(error))
        return error.exit_code
    except OSError as error:
        complain(f"{error.strerror or error}: {error.filename or 'no file'}. Mend that, then run this command again.")
        return LauncherError.exit_code
    except Stopped as stopped:
        complain("Stopped. Running the command again goes on where it stopped.")
        return 128 + stopped.signum


def launch(options: argparse.Namespace, places: Places, environ: Mapping[str, str]) -> int:
    """Sets up what the service needs, then starts it."""
    address = read_address(options)
    checks.check_path(places.root, with_ui=options.service != "backend")
    setup = Setup(places, environ)
    if options.service != "frontend":
        setup.python(options.torch, options.with_test_tools)
    if options.service != "backend":
        setup.node()
    if options.service == "all" and not options.dev:
        setup.build()
    if options.setup_only:
        say("Set-up is complete.")
        return 0
    if options.service == "frontend":
        return serve_frontend(places, address, environ)
    if options.dev:
        return serve_dev(places, address, environ, with_ui=options.service == "all")
    return serve(places, address, environ)


def build_parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """Builds the parser; each option's default comes from its environment variable."""
    parser = argparse.ArgumentParser(
        prog="start", description="Sets Z-Image up (first run only) and starts it.", allow_abbrev=False
    )
    parser.add_argument("service", nargs="?", choices=["all", "backend", "frontend"], default="all",
                        help="what to start; without the browser UI's build, backend needs no Node")  # fmt: skip
    parser.add_argument("--setup-only", action="store_true", help="set up, then stop")
    parser.add_argument("--dev", action="store_true", help="reload the API and the UI when their sources change")
    parser.add_argument("--torch", type=torch_choice, default=environ.get("ZIMAGE_TORCH") or None, metavar="BUILD",
                        help="build of torch: auto, cpu or cuda; auto (first set-up) takes CUDA where an NVIDIA card "
                             "is present, later runs keep what is installed [ZIMAGE_TORCH]")  # fmt: skip
    parser.add_argument("--host", default=environ.get("ZIMAGE_HOST") or DEFAULT_HOST,
                        help=f"address to listen on, default {DEFAULT_HOST} [ZIMAGE_HOST]")  # fmt: skip
    parser.add_argument("--port", type=port_number, default=environ.get("ZIMAGE_PORT") or str(DEFAULT_PORT),
                        help=f"port of the API, default {DEFAULT_PORT} [ZIMAGE_PORT]")  # fmt: skip
    parser.add_argument("--web-port", type=port_number, default=environ.get("ZIMAGE_WEB_PORT") or str(DEFAULT_WEB_PORT),
                        help=f"port of the browser UI, default {DEFAULT_WEB_PORT} [ZIMAGE_WEB_PORT]")  # fmt: skip
    parser.add_argument("--data-dir", default=environ.get("ZIMAGE_DATA_DIR") or None,
                        help="folder for pictures and history, default data/ [ZIMAGE_DATA_DIR]")  # fmt: skip
    parser.add_argument("--root-path", default=environ.get("ZIMAGE_ROOT_PATH") or None,
                        help="sub-path behind a reverse proxy, as /zimage [ZIMAGE_ROOT_PATH]")  # fmt: skip
    parser.add_argument("--with-test-tools", action="store_true", help="also install what the tests need")
    return parser


def torch_choice(text: str) -> str:
    """Reads which build of torch to install; a type, because argparse checks choices of the command line only."""
    if text not in ("auto", "cpu", "cuda"):
        raise argparse.ArgumentTypeError(f"the build of torch is auto, cpu or cuda, not {text!r}")
    return text


def port_number(text: str) -> int:
    """Reads a port between 1 and 65535."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)


def read_address(options: argparse.Namespace) -> Address:
    """Gathers the address; a data folder is relative to where the person stands, not to the repository."""
    if options.port == options.web_port:
        raise PortTaken(f"--port and --web-port are both {options.port}; they must differ.")
    data_dir = str(Path(options.data_dir).absolute()) if options.data_dir else None
    return Address(options.host, options.port, options.web_port, data_dir, options.root_path)


def child_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Gives the children's environment: nothing that is set for another Python, and tools that keep quiet."""
    dropped = {"VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "NODE_ENV"}
    kept = {name: value for name, value in environ.items() if name not in dropped and not name.startswith("PYTHON")}
    quiet_npm = {f"npm_config_{name}": "false" for name in ("audit", "fund", "update_notifier")}
    return {**kept, **quiet_npm, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "PYTHONNOUSERSITE": "1"}
