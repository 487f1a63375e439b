from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from backend.models.gallery import ThumbnailWidth
from backend.services.errors import UnknownImage
from backend.services.images.store import HistoryStore
from tests.backend.fakes import a_picture
from tests.backend.services.images.keeping import delete, open_store, png_that_claims_a_size, records, tree


@pytest.fixture
def store(tmp_path) -> HistoryStore:
    return open_store(tmp_path)


@pytest.mark.parametrize(
    ("size", "expected"), [((1024, 512), (384, 192)), ((64, 48), (64, 48)), ((256, 512), (192, 384))]
)
def test_a_thumbnail_is_a_small_webp(store, size, expected):
    record = store.add(a_picture(width=size[0], height=size[1]))

    with Image.open(store.thumbnail(record.id)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", expected)


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [
        ((1024, 512), ThumbnailWidth.SMALL, (256, 128)),
        ((1024, 512), ThumbnailWidth.LARGE, (512, 256)),
        ((512, 1024), ThumbnailWidth.LARGE, (512, 1024)),
        ((512, 1024), ThumbnailWidth.SMALL, (256, 512)),
        ((320, 256), ThumbnailWidth.LARGE, (320, 256)),
    ],
)
def test_a_thumbnail_of_a_width(store, size, width, expected):
    record = store.add(a_picture(width=size[0], height=size[1]))

    path = store.thumbnail(record.id, width)

    with Image.open(path) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", expected)
    made = path.stat()
    assert store.thumbnail(record.id, width).stat() == made  # it is kept


def test_all_thumbnails_of_a_picture_go_with_it(store, three, tmp_path):
    for width in (None, *ThumbnailWidth):
        store.thumbnail(three[0].id, width)
    before = tree(tmp_path)

    delete(store, three[0].id)

    assert len([name for name in before if three[0].id in name]) == 1 + len(ThumbnailWidth)
    assert not [name for name in tree(tmp_path) if three[0].id in name]


def test_a_missing_thumbnail_is_made_again(store, three):
    path = store.thumbnail(three[0].id)
    path.unlink()

    assert store.thumbnail(three[0].id) == path
    assert path.is_file()


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\nand no more", png_that_claims_a_size(100_000, 100_000)])
def test_the_thumbnail_of_a_damaged_picture(store, three, content):
    store.thumbnail(three[0].id).unlink()
    store.image_path(three[0].id).write_bytes(content)

    with pytest.raises(UnknownImage, match="damaged"):
        store.thumbnail(three[0].id)
    assert records(store) == three


def test_a_thumbnail_that_the_disk_has_no_room_for_is_served_all_the_same(store, three, tmp_path, monkeypatch):
    store.thumbnail(three[0].id).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        content = store.thumbnail(three[0].id)

    with Image.open(BytesIO(content)) as thumbnail:
        assert thumbnail.format == "WEBP"
    assert not [name for name in tree(tmp_path) if ".tmp-" in name]
    assert store.thumbnail(three[0].id).is_file()
