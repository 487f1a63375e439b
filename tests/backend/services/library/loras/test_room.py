from __future__ import annotations

import pytest

from backend.services.errors import UnknownModel
from backend.services.library.catalogue import Catalogue
from backend.services.library.loras.architectures import PUBLISHED
from backend.services.library.loras.room import LoraRoom
from tests.backend.services.library.loras.lora_files import write_lora


def test_its_parts_know_each_other(settings):
    room = LoraRoom.build(settings, Catalogue(settings), list)
    content = write_lora(settings.data_dir / "sent").read_bytes()
    upload = room.uploads.begin("ink.safetensors", len(content))
    upload.write(content)
    assert upload.finish()[1]
    assert [lora.name for lora in room.catalogue.look().loras] == ["ink"]
    room.removals.remove("ink")
    assert room.close()


def test_a_model_that_is_not_here_is_as_published_and_one_that_is_none_an_error(settings):
    room = LoraRoom.build(settings, Catalogue(settings), list)
    assert room.architecture_of("z-image-turbo") == PUBLISHED
    with pytest.raises(UnknownModel):
        room.architecture_of("nowhere")
