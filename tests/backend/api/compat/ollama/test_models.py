from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from backend.api.compat.ollama.models import as_text, find_model, present_model, present_shown
from backend.services.errors import ModelNotInstalled, UnknownModel
from backend.services.library.files import ModelFiles
from backend.services.library.model_entry import NANO, TURBO
from backend.services.library.part_files import FoundPart


@pytest.mark.parametrize(
    "name", ["zimage-nano", "zimage-nano:latest", "x/ZImage-Nano:bf16", "auto", "auto:latest", "library/zimage-nano"]
)
def test_a_model_is_found_without_publisher_and_tag(services, name):
    assert find_model(services.catalogue, name).id == "zimage-nano"


def test_what_is_unknown_or_missing_is_said(services):
    with pytest.raises(UnknownModel, match="zimage-nano"):
        find_model(services.catalogue, "llama3:8b")
    with pytest.raises(UnknownModel, match="tags"):
        find_model(services.catalogue, " ")
    with pytest.raises(ModelNotInstalled):
        find_model(services.catalogue, "x/z-image-turbo")


def test_the_digest_follows_the_files(services):
    model = services.catalogue.resolve("auto")
    before = present_model(model)
    assert before == present_model(model)
    assert before["size"] == sum(file.stat().st_size for part in model.files.parts for file in part.iterdir())
    (model.files.vae / "more.json").write_text("{}")
    assert present_model(model)["digest"] != before["digest"]


def test_a_model_whose_files_are_gone_is_shown_without_them():
    gone = replace(NANO, files=ModelFiles.of_folder(Path("/nowhere")))
    assert present_model(gone)["size"] == 0
    assert present_shown(gone)["modified_at"].startswith("1970")


def test_details_tell_the_format_of_the_transformer():
    part = FoundPart("transformer", Path("a.gguf"), "a.gguf", "Q4_K", 1, 1)
    details = present_shown(replace(TURBO, parts=(part,)))["details"]
    assert (details["format"], details["quantization_level"], details["parameter_size"]) == ("gguf", "Q4_K", "6B")
    assert present_shown(NANO)["details"]["format"] == "safetensors"


def test_a_time_is_written_in_utc():
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert as_text(moment) == "2026-01-02T01:04:05Z"
    assert datetime.fromisoformat(as_text(moment)).astimezone(UTC) == moment
