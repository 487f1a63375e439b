from __future__ import annotations

import errno

import pytest

from backend.services.errors import DiskFull
from backend.services.library.loras.architectures import Architecture
from backend.services.library.loras.catalogue import LoraCatalogue
from backend.services.library.loras.digests import read_digest
from backend.services.library.loras.uploads import MAX_STEM_BYTES, LoraUploads, clean_name, refuse_other_formats
from backend.services.library.variants.receipts import Receipts
from backend.services.lora_errors import LoraDamaged, NameTaken
from tests.backend.services.library.loras.lora_files import FLUX, FakeDescription, FakeReader, write_lora

GIB = 2**30


@pytest.fixture
def reader():
    return FakeReader()


@pytest.fixture
def home(settings):
    return settings.data_dir / "loras"


@pytest.fixture
def catalogue(settings, reader):
    return LoraCatalogue(settings, reader, can_describe=lambda: True)


@pytest.fixture
def receipts(settings):
    return Receipts(settings.data_dir / "lora-uploads.json")


@pytest.fixture
def make(catalogue, home, receipts):
    def make(free: int = GIB, min_free_disk_mb: int = 0, **options: object) -> LoraUploads:
        options.setdefault("check", lambda path, architecture: None)
        return LoraUploads(
            catalogue, home, receipts, lambda folder: free, max_bytes=GIB, min_free_disk_mb=min_free_disk_mb, **options
        )

    return make


@pytest.fixture
def content(tmp_path):
    return write_lora(tmp_path / "sent.safetensors", dim=64, fill=3).read_bytes()


def send(uploads, name, content, step=100):
    upload = uploads.begin(name, len(content))
    try:
        for at in range(0, len(content), step):
            upload.write(content[at : at + step])
        return upload.finish()
    finally:
        upload.abort()


def left(home):
    return sorted(path.name for path in home.iterdir()) if home.exists() else []


def test_it_becomes_one_of_the_loras(make, catalogue, home, receipts, content):
    lora, is_new = send(make(), "styles/ink.safetensors", content)
    assert (lora.name, is_new) == ("ink", True)
    assert left(home) == ["ink.safetensors"]
    assert (home / "ink.safetensors").read_bytes() == content
    assert catalogue.get("ink").digest == read_digest(home / "ink.safetensors")
    assert receipts.digest_of(home / "ink.safetensors") == lora.digest.sha256


def test_the_same_content_is_the_same_lora_whatever_it_is_called(make, home, content):
    send(make(), "ink.safetensors", content)
    lora, is_new = send(make(), "other.safetensors", content)
    assert (lora.name, is_new) == ("ink", False)
    assert left(home) == ["ink.safetensors"]


def test_the_same_content_that_lies_there_already(make, home, content):
    (home / "a").mkdir(parents=True)
    (home / "a" / "mine.safetensors").write_bytes(content)
    lora, is_new = send(make(), "other.safetensors", content)
    assert (lora.name, is_new) == ("a/mine", False)


def test_another_content_of_the_name_is_refused(make, home, content):
    send(make(), "ink.safetensors", content)
    with pytest.raises(NameTaken, match=r"ink\.safetensors"):
        send(make(), "ink.safetensors", content[:-1] + b"x")
    assert left(home) == ["ink.safetensors"]
    assert (home / "ink.safetensors").read_bytes() == content


@pytest.mark.parametrize("there", ["ink.safetensors", "INK.safetensors", "styles/Ink.sft"])
def test_another_content_of_a_stem_is_refused_in_any_folder_and_case(make, home, content, there):
    (home / there).parent.mkdir(parents=True, exist_ok=True)
    (home / there).write_bytes(content[:-1] + b"x")
    with pytest.raises(NameTaken, match="another LoRA of this name"):
        send(make(), "Ink.safetensors", content)


def test_what_comes_with_a_model_is_not_replaced(make, settings, home, content):
    shipped = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano" / "loras" / "cyanotype.safetensors"
    shipped.parent.mkdir(parents=True, exist_ok=True)
    shipped.write_bytes(content[:-1] + b"x")
    with pytest.raises(NameTaken, match="cyanotype"):
        send(make(), "Cyanotype.safetensors", content)
    assert left(home) == []


def test_a_link_of_the_name_is_not_written_through(make, home, content, tmp_path):
    home.mkdir(parents=True)
    (home / "ink.safetensors").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NameTaken):
        send(make(), "ink.safetensors", content)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("ink.safetensors", "ink.safetensors"),
        ("INK.SAFETENSORS", "INK.safetensors"),
        ("../../etc/ink.sft", "ink.sft"),
        ("C:\\models\\ink.safetensors", "ink.safetensors"),
        ("a:b?c*.safetensors", "a_b_c_.safetensors"),
        (".hidden.safetensors", "hidden.safetensors"),
        ("  a b . .safetensors", "a b.safetensors"),
        ("con.safetensors", "_con.safetensors"),
        ("Com1.x.safetensors", "_Com1.x.safetensors"),
        ("a\x00\n\x1b‮.safetensors", "a.safetensors"),
        ("水墨.safetensors", "水墨.safetensors"),
        ("e\u0301.safetensors", "\u00e9.safetensors"),
    ],
)
def test_a_name_is_cleaned(sent, kept):
    assert clean_name(sent) == kept


