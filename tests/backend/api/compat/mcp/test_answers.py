from __future__ import annotations

import io
from dataclasses import replace

from jsonschema import validate
from mcp import types
from PIL import Image

from backend.api.compat.mcp import answers
from backend.api.compat.mcp.arguments import MAX_IMAGES
from backend.api.compat.mcp.studio import Picture, Progress

PICTURE = Picture("a" * 32, "fox.png", "a fox", 512, 256, 7, "zimage-nano", "2026-11-28T08:00:00+00:00", 1234, None)
TASK = Progress("b" * 32, "processing", False, 2, 9, "Step 2 of 9", (), None, None, None, 3.2)


def png_of(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_pictures_of_an_answer_stay_below_the_limit_of_hosts():
    noise = Image.effect_noise((1024, 768), 200).convert("RGB")  # the worst kind
    webp = answers.shrink(png_of(noise))
    with Image.open(io.BytesIO(webp)) as image:
        assert (image.format, image.size) == ("WEBP", (512, 384))
    shown = [answers.show(webp)] * MAX_IMAGES
    assert sum(len(block.data) for block in shown) < 1_000_000


def test_a_small_picture_is_not_enlarged():
    with Image.open(io.BytesIO(answers.shrink(png_of(Image.new("RGB", (256, 256), "red"))))) as image:
        assert image.size == (256, 256)


def test_the_data_of_every_answer_fit_their_schema():
    done = replace(TASK, status="completed", is_final=True, done=9, images=(PICTURE,))
    for task in (TASK, done, replace(TASK, status="pending", queue_position=2, eta_seconds=None)):
        validate(answers.of_task(task).structured_content, answers.TASK_SCHEMA)
    validate(answers.of_found([PICTURE], 1, []).structured_content, answers.FOUND_SCHEMA)


def test_the_words_say_how_a_task_is():
    def words(**changes: object) -> str:
        block = answers.of_task(replace(TASK, **changes)).content[0]
        assert isinstance(block, types.TextContent)
        return block.text

    assert "2 of 9 steps" in words()
    assert "About 3 s left" in words()
    assert "waits, 2 before it" in words(status="pending", queue_position=2)
    assert words(status="failed", is_final=True, error="No memory.") == "The task has failed: No memory."
    assert words(status="cancelled", is_final=True, message="Cancelled") == "The task was cancelled: Cancelled"
    assert "512×256, seed 7, zimage-nano" in words(status="completed", is_final=True, images=(PICTURE,))


def test_a_task_that_failed_is_an_error_and_keeps_its_finished_images():
    answer = answers.of_task(
        replace(TASK, status="failed", is_final=True, error="No memory.", images=(PICTURE,)), [b"webp"]
    )
    assert answer.is_error
    assert [block.type for block in answer.content] == ["text", "image", "resource_link"]
