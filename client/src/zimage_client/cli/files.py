"""Where images are written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from zimage_client.types import Image

STDOUT = "-"


class Targets:
    """Names of the files of a command's images."""

    def __init__(self, output: str | None, count: int) -> None:
        """Checks what is asked for, before anything is drawn.

        Args:
            output: A PNG file, a folder, `-` for standard output, or None for the present folder.
            count: Number of images; several are numbered.

        Raises:
            BadParameter: That cannot be written.
        """
        self.is_stdout = output == STDOUT
        self._count = count
        self._file: Path | None = None
        self._folder = Path()
        if self.is_stdout:
            if count != 1:
                raise typer.BadParameter(f"standard output takes one image, not {count}", param_hint="--output")
        elif output is not None:
            self._read(output)

    def _read(self, output: str) -> None:
        path = Path(output).expanduser()
        if path.is_dir() or output.endswith(("/", os.sep)):
            path.mkdir(parents=True, exist_ok=True)
            self._folder = path
            return
        if path.suffix.lower() != ".png":
            raise typer.BadParameter(f"images are PNG files: {output!r} must end in .png", param_hint="--output")
        if not path.parent.is_dir():
            raise typer.BadParameter(f"there is no folder {str(path.parent)!r}", param_hint="--output")
        self._file = path

    def path_of(self, number: int, image: Image) -> Path:
        """Returns the file of an image; numbers count from 1."""
        if self._file is None:
            return self._folder / (Path(image.filename).name or f"{image.id}.png")
        if self._count == 1:
            return self._file
        return self._file.with_name(f"{self._file.stem}-{number}{self._file.suffix}")

    def write(self, number: int, image: Image, png: bytes) -> str:
        """Writes an image; returns where, `-` for standard output."""
        if self.is_stdout:
            sys.stdout.buffer.write(png)
            sys.stdout.buffer.flush()
            return STDOUT
        path = self.path_of(number, image)
        write_file(path, png)
        return str(path)


class Previews:
    """Files of the live previews: one that is replaced, or a folder with one each."""

    def __init__(self, file: Path | None, folder: Path | None) -> None:
        """Checks what is asked for, before anything is drawn.

        Raises:
            BadParameter: That cannot be written.
        """
        self._file = file
        self._folder = folder
        if file is not None and not file.parent.is_dir():
            raise typer.BadParameter(f"there is no folder {str(file.parent)!r}", param_hint="--preview")
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def are_wanted(self) -> bool:
        """Whether previews are to be fetched."""
        return self._file is not None or self._folder is not None

    def write(self, task_id: str, number: int, content: bytes) -> None:
        """Writes a preview, by its number in the task."""
        if self._file is not None:
            write_file(self._file, content)
        if self._folder is not None:
            write_file(self._folder / f"{task_id[:8]}-{number:03}.webp", content)


def write_file(path: Path, content: bytes) -> None:
    """Replaces a file as a whole, so that whoever looks at it sees the old one or the new one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
