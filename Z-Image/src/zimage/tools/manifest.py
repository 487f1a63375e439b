"""Makes the manifest of a model's folder, or verifies a folder against one.

python -m zimage.tools.manifest make FOLDER [--output FILE] [--name NAME] [--repository ID] [--revision COMMIT]
python -m zimage.tools.manifest verify FOLDER [--manifest NAME|FILE] [--sizes-only]
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from zimage.config.manifest import Manifest, ManifestFile, published, published_names
from zimage.errors import ConfigError, WeightsError
from zimage.tools.console import Progress, run

BLOCK_BYTES = 2**22
PARTS = ("scheduler", "text_encoder", "tokenizer", "transformer", "vae")
CACHED = "models--"
KINDS = (".json", ".jinja", ".txt", ".safetensors")
OnBytes = Callable[[int], None]


def model_files(folder: Path) -> list[Path]:
    """Returns the files of a model folder that a pipeline reads.

    Raises:
        WeightsError: the folder holds no model.
    """
    files = [path for part in PARTS for path in (folder / part).glob("*") if path.is_file() and path.suffix in KINDS]
    files += [path for path in folder.glob("*.json") if path.is_file()]
    if not (folder / "model_index.json").is_file() or not files:
        raise WeightsError(f"{folder} holds no model: there is no model_index.json")
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def make_manifest(
    folder: Path, name: str, repository: str | None = None, revision: str | None = None, on_bytes: OnBytes | None = None
) -> Manifest:
    """Builds a manifest with the size and hash of every file.

    Args:
        folder: model folder in the published layout.
        name: name of the model.
        repository: origin of the files.
        revision: commit of the repository.
        on_bytes: called with the number of newly hashed bytes.
    """
    files = tuple(
        ManifestFile(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path, on_bytes))
        for path in model_files(folder)
    )
    return Manifest(name, files, repository, revision)


def verify(folder: Path, manifest: Manifest, *, hashes: bool = True, on_bytes: OnBytes | None = None) -> list[str]:
    """Compares a folder with a manifest.

    Args:
        folder: model folder.
        manifest: expected files.
        hashes: whether to compare hashes too, not sizes alone.
        on_bytes: called with the number of newly hashed bytes.

    Returns:
        One sentence per missing, differing or unknown file, starting with its path. Empty if there is none.

    Raises:
        WeightsError: there is no such folder.
    """
    if not folder.is_dir():
        raise WeightsError(f"there is no folder {folder}")
    faults = [fault for file in manifest.files if (fault := _fault(folder, file, hashes, on_bytes))]
    known = {file.path for file in manifest.files}
    weights = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.safetensors"))
    return faults + [f"{path} is not in the manifest" for path in weights if path not in known]


def sha256_of(path: Path, on_bytes: OnBytes | None = None) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            if on_bytes:
                on_bytes(len(block))
    return digest.hexdigest()


def _fault(folder: Path, file: ManifestFile, hashes: bool, on_bytes: OnBytes | None) -> str | None:
    path = folder / file.path
    if not path.is_file():
        return f"{file.path} is missing"
    size_bytes = path.stat().st_size
    if file.size_bytes is not None and size_bytes != file.size_bytes:
        return f"{file.path} has {size_bytes} bytes instead of {file.size_bytes}"
    if hashes and file.sha256 is not None and (found := sha256_of(path, on_bytes)) != file.sha256:
        return f"{file.path} has other content: sha256 {found} instead of {file.sha256}"
    return None


def find_manifest(folder: Path, wanted: str | None) -> Manifest:
    """Returns a manifest from a file, by name, or by the name of the folder.

    Snapshots of the hub cache go by repository: `models--OWNER--NAME/snapshots/COMMIT`.

    Raises:
        ConfigError: there is none; the message lists the known ones.
    """
    if wanted is not None:
        return Manifest.from_file(Path(wanted)) if Path(wanted).suffix == ".json" else published(wanted)
    path = folder.resolve()
    names = [path.name, *(parent.name.rpartition("--")[2] for parent in path.parents if parent.name.startswith(CACHED))]
    known = next((name.lower() for name in names if name.lower() in published_names()), None)
    if known is None:
        raise ConfigError(
            f"no manifest is known for a folder called {path.name!r}: say --manifest with a file or one of "
            f"{', '.join(published_names())}"
        )
    return published(known)


def _make(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder
    progress = Progress(_size_bytes(model_files(folder)))
    name = arguments.name or folder.resolve().name
    text = make_manifest(folder, name, arguments.repository, arguments.revision, progress).to_json()
    if arguments.output is None:
        sys.stdout.write(text)
    else:
        arguments.output.write_text(text, "utf-8")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder
    manifest = find_manifest(folder, arguments.manifest)
    hashed = [] if arguments.sizes_only else [folder / file.path for file in manifest.files if file.sha256]
    progress = Progress(_size_bytes(path for path in hashed if path.is_file()))
    faults = verify(folder, manifest, hashes=not arguments.sizes_only, on_bytes=progress)
    for fault in faults:
        print(fault)
    unknown = sum(file.size_bytes is None for file in manifest.files)
    hint = f" ({unknown} of them by name only: the manifest does not tell their sizes)" if unknown else ""
    print(f"{folder}: {len(faults) or 'no'} faults, {len(manifest.files)} files of {manifest.name} looked at{hint}")
    return 1 if faults else 0


def _size_bytes(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("make", help="measure and hash a folder's files")
    make.add_argument("folder", type=Path)
    make.add_argument("--output", type=Path, help="where to write it; standard output when missing")
    make.add_argument("--name", help="of the model; the folder's name when missing")
    make.add_argument("--repository", help="where the files came from, as owner/name")
    make.add_argument("--revision", help="the commit of the repository")
    make.set_defaults(command=_make)
    check = commands.add_parser("verify", help="name every missing, damaged or unknown file; exit status 1 if any")
    check.add_argument("folder", type=Path)
    check.add_argument("--manifest", help="a file, or " + ", ".join(published_names()))
    check.add_argument("--sizes-only", action="store_true", help="do not read the files")
    check.set_defaults(command=_verify)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(lambda: int(arguments.command(arguments)))


if __name__ == "__main__":
    sys.exit(main())
