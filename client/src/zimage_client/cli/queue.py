"""`zimage queue`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from zimage_client.cli.completion import complete_task
from zimage_client.cli.connect import connected_to_server
from zimage_client.cli.console import print_json, print_rows, say
from zimage_client.cli.follow import describe
from zimage_client.cli.options import AsJson, Server
from zimage_client.errors import Conflict, ZImageError
from zimage_client.types import Task

app = typer.Typer(no_args_is_help=True, help="The tasks that wait and run on a server.")

TaskId = Annotated[
    str, typer.Argument(metavar="TASK", help="Id of a task, or its beginning.", autocompletion=complete_task)
]
SHORT = 8
"""Characters of an id that are shown; its beginning is enough for commands."""


@app.command("list")
def list_tasks(
    finished: Annotated[bool, typer.Option("--all", "-a", help="Also the finished ones.", show_default=False)] = False,
    json: AsJson = False,
    server: Server = None,
) -> None:
    """List the tasks, in the order in which they run."""
    with connected_to_server(server) as client:
        tasks = client.queue(finished=finished)
    if json:
        print_json([task.raw for task in tasks])
        return
    rows = [
        (task.task_id, describe(task), f"{task.progress:.0f} %", _seconds(task.eta_seconds), _prompt(task))
        for task in tasks
    ]
    print_rows(("ID", "STATUS", "DONE", "LEFT", "PROMPT"), rows, empty="Nothing waits and nothing runs.")


@app.command()
def cancel(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(metavar="TASK", help="Ids of tasks, or their beginnings.", autocompletion=complete_task),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that wait and run.", show_default=False)] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="All of yours that wait.", show_default=False)] = False,
    server: Server = None,
) -> None:
    """Cancel tasks; a running one ends at its next step. Finished images stay."""
    if [bool(tasks), everything, waiting].count(True) != 1:
        raise typer.BadParameter("name the tasks to cancel, or say --all or --waiting")
    with connected_to_server(server) as client:
        if waiting:
            typer.echo("".join(f"{task.task_id}\n" for task in client.cancel_waiting()), nl=False)
            return
        queue = client.queue()
        chosen = [task.task_id for task in queue] if everything else [find(one, queue).task_id for one in tasks or ()]
        for task_id in reversed(chosen):  # those that wait before the one that runs, so that none begins meanwhile
            try:
                client.cancel(task_id)
            except Conflict:
                if not everything:  # else it has ended by itself
                    raise
            typer.echo(task_id)


@app.command()
def clear(server: Server = None) -> None:
    """Clear your finished tasks from the list; their images stay."""
    with connected_to_server(server) as client:
        client.clear()


@app.command()
def move(
    task: TaskId,
    position: Annotated[int | None, typer.Argument(min=0, help="Tasks that shall run before it.")] = None,
    by: Annotated[int | None, typer.Option("--by", help="Places; fewer than 0 is earlier.")] = None,
    server: Server = None,
) -> None:
    """Move a waiting task to a position in the queue, or by some places."""
    if (position is None) is (by is None):
        raise typer.BadParameter("either POSITION or --by says where to move it")
    with connected_to_server(server) as client:
        moved = client.move(find(task, client.queue()).task_id, position, by=by)
    say(f"{moved.queue_position} tasks run before it." if moved.queue_position else "It runs next.")


@app.command()
def retry(task: TaskId, server: Server = None) -> None:
    """Queue a failed, cancelled or interrupted task again; prints the id of the new one."""
    with connected_to_server(server) as client:
        typer.echo(client.retry(find(task, client.queue(finished=True)).task_id))


def find(beginning: str, tasks: Iterable[Task]) -> Task:
    """Returns the one task whose id begins so.

    Raises:
        ZImageError: There is none, or more than one.
    """
    found = [task for task in tasks if task.task_id.startswith(beginning)]
    if len(found) != 1 or not beginning:
        raise ZImageError(
            f"{'No task' if not found else f'{len(found)} tasks'} of the queue begins with {beginning!r}."
        )
    return found[0]


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f} s"


def _prompt(task: Task) -> str:
    return str(task.request.get("prompt", ""))
