from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from backend.services.library.files import ModelFiles
from backend.services.library.model_entry import TURBO, ModelEntry
from backend.services.library.part_files import FoundPart, WeightFile
from backend.services.library.variants.presence import find_here, model_of, path_of
from backend.services.library.variants.table import VARIANTS

FOLDER, BF16 = VARIANTS[0], VARIANTS[1]


def part(kind, name):
    return FoundPart(kind, Path("/w") / name, name, "BF16", 2, 1)


def test_a_file_is_found_by_its_name_and_its_part():
    transformer, text, vae = BF16.files
    found = [
        WeightFile(Path("/w") / transformer.name, "x", (part("transformer", transformer.name),)),
        WeightFile(Path("/w") / text.name, "y", fault="It is damaged."),
        WeightFile(Path("/w") / vae.name, "z", (part("text_encoder", vae.name),)),
    ]
    here = find_here(found)
    assert [path_of(file, here) for file in BF16.files] == [Path("/w") / transformer.name, None, None]


def test_a_published_model_is_its_own():
    assert model_of(FOLDER, [TURBO]) == TURBO
    assert model_of(FOLDER, [replace(TURBO, repository=None)]) is None


def test_a_variant_is_the_model_with_its_transformer_a_whole_one_first():
    own = part("transformer", "z_image_turbo_bf16.safetensors")
    broken = ModelEntry("a", "a", "", parts=(own,))
    whole = replace(broken, id="b", files=ModelFiles("b", own.path, own.path, own.path))
    other = ModelEntry("z_image_turbo_bf16", "z", "", parts=(part("transformer", "other.safetensors"),))
    assert model_of(BF16, [other, broken, whole]) == whole
    assert model_of(BF16, [other]) is None
