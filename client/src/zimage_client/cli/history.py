"""`zimage history`."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from zimage_client.cli.completion import complete_image
from zimage_client.cli.connect import connected
from zimage_client.cli.console import print_json, print_rows
from zimage_client.cli.files import Targets, write_file
from zimage_client.cli.options import ID, AsJson, Local, Server
from zimage_client.client import Client
from zimage_client.errors import ZImageError
from zimage_client.filters import HistoryFilters
from zimage_client.types import BulkResult, Image

app = typer.Typer(no_args_is_help=True, help="The images that were drawn.")

LATEST = "latest"
SEARCHED = 2000
"""Images among which the beginning of an id is looked for."""
PAGE = 100

Ids = Annotated[
    list[str],
    typer.Argument(metavar="IMAGE", help="Ids, their beginnings, or latest.", autocompletion=complete_image),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="Images to list.")]
Model = Annotated[str | None, typer.Option("--model", "-m", help="Only images of this model.")]
Tag = Annotated[str | None, typer.Option("--tag", help="Only images with this tag.")]
Favourites = Annotated[bool, typer.Option("--favourites", help="Only favourites.", show_default=False)]
Trash = Annotated[bool, typer.Option("--trash", help="The images in the trash.", show_default=False)]


@app.command("list")
def list_images(
    limit: Limit = 20,
    model: Model = None,
    tag: Tag = None,
    favourites: Favourites = False,
    trash: Trash = False,
    json: AsJson = False,
    server: Server = None,
    local: Local = False,
) -> None:
    """List the images, newest first."""
    filters = _filters(None, limit, model, tag, favourites, trash)
    with connected(server, local=local) as client:
        _print(list(itertools.islice(client.images(**filters), limit)), json)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="Words of the prompt or the tags, or a seed.")],
    limit: Limit = 20,
    model: Model = None,
    tag: Tag = None,
    favourites: Favourites = False,
    trash: Trash = False,
    json: AsJson = False,
    server: Server = None,
    local: Local = False,
) -> None:
    """List the images whose prompt or tags have all these words."""
    filters = _filters(" ".join(words), limit, model, tag, favourites, trash)
    with connected(server, local=local) as client:
        _print(list(itertools.islice(client.images(**filters), limit)), json)


@app.command("open")
def open_image(image: Annotated[str, typer.Argument(autocompletion=complete_image)] = LATEST, server: Server = None,
               local: Local = False) -> None:  # fmt: skip
    """Open an image in the system's viewer."""
    with connected(server, local=local) as client:
        found = find(image, client)
        path = Path(tempfile.mkdtemp(prefix="zimage-")) / (Path(found.filename).name or f"{found.id}.png")
        write_file(path, client.download(found))
    if typer.launch(str(path)):
        raise ZImageError(f"The system has no viewer that it would start; the image is {path}.")
    typer.echo(str(path))


@app.command()
def download(
    images: Ids,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", help="A PNG file, a folder, or - for standard output.", show_default="this folder"
        ),
    ] = None,
    server: Server = None,
    local: Local = False,
) -> None:
    """Write images as PNG files. Their paths go to standard output."""
    targets = Targets(output, len(images))
    with connected(server, local=local) as client:
        for number, name in enumerate(images, start=1):
            image = find(name, client)
            path = targets.write(number, image, client.download(image))
            if not targets.is_stdout:
                typer.echo(path)


@app.command()
def delete(
    images: Ids,
    permanent: Annotated[
        bool, typer.Option("--permanent", help="For good; only out of the trash.", show_default=False)
    ] = False,
    server: Server = None,
    local: Local = False,
) -> None:
    """Move images to the trash, or delete them from there for good."""
    with connected(server, local=local) as client:
        found = [find(name, client, trash=permanent) for name in images]
        if not permanent:
            _tell(client.delete(*found))
            return
        for image in found:
            client.delete_for_good(image)
            typer.echo(image.id)


@app.command()
def restore(images: Ids, server: Server = None, local: Local = False) -> None:
    """Take images out of the trash."""
    with connected(server, local=local) as client:
        found = [find(name, client, trash=True) for name in images]
        _tell(client.restore(*found))


def find(name: str, client: Client, *, trash: bool = False) -> Image:
    """Returns the one image whose id begins so, or the latest one.

    Raises:
        ZImageError: There is none, or more than one.
    """
    if ID.fullmatch(name):
        return Image(id=name)  # whether it is there, the server says
    if name == LATEST and not trash:
        return client.latest()
    newest = itertools.islice(client.images(trash=trash, page_size=PAGE), SEARCHED)
    found = [image for image in newest if image.id.startswith(name)]
    if len(found) != 1 or not name:
        where = "in the trash" if trash else "of the history"
        count = f"{len(found)} images" if found else "No image"
        raise ZImageError(f"{count} {where}, of the newest {SEARCHED}, has an id that begins with {name!r}.")
    return found[0]


def _tell(result: BulkResult) -> None:
    """Prints the ids of the images that were changed; those that do not exist are an error."""
    for image_id in result.done:
        typer.echo(image_id)
    if result.missing:
        raise ZImageError(f"There is no image {', '.join(result.missing)}.")


def _filters(
    words: str | None, limit: int, model: str | None, tag: str | None, favourites: bool, trash: bool
) -> HistoryFilters:
    return {
        "q": words,
        "page_size": min(limit, PAGE),
        "model": model,
        "tag": tag,
        "favourite": True if favourites else None,
        "trash": trash,
    }


def _print(images: list[Image], as_json: bool) -> None:
    if as_json:
        print_json([image.raw for image in images])
        return
    rows = [
        (
            image.id,
            image.created_at.astimezone().strftime("%Y-%m-%d %H:%M") if image.created_at else "",
            f"{image.width}x{image.height}",
            image.seed,
            image.model,
            image.prompt,
        )
        for image in images
    ]
    print_rows(("ID", "DRAWN", "SIZE", "SEED", "MODEL", "PROMPT"), rows, empty="No such image.")
