"""Downloads of single files, from two repositories on the loopback."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.models.catalogue import ModelDownload
from backend.services.errors import DiskFull, DownloadConflict
from backend.services.library.catalogue import Catalogue
from backend.services.library.choices import Choice, Choices
from backend.services.library.downloads import Downloads
from backend.services.library.hub.client import HuggingFaceHub
from backend.services.library.variants.presence import find_here, model_of
from backend.services.library.variants.receipts import Receipts
from backend.services.library.variants.table import VARIANTS
from tests.backend.fakes import wait_until
from tests.backend.hub_server import HubServer, published
from tests.backend.services.library.weight_files import (
    save_foreign,
    save_text_encoder,
    save_transformer,
    save_vae,
    touch_again,
)

BY_ID = {variant.id: variant for variant in VARIANTS}
BF16, FP8 = "z_image_turbo_bf16", "z-image-turbo_fp8_scaled_e4m3fn_KJ"
TRANSFORMER = "split_files/diffusion_models/z_image_turbo_bf16.safetensors"
TEXT, VAE = "split_files/text_encoders/qwen_3_4b.safetensors", "split_files/vae/ae.safetensors"


@pytest.fixture
def hub(tmp_path, tiny_model, monkeypatch) -> Iterator[HubServer]:
    folder = tmp_path / "published"
    save_transformer(tiny_model, folder / TRANSFORMER)
    shutil.copy(folder / TRANSFORMER, folder / f"{FP8}.safetensors")
    save_text_encoder(tiny_model, folder / TEXT)
    shutil.copy(folder / TEXT, folder / TEXT.replace("4b.", "4b_fp8_mixed."))
    save_vae(folder / VAE)
    hub = HubServer(folder, "Comfy-Org/z_image_turbo", "Kijai/Z-Image_comfy_fp8_scaled")
    with published(hub, monkeypatch):
        yield hub


@pytest.fixture
def root(settings, tiny_model) -> Path:
    """Folder of models with a small model that has a tokenizer, whose text encoder others may use."""
    nano = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano"
    shutil.rmtree(nano)
    shutil.copytree(tiny_model, nano)
    return nano.parent


@pytest.fixture
def receipts(settings) -> Receipts:
    return Receipts(settings.data_dir / "downloaded.json")


@pytest.fixture
def downloads(hub, settings, root, receipts) -> Iterator[Downloads]:
    downloads = Downloads(
        Catalogue(settings), root, HuggingFaceHub(silence_s=5), lambda _: 10**12, receipts, pause_s=lambda tries: 0.0
    )
    yield downloads
    assert downloads.close()


def state(downloads: Downloads, variant_id: str = BF16) -> ModelDownload:
    return downloads.state_of(BY_ID[variant_id], find_here(downloads._catalogue.weight_files()))


def run(downloads: Downloads, variant_id: str = BF16) -> ModelDownload:
    downloads.start(variant_id)
    wait_until(lambda: state(downloads, variant_id).state != "running", "the end of the download")
    return state(downloads, variant_id)


def fetched(hub: HubServer) -> list[str]:
    return [path.removeprefix("/cdn/") for path, _ in hub.asked if path.startswith("/cdn/")]


def test_single_files_become_a_model_at_once(hub, downloads, settings, root, receipts):
    told = run(downloads)

    assert (told.state, told.message) == ("none", "")
    for path in (TRANSFORMER, TEXT, VAE):
        target = root / path.removeprefix("split_files/")
        assert target.read_bytes() == (hub.folder / path).read_bytes()
        assert receipts.digest_of(target)
    model = Catalogue(settings).resolve(BF16)
    assert (model.source, model.member, model.default_steps) == ("files", "turbo", 9)
    assert model.files is not None
    assert model.files.transformer == root / "diffusion_models" / "z_image_turbo_bf16.safetensors"
    assert fetched(hub)[-1] == TRANSFORMER, "what lets the model be seen comes last"
    with pytest.raises(DownloadConflict, match="installed already"):
        downloads.start(BF16)


def test_files_that_variants_share_come_once(hub, downloads):
    run(downloads)
    hub.asked.clear()

    assert run(downloads, FP8).state == "none"

    assert sorted(fetched(hub)) == [TEXT.replace("4b.", "4b_fp8_mixed."), f"{FP8}.safetensors"]


def test_the_model_uses_its_own_files_unless_others_were_chosen(hub, downloads, settings, root):
    save_vae(root / "vae" / "another.safetensors")
    run(downloads)
    assert [part.name for part in Catalogue(settings).resolve(BF16).parts if part.part == "vae"] == [
        "vae/ae.safetensors"
    ]

    Choices(settings.data_dir / "models.json").put(FP8, Choice(parts={"vae": "vae/another.safetensors"}))
    run(downloads, FP8)
    assert [part.name for part in Catalogue(settings).resolve(FP8).parts if part.part == "vae"] == [
        "vae/another.safetensors"
    ]


def test_a_line_that_is_cut_is_taken_up_where_it_was(hub, downloads, root):
    size = (hub.folder / TRANSFORMER).stat().st_size
    hub.cut_after[TRANSFORMER] = size // 2

    assert run(downloads).state == "none"

    assert [asked for path, asked in hub.asked if path.endswith(TRANSFORMER) and path.startswith("/cdn")] == [
        None, f"bytes={size // 2}-",
    ]  # fmt: skip


def test_a_cancel_keeps_what_has_come(hub, downloads, root):
    hub.hold = threading.Event()
    downloads.start(BF16)
    assert hub.held.wait(10)
    stop, hold = downloads._job.stop, hub.hold
    threading.Thread(target=lambda: stop.wait(10) and hold.set()).start()

    downloads.cancel(BF16)

    told = state(downloads)
    there = [path for path in root.rglob("*") if path.suffix in (".part", ".safetensors") and "nano" not in str(path)]
    assert (told.state, told.done_bytes) == ("none", sum(path.stat().st_size for path in there))
    hub.hold = None
    assert run(downloads).state == "none"


@pytest.mark.parametrize("place", ["vae/ae.safetensors", "elsewhere/ae.safetensors"])
def test_a_file_that_is_here_by_another_hand_is_known_by_its_digest(hub, downloads, root, place):
    (root / place).parent.mkdir(exist_ok=True)
    shutil.copy(hub.folder / VAE, root / place)

    assert run(downloads).state == "none"

    assert sorted(fetched(hub)) == [TRANSFORMER, TEXT]


def test_another_file_of_that_name_is_never_written_over(hub, downloads, root):
    other = save_foreign(root / "vae" / "ae.safetensors")
    before = other.read_bytes()

    told = run(downloads)

    assert (told.state, "vae/ae.safetensors is here, and is another file" in told.message) == ("failed", True)
    assert (other.read_bytes(), fetched(hub)) == (before, [])


def test_a_namesake_elsewhere_does_not_stand_in_for_it(hub, downloads, root):
    save_vae(root / "elsewhere" / "ae.safetensors")  # other random values
    assert run(downloads).state == "none"
    assert VAE in fetched(hub)


def test_what_came_damaged_is_thrown_away(hub, downloads, root):
    hub.damaged.add(VAE)
    told = run(downloads)
    assert (told.state, "came damaged" in told.message) == ("failed", True)
    assert not list((root / "vae").iterdir())


def test_files_that_no_model_can_be_made_of_are_said_to_be_so(hub, downloads):
    save_foreign(hub.folder / TRANSFORMER)
    told = run(downloads)
    assert told.state == "failed"
    assert "no model can be made of them. diffusion_models/z_image_turbo_bf16.safetensors: " in told.message


def test_files_that_do_not_fit_each_other_are_a_failure(hub, downloads, root):
    shutil.rmtree(root / "zimage-nano")  # nobody lends the text encoder with its tokenizer any more
    told = run(downloads)
    assert (told.state, "no whole model. It has no text encoder" in told.message) == ("failed", True)


def test_a_repository_without_the_file_is_named(hub, downloads):
    (hub.folder / VAE).unlink()
    told = run(downloads)
    assert (told.state, "Comfy-Org/z_image_turbo does not have split_files/vae/ae.safetensors" in told.message) == (
        "failed",
        True,
    )


def test_room_is_checked_with_what_is_here(hub, downloads):
    downloads._free_bytes = lambda _: 10**9
    with pytest.raises(DiskFull, match=r"20\.7 GB are still to come, and 1\.0 GB"):
        downloads.start(BF16)
    assert hub.asked == []


def test_a_folder_of_ones_own_keeps_its_other_files(hub, settings, root, tmp_path, receipts, tiny_model):
    own = tmp_path / "weights"
    save_transformer(tiny_model, own / "mine" / "tune.safetensors")
    settings = settings.model_copy(update={"models_dir": own})
    downloads = Downloads(Catalogue(settings), own, HuggingFaceHub(silence_s=5), lambda _: 10**12, receipts)

    assert run(downloads).state == "none"

    assert {"tune", BF16} <= {model.id for model in Catalogue(settings).models() if model.installed}


def test_a_receipt_saves_reading_a_file_again(hub, downloads, root, monkeypatch):
    run(downloads)
    (root / "diffusion_models" / "z_image_turbo_bf16.safetensors").unlink()
    read: list[str] = []
    monkeypatch.setattr(
        "backend.services.library.hub.client.HubFile.is_content_of", lambda self, path, _: not read.append(path)
    )

    touch_again(root / "vae" / "ae.safetensors")
    assert run(downloads).state == "none"

    assert read == [root / "vae" / "ae.safetensors"]


def test_what_is_not_whole_is_no_installed_variant(hub, downloads, settings):
    contents = Catalogue(settings).look()
    assert model_of(BY_ID[BF16], contents.models) is None
    assert state(downloads) == ModelDownload(state="none", done_bytes=0, total_bytes=20_685_000_000, message="")
