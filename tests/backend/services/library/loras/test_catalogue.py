from __future__ import annotations

import os
import shutil
import threading

import pytest

from backend.services.library.loras import catalogue as module
from backend.services.library.loras.architectures import PUBLISHED, Architecture
from backend.services.library.loras.catalogue import BAD_NAME, FOR_PUBLISHED, READ_S, LoraCatalogue
from backend.services.lora_errors import LoraDamaged, LoraNotFound
from tests.backend.fakes import wait_until
from tests.backend.services.library.loras.lora_files import FakeDescription, FakeReader, write_lora

OTHER = Architecture("other")


@pytest.fixture
def reader():
    return FakeReader()


@pytest.fixture
def make(settings, reader):
    made = []

    def make(describe=None, **options):
        options = {"can_describe": lambda: True, **options}
        made.append(LoraCatalogue(settings, describe or reader, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def loras(settings):
    return settings.data_dir / "loras"


def names(catalogue, architecture=PUBLISHED):
    return [lora.name for lora in catalogue.look(architecture).loras]


def test_loras_are_listed_by_name_and_read_once(make, reader, loras):
    for name in ("styles/Ink", "apple", "styles/zebra"):
        write_lora(loras / f"{name}.safetensors", dim=8)
    catalogue = make()
    contents = catalogue.look()
    assert [lora.name for lora in contents.loras] == ["apple", "styles/Ink", "styles/zebra"]
    assert contents.n_unread == 0
    assert all(lora.is_own and lora.is_read and lora.digest is None for lora in contents.loras)
    assert catalogue.look() is contents
    assert len(reader.asked) == 3


def test_what_changes_on_the_disk_is_seen_at_once(make, reader, loras):
    file = write_lora(loras / "ink.safetensors", dim=8)
    catalogue = make()
    assert names(catalogue) == ["ink"]
    write_lora(loras / "ink.safetensors", dim=16)
    catalogue.look()
    assert len(reader.asked) == 2
    (loras / "ink.json").write_text('{"activation text": "inky"}')
    assert catalogue.look().loras[0].facts.words.triggers == ("inky",)
    file.unlink()
    assert names(catalogue) == []


def test_after_a_restart_nothing_is_read_again(make, reader, loras):
    write_lora(loras / "ink.safetensors", dim=8)
    first = make()
    first.digest_of(first.look().loras[0])
    first.close()
    again = make().look().loras[0]
    assert again.digest is not None
    assert len(reader.asked) == 1


def test_many_new_files_are_read_meanwhile(make, reader, loras):
    for number in range(20):
        write_lora(loras / f"{number}.safetensors", dim=8)
    now = [0.0]

    def describe(path, architecture):
        now[0] += READ_S / 4
        return reader(path, architecture)

    catalogue = make(describe, monotonic=lambda: now[0])
    contents = catalogue.look()
    assert len(contents.loras) == 20
    assert contents.n_unread == 16
    assert sum(lora.facts.kind is None for lora in contents.loras) == 16
    wait_until(lambda: len(reader.asked) == 20, "the reading of all")
    now[0] = 0
    assert catalogue.look().n_unread == 0


def test_before_the_library_is_imported_nobody_waits_for_it(make, reader, loras):
    write_lora(loras / "ink.safetensors", dim=8)
    go_on = threading.Event()

    def describe(path, architecture):
        assert go_on.wait(10)
        return reader(path, architecture)

    catalogue = make(describe, can_describe=lambda: False)
    assert catalogue.look().n_unread == 1
    assert catalogue.look().n_unread == 1
    go_on.set()
    wait_until(lambda: catalogue.look().n_unread == 0, "the reading")
    assert len(reader.asked) == 1


def test_a_name_is_found_without_reading_the_others(make, reader, loras):
    for name in ("ink", "wet"):
        write_lora(loras / f"{name}.safetensors", dim=8)
    assert [lora.name for lora in make().find("ink")] == ["ink"]
    assert reader.asked == ["ink.safetensors"]


def test_what_its_file_calls_it_is_found(make, reader, loras):
    for name in ("a", "b", "c"):
        write_lora(loras / f"{name}.safetensors", dim=8)
    reader.said["a"] = FakeDescription(metadata={"ss_output_name": "Ink v2"})
    reader.said["b"] = FakeDescription(metadata={"modelspec.title": "Wet"})
    catalogue = make()
    assert [lora.name for lora in catalogue.find("ink V2")] == ["a"]
    assert [lora.name for lora in catalogue.find("wet")] == ["b"]
    assert catalogue.find("nothing") == []
    assert catalogue.names() == ["a", "b", "c"]


def test_a_renamed_file_is_found_by_its_digest(make, loras, monkeypatch):
    file = write_lora(loras / "ink.safetensors", dim=8, fill=1)
    catalogue = make()
    digest = catalogue.digest_of(catalogue.get("ink"))
    for number in range(3):
        write_lora(loras / f"other {number}.safetensors", dim=8, fill=2 + number)
    file.rename(loras / "renamed.safetensors")
    read = []
    real = module.read_digest
    monkeypatch.setattr(module, "read_digest", lambda path: (read.append(path.name), real(path))[1])
    assert catalogue.find_digest(digest.sha256, "ink").name == "renamed"
    assert read == ["renamed.safetensors"]  # size and time of change are its own
    assert catalogue.find_digest(digest.short, "ink").name == "renamed"
    assert catalogue.find_digest("0" * 64, "ink") is None


def test_a_digest_of_elsewhere_is_looked_for_in_files_of_the_name_first(make, loras, monkeypatch):
    for number in range(4):
        write_lora(loras / f"{number}.safetensors", dim=8, fill=number)
    catalogue, read, real = make(), [], module.read_digest
    wanted = real(loras / "2.safetensors")
    monkeypatch.setattr(module, "read_digest", lambda path: (read.append(path.name), real(path))[1])
    assert catalogue.find_digest(wanted.sha256, "2").name == "2"
    assert read == ["2.safetensors"]
    monkeypatch.setattr(module, "MAX_SEARCHED_BYTES", 10)
    assert catalogue.find_digest("0" * 64, "2") is None
    assert read == ["2.safetensors"]


def test_a_file_is_digested_once(make, loras, monkeypatch):
    write_lora(loras / "ink.safetensors", dim=8)
    catalogue, read, real = make(), [], module.read_digest
    monkeypatch.setattr(module, "read_digest", lambda path: (read.append(path.name), real(path))[1])
    lora = catalogue.get("ink")
    threads = [threading.Thread(target=catalogue.digest_of, args=(lora,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == ["ink.safetensors"]
    assert catalogue.look().loras[0].digest == real(lora.path)


def test_a_file_that_goes_meanwhile(make, loras):
    file = write_lora(loras / "ink.safetensors", dim=8)
    catalogue = make()
    lora = catalogue.get("ink")
    file.unlink()
    with pytest.raises(LoraDamaged):
        catalogue.digest_of(lora)
    with pytest.raises(LoraNotFound):
        catalogue.get("ink")
    assert catalogue.find_digest("0" * 64, "ink") is None


def test_each_architecture_is_matched_for_itself(make, loras):
    write_lora(loras / "ink.safetensors", dim=8)

    def describe(path, architecture):
        return FakeDescription(fault=None if architecture == PUBLISHED else "shapes", n_matched=2)

    catalogue = make(describe)
    assert catalogue.look(PUBLISHED).loras[0].problem is None
    assert catalogue.look(OTHER).loras[0].problem == FOR_PUBLISHED


def test_a_name_that_no_client_can_send_is_a_problem(make, loras):
    loras.mkdir(parents=True)
    write_lora(loras / "a.safetensors", dim=8).rename(loras / os.fsdecode(b"caf\xe9.safetensors"))
    catalogue = make()
    (lora,) = catalogue.look().loras
    assert lora.name == "caf\\udce9"
    write_lora(loras / "line\nbreak.safetensors", dim=8)
    assert [one.problem for one in catalogue.look().loras] == [None, BAD_NAME]
    assert catalogue.names() == ["caf\\udce9"]


def test_a_preview_beside_it_or_in_its_header(make, reader, loras):
    import base64
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (8, 8), (200, 0, 0)).save(buffer, "PNG")
    text = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    write_lora(loras / "inside.safetensors", {"modelspec.thumbnail": text}, dim=8)
    write_lora(loras / "beside.safetensors", dim=8)
    write_lora(loras / "none.safetensors", dim=8)
    (loras / "beside.webp").write_bytes(buffer.getvalue())
    reader.said["inside"] = FakeDescription(metadata={"modelspec.thumbnail": text})
    catalogue = make()
    for name in ("inside", "beside"):
        assert catalogue.preview(name)[:4] == b"RIFF"
        assert catalogue.get(name).preview_version
    assert catalogue.get("none").preview_version is None
    for name in ("none", "nowhere"):
        with pytest.raises(LoraNotFound):
            catalogue.preview(name)


def test_a_thousand_are_listed(make, reader, loras):
    write_lora(loras / "0.safetensors", dim=8)
    for number in range(1, 1000):
        folder = loras / str(number % 20)
        folder.mkdir(exist_ok=True)
        shutil.copyfile(loras / "0.safetensors", folder / f"{number}.safetensors")
    catalogue = make()
    assert len(catalogue.look().loras) == 1000
    assert len(reader.asked) == 1000
    assert catalogue.look().n_unread == 0
    assert all(lora.digest is None for lora in catalogue.look().loras)  # a list reads no values


def test_closing_ends_the_reading(make, reader, loras):
    for number in range(50):
        write_lora(loras / f"{number}.safetensors", dim=8)
    catalogue = make(can_describe=lambda: False)
    catalogue._ended.set()
    catalogue.look()
    assert catalogue.close()
    assert reader.asked == []
