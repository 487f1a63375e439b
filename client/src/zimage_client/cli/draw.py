"""`zimage generate` and `zimage edit`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from zimage_client.calls import new_key
from zimage_client.cli import options
from zimage_client.cli.completion import complete_lora, complete_model
from zimage_client.cli.connect import connected, connected_to_server
from zimage_client.cli.console import FAILED, INTERRUPTED, complain, print_json
from zimage_client.cli.files import Previews, Targets
from zimage_client.cli.follow import Follower
from zimage_client.cli.options import AsJson, Local, Pixels, Quiet, Server
from zimage_client.client import Client
from zimage_client.drawing import Control, DrawOptions, LoraUse, Outpaint
from zimage_client.errors import NotFound, ZImageError
from zimage_client.types import Task

Prompt = Annotated[str, typer.Argument(help="What to draw, in Chinese or English; - reads it from standard input.")]
Count = Annotated[int, typer.Option("--count", "-n", min=1, help="Images to draw; image i has the seed SEED + i.")]
Size = Annotated[
    Pixels | None,
    typer.Option("--size", "-s", parser=options.parse_size, metavar="WxH", help="Size in pixels, as 512x768."),
]
Steps = Annotated[int | None, typer.Option("--steps", help="Points of the schedule.", show_default="the server's")]
Seed = Annotated[int | None, typer.Option("--seed", help="Same seed, same image.", show_default="drawn by lot")]
Model = Annotated[
    str | None, typer.Option("--model", "-m", help="A model of `zimage models list`.", autocompletion=complete_model)
]
Negative = Annotated[str | None, typer.Option("--negative", help="What shall not be in the image.")]
Guidance = Annotated[float | None, typer.Option("--guidance", help="Guidance, for models that take it.")]
Shift = Annotated[float | None, typer.Option("--shift", help="Shift of the schedule.")]
OnCpu = Annotated[bool, typer.Option("--cpu", help="Use the processor, not the card.", show_default=False)]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", help="A PNG file, a folder, or - for standard output.", show_default="this folder"),
]
Preview = Annotated[
    Path | None, typer.Option("--preview", help="Keep the live preview in this file, a WebP.", dir_okay=False)
]
PreviewDir = Annotated[
    Path | None,
    typer.Option("--preview-dir", help="Keep every live preview in this folder, numbered WebP files.", file_okay=False),
]
Callback = Annotated[
    str | None,
    typer.Option("--callback-url", metavar="URL", help="Where the server tells of the end; for named tokens."),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Queue it, print the task's id, and end.", show_default=False)]
Strength = Annotated[
    float | None, typer.Option("--strength", min=0, max=1, help="How much may change: 0 nothing, 1 everything.")
]
Mask = Annotated[
    str | None, typer.Option("--mask", metavar="PICTURE", help="What to repaint: white, or grey for a little.")
]
MaskMode = Annotated[
    Literal["whole", "only_masked"] | None,
    typer.Option("--mask-mode", help="Work on the whole, or on the masked part."),
]
Feather = Annotated[int | None, typer.Option("--feather", min=0, help="Pixels over which the mask's edge is soft.")]
Extend = Annotated[
    Outpaint | None,
    typer.Option(
        "--outpaint", parser=options.parse_outpaint, metavar="PIXELS",
        help="Pixels to add: 64, or top,right,bottom,left, or left=64,right=64.",
    ),
]  # fmt: skip
Upscale = Annotated[float | None, typer.Option("--upscale", min=1, max=4, help="Factor by which to enlarge.")]
Controls = Annotated[
    list[Control] | None,
    typer.Option(
        "--control", parser=options.parse_control, metavar="image=FILE,kind=KIND",
        help="A picture that guides the composition; also model=, scale=, start=, end=. May be said several times.",
    ),
]  # fmt: skip
Loras = Annotated[
    list[LoraUse] | None,
    typer.Option(
        "--lora", parser=options.parse_lora, metavar="NAME:STRENGTH", autocompletion=complete_lora,
        help="A LoRA of `zimage lora list`, as ink:0.8. May be said several times.",
    ),
]  # fmt: skip


def generate(
    prompt: Prompt,
    count: Count = 1,
    size: Size = None,
    steps: Steps = None,
    seed: Seed = None,
    model: Model = None,
    negative: Negative = None,
    guidance: Guidance = None,
    shift: Shift = None,
    cpu: OnCpu = False,
    upscale: Upscale = None,
    control: Controls = None,
    lora: Loras = None,
    output: Output = None,
    preview: Preview = None,
    preview_dir: PreviewDir = None,
    callback_url: Callback = None,
    json: AsJson = False,
    no_wait: NoWait = False,
    quiet: Quiet = False,
    server: Server = None,
    local: Local = False,
) -> None:
    """Draw images and write them as PNG files. Their paths go to standard output."""
    wanted: DrawOptions = {
        **_common(count, size, steps, seed, model, negative, guidance, shift, cpu),
        "upscale": upscale,
        "control": control,
        "loras": lora,
        "callback_url": callback_url,
    }
    _draw(prompt, wanted, _Manner(output, Previews(preview, preview_dir), json, no_wait, quiet, server, local))


def edit(
    picture: Annotated[str, typer.Argument(help="A file, or the id of an image in the history.")],
    prompt: Prompt,
    strength: Strength = None,
    mask: Mask = None,
    mask_mode: MaskMode = None,
    feather: Feather = None,
    outpaint: Extend = None,
    upscale: Upscale = None,
    control: Controls = None,
    lora: Loras = None,
    count: Count = 1,
    size: Size = None,
    steps: Steps = None,
    seed: Seed = None,
    model: Model = None,
    negative: Negative = None,
    guidance: Guidance = None,
    shift: Shift = None,
    cpu: OnCpu = False,
    output: Output = None,
    preview: Preview = None,
    preview_dir: PreviewDir = None,
    callback_url: Callback = None,
    json: AsJson = False,
    no_wait: NoWait = False,
    quiet: Quiet = False,
    server: Server = None,
    local: Local = False,
) -> None:
    """Draw from a picture: change it, repaint a part, extend or enlarge it."""
    wanted: DrawOptions = {
        **_common(count, size, steps, seed, model, negative, guidance, shift, cpu),
        "init_image": options.as_picture(picture),
        "strength": strength,
        "mask": options.as_picture(mask) if mask is not None else None,
        "mask_mode": mask_mode,
        "feather": feather,
        "outpaint": outpaint,
        "upscale": upscale,
        "control": control,
        "loras": lora,
        "callback_url": callback_url,
    }
    _draw(prompt, wanted, _Manner(output, Previews(preview, preview_dir), json, no_wait, quiet, server, local))


@dataclass(frozen=True)
class _Manner:
    """How to draw and what to do with it, whatever is drawn."""

    output: str | None
    previews: Previews
    json: bool
    no_wait: bool
    quiet: bool
    server: str | None
    local: bool


def _common(
    count: int,
    size: Pixels | None,
    steps: int | None,
    seed: int | None,
    model: str | None,
    negative: str | None,
    guidance: float | None,
    shift: float | None,
    cpu: bool,
) -> DrawOptions:
    return {
        "num_images": count,
        "width": size.width if size else None,
        "height": size.height if size else None,
        "num_inference_steps": steps,
        "seed": seed,
        "model": model,
        "negative_prompt": negative,
        "guidance_scale": guidance,
        "shift": shift,
        "use_gpu": False if cpu else None,
    }


def _draw(prompt: str, wanted: DrawOptions, manner: _Manner) -> None:
    prompt = sys.stdin.read() if prompt == "-" else prompt
    targets = Targets(manner.output, wanted["num_images"] or 1)
    if targets.is_stdout and manner.json:
        raise typer.BadParameter("standard output takes the image or the JSON, not both", param_hint="--output")
    if manner.no_wait:
        _submit_only(prompt, wanted, manner)
        return
    with connected(manner.server, local=manner.local, quiet=manner.quiet) as client:
        task_id = _submit(client, prompt, wanted)
        follower = Follower(client, task_id, targets, manner.previews, quiet=manner.quiet)
        try:
            task = follower.follow()
        except KeyboardInterrupt:
            if follower.task is not None:
                _report(follower.task, follower.written, manner.json, targets.is_stdout)
            raise typer.Exit(INTERRUPTED) from None
        _report(task, follower.written, manner.json, targets.is_stdout)
        if task.status != "completed":
            raise typer.Exit(FAILED)


def _submit_only(prompt: str, wanted: DrawOptions, manner: _Manner) -> None:
    if manner.local:
        raise typer.BadParameter("without a server nothing draws after the command has ended", param_hint="--no-wait")
    with connected_to_server(manner.server) as client:
        task_id = _submit(client, prompt, wanted)
    if manner.json:
        print_json({"task_id": task_id})
    else:
        typer.echo(task_id)


def _submit(client: Client, prompt: str, wanted: DrawOptions) -> str:
    key = new_key()
    try:
        return client.generate(prompt, idempotency_key=key, **wanted)
    except KeyboardInterrupt:
        client.take_back(prompt, key, **wanted)
        complain("Interrupted; the task is cancelled if it was queued.")
        raise typer.Exit(INTERRUPTED) from None
    except NotFound as error:
        draws_from_pictures = wanted.get("init_image") is not None or wanted.get("control")
        if not draws_from_pictures or error.code != "not_found":
            raise
        raise ZImageError(f"The server at {client.address} does not draw from pictures yet: update it.") from None


def _report(task: Task, written: list[dict[str, Any]], as_json: bool, is_stdout: bool) -> None:
    """Tells what came of it: paths or JSON to standard output, what went wrong to standard error."""
    if as_json:
        facts = {"task_id": task.task_id, "status": task.status, "error": task.error, "error_code": task.error_code}
        print_json({**facts, "images": written})
    elif not is_stdout:
        for image in written:
            typer.echo(image["path"])
    if task.status == "cancelled":
        complain("The task was cancelled.")
    elif not task.is_final:
        complain("The task has not ended yet; the server was asked to cancel it.")
    elif task.status != "completed":
        complain(
            f"The task has {'failed' if task.status == 'failed' else 'been interrupted'}: {task.error or task.message}"
        )
