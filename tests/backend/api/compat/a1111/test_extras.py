from __future__ import annotations

from io import BytesIO

import pytest
from fastapi.exceptions import RequestValidationError
from PIL import Image

from backend.api.compat.a1111.extras import describe_extras, does_nothing, translate_extras
from backend.api.compat.a1111.wire import ExtrasRequest
from backend.services.errors import InputRefused
from backend.services.images.metadata.own import embed
from backend.services.images.records import describe_drawn
from backend.services.library.model_entry import TURBO
from backend.utils.clock import utc_now
from backend.utils.png import write_png
from tests.backend.fakes import a_picture


def drawn_file() -> BytesIO:
    drawn, file = a_picture("a red apple", width=64, height=48), BytesIO()
    write_png(drawn.image, file, embed(describe_drawn(drawn, "a" * 32, utc_now())))
    return file


def plain_file() -> BytesIO:
    file = BytesIO()
    Image.new("RGB", (64, 48)).save(file, "PNG")
    return file


def translated(services, file: BytesIO, **values):
    kept = services.inputs.add(file)[0]
    return translate_extras(ExtrasRequest.model_validate({"upscaler_1": "Z-Image", **values}), file, kept, TURBO)


def test_the_prompt_is_the_file_s_unless_one_is_sent(services):
    assert translated(services, drawn_file()).prompt == "a red apple"
    assert translated(services, drawn_file(), prompt="a pear").prompt == "a pear"
    with pytest.raises(InputRefused, match="no prompt"):
        translated(services, plain_file())


def test_the_size_is_a_factor_or_what_holds_both_sides(services):
    assert translated(services, drawn_file(), upscaling_resize=1.5, denoising_strength=0.2).upscale.factor == 1.5
    by_sides = translated(services, drawn_file(), resize_mode=1, upscaling_resize_w=96, upscaling_resize_h=96)
    assert by_sides.upscale.factor == 2


@pytest.mark.parametrize("factor", [1, 0.5, 8])
def test_a_factor_out_of_bounds_has_its_name(services, factor):
    with pytest.raises(RequestValidationError) as raised:
        translated(services, drawn_file(), upscaling_resize=factor)
    assert raised.value.errors()[0]["loc"] == ("body", "upscaling_resize")


@pytest.mark.parametrize(
    ("names", "nothing"), [({}, True), ({"upscaler_1": ""}, True), ({"upscaler_1": "Z-Image"}, False)]
)
def test_only_our_upscaler_enlarges(names, nothing):
    assert does_nothing(ExtrasRequest.model_validate(names)) is nothing


@pytest.mark.parametrize("name", ["upscaler_1", "upscaler_2"])
def test_another_upscaler_is_refused(name):
    with pytest.raises(InputRefused, match="R-ESRGAN"):
        does_nothing(ExtrasRequest.model_validate({name: "R-ESRGAN 4x+"}))


def test_what_is_not_done_is_told():
    body = ExtrasRequest(resize_mode=1, gfpgan_visibility=0.5, codeformer_visibility=0.5)
    told = describe_extras(body, is_enlarged=True)
    assert told.count("<p>") == 3
    assert "upscaling_crop" in told
    assert "None" in describe_extras(ExtrasRequest(), is_enlarged=False)
    assert describe_extras(ExtrasRequest(), is_enlarged=True) == ""
