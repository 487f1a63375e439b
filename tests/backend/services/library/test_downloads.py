from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.models.catalogue import ModelDownload
from backend.services.errors import DiskFull, DownloadConflict, UnknownDownload
from backend.services.library.catalogue import Catalogue
from backend.services.library.downloads import TRIES, Downloads
from backend.services.library.hub.client import HuggingFaceHub
from backend.services.library.variants.receipts import Receipts
from tests.backend.fakes import make_model_folder, wait_until
from tests.backend.hub_server import HubServer, published

REPOSITORY = "Tongyi-MAI/Z-Image-Turbo"
TURBO = "z-image-turbo"
SHARD = "transformer/model.safetensors"


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    folder = make_model_folder(tmp_path / "published")
    (folder / "tokenizer" / "merges.txt").write_text("a b\n")
    (folder / "tokenizer" / "empty.txt").write_text("")
    (folder / "assets").mkdir()
    (folder / "assets" / "showcase.png").write_bytes(b"a picture")
    (folder / "transformer" / "evil.py").write_text("raise SystemExit")
    hub = HubServer(folder, REPOSITORY)
    with published(hub, monkeypatch):
        yield hub


@pytest.fixture
def folder(settings) -> Path:
    return settings.base_dir / "Z-Image" / "ckpts"


@pytest.fixture
def downloads(hub, settings, folder) -> Iterator[Downloads]:
    receipts = Receipts(settings.data_dir / "downloaded.json")
    downloads = Downloads(
        Catalogue(settings), folder, HuggingFaceHub(silence_s=5), lambda _: 10**12, receipts, pause_s=lambda tries: 0.0
    )
    yield downloads
    if hub.hold is not None:
        hub.hold.set()
    assert downloads.close()


def state(downloads: Downloads, model_id: str = TURBO) -> ModelDownload:
    return downloads.state(next(model for model in downloads._catalogue.models() if model.id == model_id))


def run(downloads: Downloads) -> ModelDownload:
    downloads.start(TURBO)
    wait_until(lambda: state(downloads).state != "running", "the end of the download")
    return state(downloads)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def wanted(hub: HubServer) -> dict[str, bytes]:
    return {name: content for name, content in files(hub.folder).items() if not name.endswith((".png", ".py"))}


def hold_a_file(hub: HubServer, downloads: Downloads) -> None:
    """Lets the download come to the middle of a file."""
    hub.hold = threading.Event()
    downloads.start(TURBO)
    assert hub.held.wait(10)


def let_go_when_stopping(hub: HubServer, downloads: Downloads) -> None:
    """The rest of the file comes once the download is told to end: it must not be finished before."""
    stop = downloads._job.stop

    def let_go() -> None:
        if stop.wait(10):
            hub.hold.set()

    threading.Thread(target=let_go).start()


def test_a_model_is_here_when_it_is_whole(hub, downloads, settings, folder):
    assert run(downloads).state == "none"

    assert files(folder / "Z-Image-Turbo") == wanted(hub)
    assert Catalogue(settings).resolve(TURBO).path == folder / "Z-Image-Turbo"
    with pytest.raises(DownloadConflict, match="installed already"):
        downloads.start(TURBO)


def test_the_index_comes_last(hub, downloads):
    run(downloads)
    assert hub.asked[-1][0] == "/cdn/model_index.json"


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_line_that_is_cut_is_taken_up_where_it_was(hub, downloads, folder, knows_ranges):
    size = (hub.folder / SHARD).stat().st_size
    hub.cut_after[SHARD] = size // 2
    hub.knows_ranges = knows_ranges

    assert run(downloads).state == "none"

    assert files(folder / "Z-Image-Turbo") == wanted(hub)
    assert [asked for path, asked in hub.asked if path == f"/cdn/{SHARD}"] == [None, f"bytes={size // 2}-"]


def test_a_hub_that_is_busy_is_asked_again(hub, downloads, folder):
    hub.statuses = [503, 200, 429]
    assert run(downloads).state == "none"
    assert files(folder / "Z-Image-Turbo") == wanted(hub)


@pytest.mark.parametrize(
    ("statuses", "asked", "said"), [([503] * 99, TRIES, "goes on where it stopped"), ([404], 1, "404")]
)
def test_a_hub_that_does_not_give_it(hub, downloads, statuses, asked, said):
    hub.statuses = statuses
    told = run(downloads)
    assert (told.state, said in told.message, len(hub.asked)) == ("failed", True, asked)


def test_what_came_damaged_is_thrown_away_and_comes_anew(hub, downloads, settings, folder):
    hub.damaged.add(SHARD)
    told = run(downloads)
    assert (told.state, SHARD in told.message) == ("failed", True)
    assert not [name for name in files(folder / "Z-Image-Turbo") if name.startswith(SHARD)]
    assert not Catalogue(settings).models()[0].installed

    hub.damaged.clear()
    assert run(downloads).state == "none"
    assert files(folder / "Z-Image-Turbo") == wanted(hub)


