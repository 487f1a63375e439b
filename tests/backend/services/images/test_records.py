"""Records of images that were drawn."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from PIL import Image

from backend.services.images.records import describe_drawn
from tests.backend.fakes import a_picture

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DIGEST = "0" * 64


def test_an_image_from_words_alone_has_no_field_of_edits():
    written = describe_drawn(a_picture(), "1" * 32, NOW).model_dump(mode="json")
    assert not {"init_image", "strength", "mask", "outpaint", "upscale", "drawn_width", "drawn_height"} & set(written)


@pytest.mark.parametrize(("size", "drawn"), [((333, 217), (352, 224)), ((352, 224), (None, None))])
def test_an_edit_tells_what_was_drawn_where_its_size_differs(size, drawn):
    event = a_picture(image=Image.new("RGB", size), init_image=DIGEST, outpaint={"top": 8})
    event = type(event)(event.image, event.recipe.model_copy(update={"width": 352, "height": 224}), "cpu", 1.0)
    record = describe_drawn(event, "1" * 32, NOW)
    assert (record.width, record.height) == size
    assert (record.drawn_width, record.drawn_height) == drawn
    assert record.init_image == DIGEST
    assert record.outpaint == event.recipe.outpaint
