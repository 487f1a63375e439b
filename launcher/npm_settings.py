"""What a person's npm settings may say here: where packages come from, and how the network is reached; not which.

The lock file already says which packages the UI is built with. A setting like `omit=dev` would leave its tools out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

# Flags win over every npmrc and variable. What they set is npm's default.
INSTALL_FLAGS = (
    "--include=dev", "--include=optional", "--include=peer",
    "--dry-run=false", "--bin-links=true", "--package-lock=true", "--package-lock-only=false",
    "--global=false", "--location=project",
    "--legacy-peer-deps=false", "--install-strategy=hoisted",
    "--loglevel=notice",  # a silent npm could not say what has failed
)  # fmt: skip
_PREFIX = re.compile(r"npm_config_", re.IGNORECASE)
_KEPT = re.compile(
    r"registry|(?:https?_?)?proxy|no_?proxy|cafile|ca|cert|key|strict_ssl|local_address|maxsockets|fetch_\w+"
    r"|cache|prefer_offline|prefer_online|offline|replace_registry_host|omit_lockfile_registry_resolved"
    r"|userconfig|globalconfig|prefix|ignore_scripts|nodedir|audit|fund|update_notifier|_\w+|username|email|.*[@/:].*",
    re.IGNORECASE,
)


def npm_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Leaves out the npm_config_ variables that change what is installed, and NODE_ENV, which does so too."""
    kept = {name: value for name, value in environ.items() if name != "NODE_ENV" and _is_kept(name)}
    return {**kept, "npm_config_workspaces": "false"}


def _is_kept(name: str) -> bool:
    prefix = _PREFIX.match(name)
    return prefix is None or _KEPT.fullmatch(name[prefix.end() :].replace("-", "_")) is not None


def missing_packages(frontend: Path) -> list[str]:
    """Names the packages of the lock file that are not installed; those for other systems do not count."""
    try:
        packages = json.loads((frontend / "package-lock.json").read_bytes()).get("packages", {})
    except (OSError, ValueError, AttributeError):
        return []  # npm says better what is the matter with the file
    return [
        name.removeprefix("node_modules/")
        for name, facts in packages.items()
        if name and not facts.get("optional") and not (frontend / name / "package.json").is_file()
    ]
