from __future__ import annotations

from pathlib import PurePosixPath
from typing import get_args

import pytest

from backend.models.catalogue import Member, Quality
from backend.services.library.file_models import guess_member
from backend.services.library.part_files import SUFFIXES
from backend.services.library.variants.table import LOSS, VARIANTS

SINGLE = [variant for variant in VARIANTS if variant.files]


def test_every_member_has_a_published_folder_and_single_files():
    for member in get_args(Member):
        own = [variant for variant in VARIANTS if variant.member == member]
        assert [variant.repository for variant in own if not variant.files] == [own[0].model.repository]
        assert len(own) >= 4
    assert len({variant.id for variant in VARIANTS}) == len(VARIANTS)
    assert set(LOSS) == set(get_args(Quality))


@pytest.mark.parametrize("variant", SINGLE, ids=lambda variant: variant.id)
def test_single_files_are_a_whole_model(variant):
    assert [file.part for file in variant.files] == ["transformer", "text_encoder", "vae"]
    assert variant.size_bytes == sum(file.size_bytes for file in variant.files)
    assert all(file.path.endswith(SUFFIXES) and file.size_bytes > 10**8 for file in variant.files)
    assert [PurePosixPath(file.place).parent.name for file in variant.files] == [
        "diffusion_models", "text_encoders", "vae",
    ]  # fmt: skip


@pytest.mark.parametrize("variant", SINGLE, ids=lambda variant: variant.id)
def test_the_name_of_the_file_tells_which_member_it_is(variant):
    transformer = variant.transformer
    assert transformer is not None
    assert (PurePosixPath(transformer.name).stem, guess_member(transformer.name)) == (variant.id, variant.member)


def test_files_that_variants_share_are_the_same_ones():
    """A name that meant two files would let one be taken for the other."""
    by_name = {(file.part, file.name): file for variant in SINGLE for file in variant.files}
    assert all(by_name[file.part, file.name] == file for variant in SINGLE for file in variant.files)
    assert len({file for file in by_name.values() if file.part == "vae"}) == 1