def test_a_part_that_was_changed_meanwhile_is_noticed(hub, downloads, folder):
    part = folder / "Z-Image-Turbo" / f"{SHARD}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 10)
    assert run(downloads).state == "failed"
    assert run(downloads).state == "none"


def test_a_part_that_another_one_writes_too_is_noticed(hub, downloads, folder):
    """What came is right, and its digest with it; what is on the disk is not."""
    hold_a_file(hub, downloads)
    wait_until(lambda: state(downloads).done_bytes > 0)
    [part] = folder.rglob("*.part")
    with part.open("ab") as other:
        other.write(b"x")
    hub.hold.set()
    wait_until(lambda: state(downloads).state != "running", "the end of the download")
    told = state(downloads)
    assert (told.state, "came damaged" in told.message) == ("failed", True)
    assert not part.exists()
    assert not part.with_suffix("").exists()


def test_a_cancel_keeps_what_has_come_and_the_next_one_goes_on(hub, downloads, folder):
    hold_a_file(hub, downloads)
    assert state(downloads).state == "running"

    let_go_when_stopping(hub, downloads)
    downloads.cancel(TURBO)

    told = state(downloads)
    assert (told.state, told.message) == ("none", "")
    assert told.done_bytes == sum(map(len, files(folder / "Z-Image-Turbo").values()))
    downloads.cancel(TURBO)  # of nothing does nothing
    hub.hold = None
    assert run(downloads).state == "none"
    assert files(folder / "Z-Image-Turbo") == wanted(hub)


def test_one_at_a_time(hub, downloads):
    hold_a_file(hub, downloads)
    for model_id in (TURBO, "z-image"):
        with pytest.raises(DownloadConflict, match="Z-Image-Turbo is being downloaded"):
            downloads.start(model_id)
    assert state(downloads, "z-image").state == "none"


def test_how_far_it_is(hub, downloads):
    hold_a_file(hub, downloads)
    wait_until(lambda: state(downloads).done_bytes > 0)
    told = state(downloads)
    assert 0 < told.done_bytes < told.total_bytes == sum(map(len, wanted(hub).values()))
    assert told.message.startswith("Downloading ")


@pytest.mark.parametrize("model_id", ["zimage-nano", "nothing", "../x"])
def test_what_cannot_be_downloaded(downloads, model_id):
    for act in (downloads.start, downloads.cancel):
        with pytest.raises(UnknownDownload, match="z-image-turbo, z-image"):
            act(model_id)


def test_a_disk_too_small_is_told_before_anything_is_asked(hub, downloads):
    downloads._free_bytes = lambda _: 32 * 10**9
    with pytest.raises(DiskFull, match=r"32\.9 GB are still to come, and 32\.0 GB"):
        downloads.start(TURBO)
    assert (hub.asked, state(downloads).state) == ([], "none")


def test_a_disk_that_fills_up_on_the_way(hub, downloads, monkeypatch):
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    told = run(downloads)
    assert (told.state, "no room left" in told.message) == ("failed", True)


def test_offline_means_offline(hub, downloads, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadConflict, match="HF_HUB_OFFLINE"):
        downloads.start(TURBO)
    assert hub.asked == []


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/evil.json", "vae/../../evil.json", "vae/a\\b.json", "vae/.json"]
)
def test_a_name_that_leads_elsewhere_is_not_asked_for(hub, downloads, name):
    hub.extra = [name]
    assert run(downloads).state == "none"
    assert not [path for path, _ in hub.asked if "evil" in path or "%5C" in path]


@pytest.mark.parametrize(
    "answer", [[], {"siblings": []}, {"siblings": [{"rfilename": "model_index.json"}], "sha": "x"}]
)
def test_a_list_that_is_none(hub, downloads, monkeypatch, answer):
    monkeypatch.setattr(HubServer, "listing", lambda self: answer)
    told = run(downloads)
    assert (told.state, "not understood" in told.message) == ("failed", True)


def test_a_failure_is_forgotten_by_a_cancel(hub, downloads):
    hub.statuses = [404]
    run(downloads)
    downloads.cancel(TURBO)
    assert state(downloads) == ModelDownload(state="none", done_bytes=0, total_bytes=32_900_000_000, message="")


def test_a_cancel_while_the_hub_is_silent_is_no_failure(hub, downloads):
    hub.statuses = [503] * 99
    pauses: list[int] = []
    downloads._pause_s = lambda tries: pauses.append(tries) or 10.0
    downloads.start(TURBO)
    wait_until(lambda: pauses)

    downloads.cancel(TURBO)

    assert (state(downloads).state, len(hub.asked)) == ("none", 1)


def test_the_end_of_the_program_ends_it(hub, downloads, folder):
    hold_a_file(hub, downloads)
    let_go_when_stopping(hub, downloads)
    assert downloads.close()
    assert "model_index.json" not in files(folder / "Z-Image-Turbo")
