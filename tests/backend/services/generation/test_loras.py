from __future__ import annotations

import dataclasses

import pytest

from backend.models.recipe import MAX_LORAS, LoraUse
from backend.services.errors import InputUnusable
from backend.services.generation.loras import LoraChooser
from backend.services.library.catalogue import Catalogue
from backend.services.library.loras.architectures import Architectures
from backend.services.library.loras.catalogue import LoraCatalogue
from backend.services.library.loras.digests import read_digest
from backend.services.lora_errors import LoraChanged, LoraRefused, UnknownLora
from tests.backend.fakes import a_request
from tests.backend.services.library.loras.lora_files import FakeDescription, FakeReader, write_lora


@pytest.fixture
def reader():
    return FakeReader()


@pytest.fixture
def loras(settings):
    return settings.data_dir / "loras"


@pytest.fixture
def model(settings):
    return Catalogue(settings).resolve("zimage-nano")


@pytest.fixture
def chooser(settings, reader):
    return LoraChooser(LoraCatalogue(settings, reader, can_describe=lambda: True), Architectures())


@pytest.fixture
def ink(loras):
    return write_lora(loras / "ink.safetensors", dim=8, fill=1)


def choose(chooser, model, prompt="a fox", *loras):
    return chooser.choose(a_request(prompt, loras=list(loras)), model)


def test_without_any_the_prompt_is_as_it_was(chooser, model, reader):
    chosen = choose(chooser, model, "a fox <in snow>")
    assert (chosen.prompt, chosen.uses, chosen.notes) == ("a fox <in snow>", None, ())
    assert reader.asked == []


def test_those_of_the_field_come_first_then_those_of_the_prompt(chooser, model, loras, ink):
    wet = write_lora(loras / "wet.safetensors", dim=8, fill=2)
    chosen = choose(chooser, model, "a fox <lora:wet:0.5>", {"name": "ink", "strength": -1.0, "start": 0.2, "end": 0.9})
    digests = [read_digest(path) for path in (ink, wet)]
    assert chosen.prompt == "a fox"
    assert chosen.uses == (
        LoraUse(name="ink", strength=-1, start=0.2, end=0.9, sha256=digests[0].sha256, short_hash=digests[0].short),
        LoraUse(name="wet", strength=0.5, sha256=digests[1].sha256, short_hash=digests[1].short),
    )


def test_a_title_finds_it_and_its_own_name_is_kept(chooser, model, reader, ink):
    reader.said["ink"] = FakeDescription(metadata={"modelspec.title": "Ink wash"})
    assert choose(chooser, model, "a fox <lora:ink WASH>").uses[0].name == "ink"


@pytest.mark.parametrize(
    ("prompt", "field", "named"),
    [("a fox <lora:inc>", "prompt", []), ("a fox", "loras.1.name", [{"name": "ink"}, {"name": "inc"}])],
)
def test_an_unknown_name_is_refused_at_its_field_with_the_nearest(chooser, model, ink, prompt, field, named):
    with pytest.raises(UnknownLora, match="the nearest: 'ink'") as caught:
        choose(chooser, model, prompt, *named)
    assert caught.value.field == field


def test_where_none_is_near_it_says_how_many_there_are(chooser, model, ink):
    with pytest.raises(UnknownLora, match="none of the 1 that are here"):
        choose(chooser, model, "a fox <lora:watercolour>")


def test_where_there_is_none_at_all_it_says_where_they_go(chooser, model):
    with pytest.raises(UnknownLora, match="folder loras"):
        choose(chooser, model, "a fox <lora:ink>")


def test_several_of_a_name_are_told_apart_or_refused(chooser, model, loras):
    first, second = (write_lora(loras / name / "ink.safetensors", dim=8, fill=n) for n, name in enumerate("ab"))
    with pytest.raises(UnknownLora, match="a/ink, b/ink"):
        choose(chooser, model, "a fox <lora:ink>")
    assert choose(chooser, model, "a fox <lora:b/ink>").uses[0].name == "b/ink"
    for file, name in ((first, "a/ink"), (second, "b/ink")):
        digest = read_digest(file)
        for said in ({"sha256": digest.sha256}, {"short_hash": digest.short}):
            assert choose(chooser, model, "a fox", {"name": "ink", **said}).uses[0].name == name


