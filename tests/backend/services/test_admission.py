from __future__ import annotations

import pytest

from backend.services.admission import Admission
from backend.services.catalogue import Catalogue
from backend.services.errors import DiskFull, ModelNotInstalled
from tests.backend.fakes import a_request

MIB = 2**20


@pytest.mark.parametrize(("free", "admitted"), [(200 * MIB, True), (200 * MIB - 1, False), (0, False)])
def test_there_must_be_room(settings, free, admitted):
    admission = Admission(Catalogue(settings), lambda: free, min_free_disk_mb=200)
    if admitted:
        admission.check(a_request())
    else:
        with pytest.raises(DiskFull, match="200 MB are needed"):
            admission.check(a_request())


def test_the_model_must_be_here(settings):
    admission = Admission(Catalogue(settings), lambda: 10**12, min_free_disk_mb=200)
    with pytest.raises(ModelNotInstalled):
        admission.check(a_request(model="z-image-turbo"))
