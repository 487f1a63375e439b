from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from backend.services.errors import DiskFull, DoesNotFit, TooMuchWork
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.admission import Admission
from tests.backend.fakes import PLAIN_CPU, a_job, a_request, make_planner

MIB = 2**20


def admit(settings, free, max_work=800, hardware=PLAIN_CPU):
    planner = make_planner(settings, lambda: hardware)
    return Admission(Catalogue(settings), lambda: None, free, planner, min_free_disk_mb=200, max_work=max_work)


@pytest.mark.parametrize(("free", "admitted"), [(200 * MIB, True), (200 * MIB - 1, False), (0, False)])
def test_there_must_be_room(settings, free, admitted):
    admission = admit(settings, lambda: free, max_work=800)
    if admitted:
        admission.check(a_request(), a_job())
    else:
        with pytest.raises(DiskFull, match="200 MB are needed"):
            admission.check(a_request(), a_job())


@pytest.mark.parametrize(("pictures", "admitted"), [(2, True), (3, False)])
def test_the_work_has_a_bound(settings, pictures, admitted):
    admission = admit(settings, lambda: 10**12, max_work=400)
    request = a_request(width=2048, height=2048, num_inference_steps=50, num_images=pictures)
    if admitted:
        admission.check(request, a_job())
    else:
        with pytest.raises(TooMuchWork, match="600 megapixel steps"):
            admission.check(request, a_job())


@pytest.mark.parametrize(("scale", "admitted"), [(0, True), (4, False)])
def test_guidance_counts_twice(settings, scale, admitted):
    admission = admit(settings, lambda: 10**12, max_work=400)
    request = a_request(width=2048, height=2048, num_inference_steps=50, num_images=2)
    with contextlib.nullcontext() if admitted else pytest.raises(TooMuchWork, match="800 megapixel steps"):
        admission.check(request, a_job(guidance_scale=scale))


def test_what_cannot_fit_is_refused_with_what_would(settings):
    small = replace(PLAIN_CPU, memory_bytes=1000)
    with pytest.raises(DoesNotFit, match=r"zimage-nano at 1024×512 takes .* GiB of main memory, .*would"):
        admit(settings, lambda: 10**12, hardware=small).check(a_request(), a_job(width=1024, height=512))


def test_memory_that_cannot_be_foretold_is_the_tasks_matter(settings, caplog):
    weights = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano" / "vae" / "model.safetensors"
    weights.write_bytes(b"damaged")
    admit(settings, lambda: 10**12).check(a_request(), a_job())
    assert "memory is not foretold" in caplog.text
