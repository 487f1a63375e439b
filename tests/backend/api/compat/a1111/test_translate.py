from __future__ import annotations

import pytest
from fastapi.exceptions import RequestValidationError

from backend.api.compat.a1111.translate import refuse_scripts, translate_img2img, translate_txt2img
from backend.api.compat.a1111.wire import Img2ImgRequest, Txt2ImgRequest
from backend.models.edit import FromInput
from backend.services.errors import InputRefused
from backend.services.library.model_entry import BASE, TURBO

SIZE = (1024, 1024)
SOURCES = {"init_image": FromInput(input_id="a" * 64)}
MASKED = SOURCES | {"mask": FromInput(input_id="b" * 64)}


def words(model=TURBO, **values):
    return translate_txt2img(Txt2ImgRequest.model_validate({"prompt": "a", **values}), model, SIZE)


def image(sources=SOURCES, **values):
    return translate_img2img(Img2ImgRequest.model_validate({"prompt": "a", **values}), TURBO, sources)


def noted(translation) -> str:
    return "; ".join(translation.notes)


def test_what_is_left_out_is_the_model_s_or_ours():
    plain = words().request
    assert (plain.num_inference_steps, plain.width, plain.guidance_scale, plain.seed) == (9, 1024, None, None)
    assert words(BASE).request.num_inference_steps == 50
    assert words().notes == ()


@pytest.mark.parametrize(
    ("cfg", "guidance", "note"), [(5, 4, ""), (1, 0, ""), (0.5, 0, "cfg_scale 0.5"), (None, None, "")]
)
def test_the_scale_of_a_guided_model_is_one_less(cfg, guidance, note):
    found = words(BASE, cfg_scale=cfg, negative_prompt="blur")
    assert (found.request.guidance_scale, found.request.negative_prompt) == (guidance, "blur")
    assert note in noted(found)


def test_a_model_without_guidance_takes_the_scale_as_a_note_only():
    assert "cfg_scale 7" in noted(words(cfg_scale=7))
    assert words(cfg_scale=1).notes == ()


@pytest.mark.parametrize("sampler", ["Euler", "euler", "k_euler", ""])
def test_our_sampler_needs_no_note(sampler):
    assert words(sampler_name=sampler, scheduler="Automatic").notes == ()
    assert "DPM++ 2M" in noted(words(sampler_index="DPM++ 2M"))
    assert "Karras" in noted(words(scheduler="Karras"))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"styles": ["neon"]}, "styles"),
        ({"tiling": True}, "tiling"),
        ({"restore_faces": True}, "restore_faces"),
        ({"subseed_strength": 0.2}, "subseed_strength"),
        ({"seed_resize_from_h": 512}, "seed_resize"),
        ({"s_churn": 1}, "s_churn"),
        ({"clip_skip": 2}, "clip_skip"),
        ({"override_settings": {"CLIP_stop_at_last_layers": 2}}, "clip_skip"),
        ({"override_settings": {"sd_vae": "vae.pt"}}, "sd_vae"),
        ({"override_settings": {"eta_noise_seed_delta": 31337}}, "eta_noise_seed_delta"),
        ({"refiner_checkpoint": "sdxl"}, "refiner_checkpoint"),
        ({"width": 600}, "width: 600 became 608"),
    ],
)
def test_what_means_nothing_here_is_noted(values, name):
    assert name in noted(words(**values))


def test_usual_values_of_such_fields_are_not_noted():
    usual = {"sd_vae": "Automatic", "CLIP_stop_at_last_layers": 1, "sd_model_checkpoint": "x"}
    assert words(clip_skip=1, override_settings=usual, styles=[], eta=1.0, s_noise=1).notes == ()


@pytest.mark.parametrize("off", [{}, {"ADetailer": {"args": [False]}}, {"ControlNet": {"args": []}}, {"x": {}}])
def test_a_script_that_is_off_is_taken(off):
    refuse_scripts(Txt2ImgRequest(alwayson_scripts=off))


@pytest.mark.parametrize("on", [{"ADetailer": {"args": [True, {}]}}, {"ControlNet": {"args": [{"image": ""}]}}])
def test_a_script_that_is_on_is_refused_by_its_name(on):
    with pytest.raises(InputRefused, match=next(iter(on))):
        words(alwayson_scripts=on)
    with pytest.raises(InputRefused, match="loopback"):
        image(script_name="loopback")


def test_the_second_pass():
    found = words(
        width=512, height=256, steps=8, seed=5, enable_hr=True, hr_second_pass_steps=4, denoising_strength=0.4
    )
    assert (found.second.upscale.factor, found.second.strength, found.second.num_inference_steps) == (2, 0.4, 4)
    assert (found.second.seed, found.second.num_images) == (5, 1)
    assert words(width=512, height=256, enable_hr=True, hr_resize_x=1280, hr_resize_y=600).second.upscale.factor == 2.5
    assert "aspect" in noted(words(width=512, height=256, enable_hr=True, hr_resize_x=1280, hr_resize_y=600))


def test_no_second_pass_where_nothing_grows():
    assert words().second is None
    found = words(enable_hr=True, hr_scale=1)
    assert found.second is None
    assert "no second pass" in noted(found)


def test_a_second_pass_that_would_be_too_large_is_refused_before_the_first():
    with pytest.raises(InputRefused, match="8192"):
        words(width=2048, height=2048, enable_hr=True, hr_scale=4)
    with pytest.raises(RequestValidationError) as raised:
        words(enable_hr=True, hr_scale=9)
    assert raised.value.errors()[0]["loc"] == ("body", "hr_scale")


def test_an_image_without_a_mask_has_neither_blur_nor_mode():
    found = image(mask_blur=20, denoising_strength=0.3)
    assert (found.request.strength, found.request.feather, found.request.mask_mode) == (0.3, None, None)
    assert found.notes == ()
    assert image().request.strength == 0.75


def test_a_mask():
    whole = image(MASKED, mask="x", mask_blur=12, inpaint_full_res=False, inpainting_fill=1)
    assert (whole.request.feather, whole.request.mask_mode, whole.notes) == (12, "whole", ())
    part = image(MASKED, mask="x", mask_blur_x=3, mask_blur_y=6, inpaint_full_res_padding=32)
    assert (part.request.feather, part.request.mask_mode) == (6, "only_masked")
    assert "inpainting_fill 0" in noted(part)
    assert "padding" in noted(part)
    assert image(MASKED, mask="x").request.feather == 4


def test_a_blur_out_of_bounds_has_its_name():
    with pytest.raises(RequestValidationError) as raised:
        image(MASKED, mask="x", mask_blur=1000)
    assert raised.value.errors()[0]["loc"] == ("body", "mask_blur")


def test_other_ways_to_resize_and_to_begin_are_noted():
    assert "resize_mode 3" in noted(image(resize_mode=3))
    assert "initial_noise_multiplier" in noted(image(initial_noise_multiplier=0.9))
