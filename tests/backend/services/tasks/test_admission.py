from __future__ import annotations

import contextlib

import pytest

from backend.services.errors import DiskFull, TooMuchWork
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.admission import Admission
from tests.backend.fakes import a_job, a_request

MIB = 2**20


@pytest.mark.parametrize(("free", "admitted"), [(200 * MIB, True), (200 * MIB - 1, False), (0, False)])
def test_there_must_be_room(settings, free, admitted):
    admission = Admission(Catalogue(settings), lambda: None, lambda: free, min_free_disk_mb=200, max_work=800)
    if admitted:
        admission.check(a_request(), a_job())
    else:
        with pytest.raises(DiskFull, match="200 MB are needed"):
            admission.check(a_request(), a_job())


@pytest.mark.parametrize(("pictures", "admitted"), [(2, True), (3, False)])
def test_the_work_has_a_bound(settings, pictures, admitted):
    admission = Admission(Catalogue(settings), lambda: None, lambda: 10**12, min_free_disk_mb=200, max_work=400)
    request = a_request(width=2048, height=2048, num_inference_steps=50, num_images=pictures)
    if admitted:
        admission.check(request, a_job())
    else:
        with pytest.raises(TooMuchWork, match="600 megapixel steps"):
            admission.check(request, a_job())


@pytest.mark.parametrize(("scale", "admitted"), [(0, True), (4, False)])
def test_guidance_counts_twice(settings, scale, admitted):
    admission = Admission(Catalogue(settings), lambda: None, lambda: 10**12, min_free_disk_mb=200, max_work=400)
    request = a_request(width=2048, height=2048, num_inference_steps=50, num_images=2)
    with contextlib.nullcontext() if admitted else pytest.raises(TooMuchWork, match="800 megapixel steps"):
        admission.check(request, a_job(guidance_scale=scale))
