from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from backend.services.errors import DiskFull, GuidanceUnused, ModelNotInstalled, NegativePromptUnused, TooMuchWork
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.admission import Admission
from tests.backend.fakes import a_request

MIB = 2**20


@pytest.mark.parametrize(("free", "admitted"), [(200 * MIB, True), (200 * MIB - 1, False), (0, False)])
def test_there_must_be_room(settings, free, admitted):
    admission = Admission(Catalogue(settings), lambda: free, min_free_disk_mb=200, max_work=800)
    if admitted:
        admission.check(a_request())
    else:
        with pytest.raises(DiskFull, match="200 MB are needed"):
            admission.check(a_request())


def test_the_model_must_be_here(settings):
    admission = Admission(Catalogue(settings), lambda: 10**12, min_free_disk_mb=200, max_work=800)
    with pytest.raises(ModelNotInstalled):
        admission.check(a_request(model="z-image-turbo"))


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"guidance_scale": 0}, None),
        ({"guidance_scale": 4}, GuidanceUnused),
        ({"negative_prompt": "ugly"}, NegativePromptUnused),
    ],
)
def test_a_model_that_is_not_guided_is_not_asked_to_be(settings, values, error):
    admission = Admission(Catalogue(settings), lambda: 10**12, min_free_disk_mb=200, max_work=800)
    with pytest.raises(error) if error else contextlib.nullcontext():
        admission.check(a_request(**values))


@pytest.mark.parametrize(("pictures", "admitted"), [(2, True), (3, False)])
def test_the_work_has_a_bound(settings, pictures, admitted):
    admission = Admission(Catalogue(settings), lambda: 10**12, min_free_disk_mb=200, max_work=400)
    request = a_request(width=2048, height=2048, num_inference_steps=50, num_images=pictures)
    if admitted:
        admission.check(request)
    else:
        with pytest.raises(TooMuchWork, match="600 megapixel steps"):
            admission.check(request)


@pytest.mark.parametrize(("scale", "admitted"), [(0, True), (4, False), (None, False)])
def test_guidance_counts_twice(settings, monkeypatch, scale, admitted):
    catalogue = Catalogue(settings)
    guided = replace(catalogue.resolve("zimage-nano"), guidance_scale=4.0)
    monkeypatch.setattr(catalogue, "resolve", lambda _: guided)
    admission = Admission(catalogue, lambda: 10**12, min_free_disk_mb=200, max_work=400)
    request = a_request(width=2048, height=2048, num_inference_steps=50, num_images=2, guidance_scale=scale)
    with contextlib.nullcontext() if admitted else pytest.raises(TooMuchWork, match="800 megapixel steps"):
        admission.check(request)