def test_a_long_name_is_cut_between_characters():
    name = clean_name("墨" * 200 + ".safetensors")
    assert len(name.removesuffix(".safetensors").encode()) <= MAX_STEM_BYTES
    assert set(name.removesuffix(".safetensors")) == {"墨"}


@pytest.mark.parametrize(
    "name", ["", "ink", "ink.pt", "ink.ckpt", ".safetensors", "...safetensors", "a/", "safetensors"]
)
def test_a_name_that_is_none_is_refused(make, home, name):
    with pytest.raises(LoraDamaged):
        make().begin(name, 0)
    assert left(home) == []


@pytest.mark.parametrize(
    "head",
    [b"PK\x03\x04aaaa", b"\x80\x02aaaaaa", b"\x80\x05aaaaaa", b"\x1f\x8baaaaaa", b"GGUF\x03\0\0\0", b"<!DOCTYP",
     (2**31).to_bytes(8, "little"), bytes(8)],
)  # fmt: skip
def test_other_formats_are_refused_by_their_first_bytes(make, home, head):
    with pytest.raises(LoraDamaged):
        refuse_other_formats(head)
    upload = make().begin("a.safetensors", 10**9)
    upload.write(head[:3])
    with pytest.raises(LoraDamaged):
        upload.write(head[3:] + b"more")
    upload.abort()
    assert left(home) == []


def test_what_no_model_takes_is_refused_with_the_reason(make, catalogue, home, content):
    catalogue._describe = lambda path, architecture: FakeDescription(fault="none of its modules fits", n_matched=0)
    with pytest.raises(LoraDamaged, match="None of its modules fits"):
        send(make(), "flux.safetensors", content)
    assert left(home) == []


def test_what_the_model_here_takes_is_kept_though_the_published_one_does_not(make, catalogue, content):
    other = Architecture("other")
    catalogue._describe = lambda path, architecture: FakeDescription(fault=None if architecture == other else "shapes")
    lora, is_new = send(make(architecture=lambda: other), "nano.safetensors", content)
    assert is_new
    assert lora.problem is None


def test_a_flux_lora_is_refused_by_the_library(settings, home, receipts, tmp_path):
    uploads = LoraUploads(
        LoraCatalogue(settings), home, receipts, lambda folder: GIB, max_bytes=GIB, min_free_disk_mb=0
    )
    content = write_lora(tmp_path / "flux.safetensors", modules=(FLUX,)).read_bytes()
    with pytest.raises(LoraDamaged, match="Flux"):
        send(uploads, "flux.safetensors", content)
    assert left(home) == []


@pytest.mark.parametrize("fill", [0xFF, 0x7F])
def test_values_that_are_no_numbers_are_refused(settings, home, receipts, tmp_path, fill):
    uploads = LoraUploads(
        LoraCatalogue(settings), home, receipts, lambda folder: GIB, max_bytes=GIB, min_free_disk_mb=0
    )
    file = write_lora(tmp_path / "a.safetensors", fill=1)
    content = file.read_bytes()
    with pytest.raises(LoraDamaged, match="NaN or infinite"):
        send(uploads, "ink.safetensors", content[:-2] + bytes([fill & 0x80 | 0x80, fill]), 2**20)
    assert left(home) == []
    assert send(uploads, "ink.safetensors", content, 2**20)[1]


def test_there_must_be_room(make, home):
    with pytest.raises(DiskFull, match="100 MiB"):
        make(free=150 * 2**20, min_free_disk_mb=100).begin("a.safetensors", 100 * 2**20)
    assert left(home) == []


def test_a_disk_that_is_full_meanwhile(make, home, content, monkeypatch):
    upload = make().begin("a.safetensors", 10)

    class Full:
        def write(self, _):
            raise OSError(errno.ENOSPC, "full")

        def close(self):
            raise OSError(errno.ENOSPC, "full")

    upload._file.close()
    upload._file = Full()
    with pytest.raises(DiskFull):
        upload.write(content)
    upload.abort()
    assert left(home) == []


def test_a_folder_that_cannot_be_made(make, home):
    home.parent.mkdir(parents=True, exist_ok=True)
    home.write_text("a file")
    with pytest.raises(DiskFull):
        make().begin("a.safetensors", 10)


def test_one_that_is_broken_off_leaves_nothing(make, home, catalogue, content):
    upload = make().begin("ink.safetensors", len(content))
    upload.write(content[:100])
    assert catalogue.look().loras == ()  # what comes is none of them yet
    upload.abort()
    upload.abort()
    assert left(home) == []


def test_what_the_end_of_the_program_has_cut_off_goes_at_the_next_start(make, home):
    home.mkdir(parents=True)
    for name in (".upload-1.part", "ink.safetensors", ".other.part"):
        (home / name).write_bytes(b"x")
    make().open()
    assert left(home) == [".other.part", "ink.safetensors"]
