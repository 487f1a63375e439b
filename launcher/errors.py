"""What can go wrong before Z-Image runs.

LauncherError (1)
├── MissingTool (3)     Python, its venv module or Node is missing or has the wrong version
├── DiskFull (4)        not enough free space to install
├── NetworkDown (5)     pip or npm could not reach its registry
├── PortTaken (6)       another program listens on the port
├── StepFailed (7)      a set-up command failed for another reason
├── NotWritable (8)     a folder that is written to belongs to somebody else, is read-only, or is none
└── UnfitFolder (9)     the path of the checkout has a character that the tools cannot do with

The number is the exit code.
"""

from __future__ import annotations


class LauncherError(Exception):
    """A failure with a plain sentence for the person at the keyboard."""

    exit_code = 1


class MissingTool(LauncherError):
    """Python, its venv module or Node is missing or has the wrong version."""

    exit_code = 3


class DiskFull(LauncherError):
    """There is not enough free space to install."""

    exit_code = 4


class NetworkDown(LauncherError):
    """Pip or npm could not reach its registry."""

    exit_code = 5


class PortTaken(LauncherError):
    """The port cannot be listened on."""

    exit_code = 6


class StepFailed(LauncherError):
    """A set-up command failed; its last lines are part of the message."""

    exit_code = 7


class NotWritable(LauncherError):
    """A folder that is written to belongs to somebody else, is read-only, or is none."""

    exit_code = 8


class UnfitFolder(LauncherError):
    """The path of the checkout has a character that the tools cannot do with."""

    exit_code = 9