def test_a_renamed_file_is_found_by_its_digest(chooser, model, loras, ink):
    use = choose(chooser, model, "a fox", {"name": "ink"}).uses[0]
    ink.rename(loras / "other.safetensors")
    found = choose(chooser, model, "a fox", use.model_dump()).uses[0]
    assert (found.name, found.sha256) == ("other", use.sha256)
    assert choose(chooser, model, "a fox", {"name": "ink", "short_hash": use.sha256[:10]}).uses[0].name == "other"
    write_lora(loras / "ink.safetensors", dim=8, fill=9)  # another one has the name now
    assert choose(chooser, model, "a fox", use.model_dump()).uses[0].name == "other"


def test_another_file_of_the_name_is_not_taken_in_silence(chooser, model, ink):
    use = choose(chooser, model, "a fox", {"name": "ink"}).uses[0]
    write_lora(ink, dim=8, fill=9)
    with pytest.raises(LoraChanged, match="another file"):
        choose(chooser, model, "a fox", use.model_dump())
    assert choose(chooser, model, "a fox", {"name": "ink"}).uses[0].sha256 != use.sha256


@pytest.mark.parametrize(
    ("prompt", "named"),
    [("a fox <lora:ink> <lora:INK:0.5>", []), ("a fox <lora:ink>", [{"name": "ink"}]),
     ("a fox", [{"name": "ink"}, {"name": "ink.safetensors"}])],
)  # fmt: skip
def test_one_that_is_named_twice_is_refused(chooser, model, ink, prompt, named):
    with pytest.raises(LoraRefused, match="twice"):
        choose(chooser, model, prompt, *named)


def test_what_the_model_cannot_use_is_refused_with_the_reason(chooser, model, reader, ink):
    reader.said["ink"] = FakeDescription(fault="it is for Flux", n_matched=0)
    with pytest.raises(LoraRefused, match="zimage-nano cannot use the LoRA ink: It is for Flux"):
        choose(chooser, model, "a fox <lora:ink>")


def test_what_is_left_out_is_said(chooser, model, reader, ink):
    reader.said["ink"] = FakeDescription(n_matched=3, n_modules=5, unmatched=("a", "b"))
    assert choose(chooser, model, "a fox <lora:ink>").notes == (
        "LoRA ink: Only 3 of 5 layers fit; left out: a, b",
    )  # fmt: skip


def test_a_prompt_of_tags_alone_and_a_tag_that_makes_no_sense(chooser, model, ink):
    with pytest.raises(LoraRefused, match="describe the image"):
        choose(chooser, model, "<lora:ink>")
    with pytest.raises(LoraRefused, match="number") as caught:
        choose(chooser, model, "a fox <lora:ink:much>")
    assert caught.value.field == "prompt"


def test_too_many(chooser, model, ink):
    tags = "".join(f"<lora:{n}>" for n in range(MAX_LORAS + 1))
    with pytest.raises(LoraRefused, match="16 at most"):
        choose(chooser, model, f"a fox {tags}")


def test_a_file_that_cannot_be_read_any_more(chooser, model, ink, monkeypatch):
    def refuse(_path):
        raise OSError(5, "input/output error")

    monkeypatch.setattr("backend.services.library.loras.catalogue.read_digest", refuse)
    with pytest.raises(LoraRefused, match="cannot be read"):
        choose(chooser, model, "a fox <lora:ink>")


def test_when_it_is_drawn_the_file_is_found_also_by_another_name(chooser, model, loras, ink):
    use = choose(chooser, model, "a fox <lora:ink>").uses[0]
    assert chooser.path_of(use) == ink
    ink.rename(loras / "other.safetensors")
    assert chooser.path_of(use) == loras / "other.safetensors"
    (loras / "other.safetensors").unlink()
    with pytest.raises(InputUnusable, match="ink"):
        chooser.path_of(use)
    write_lora(ink, dim=8, fill=9)
    with pytest.raises(InputUnusable, match="another file"):
        chooser.path_of(use)


def test_how_much_it_holds(chooser, reader, ink):
    use = LoraUse(name="ink")
    assert chooser.count_values(use) == ink.stat().st_size // 2
    assert chooser.count_values(LoraUse(name="nope")) == 0
    write_lora(ink, dim=16)
    reader.said["ink"] = dataclasses.replace(FakeDescription(), dtypes=("F32", "BF16"))
    assert chooser.count_values(use) == ink.stat().st_size // 4
