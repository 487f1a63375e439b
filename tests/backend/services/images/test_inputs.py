from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from backend.services.errors import DiskFull, UnknownInput, UnreadableImage
from backend.services.images import inputs as module
from backend.services.images.inputs import GRACE_S, Input, InputStore, decode
from backend.services.images.records import hash_pixels
from tests.backend.services.images.keeping import png_that_claims_a_size

GPS_IFD = 0x8825
ORIENTATION = 0x0112


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path, clock) -> InputStore:
    store = InputStore(tmp_path / "inputs", now=clock)
    store.open()
    return store


def noise(width: int = 40, height: int = 24, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 4), np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> BytesIO:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer


def same(image: Image.Image, other: Image.Image) -> bool:
    return image.mode == other.mode and np.array_equal(np.asarray(image), np.asarray(other))


def keep(store: InputStore, file: BytesIO) -> Input:
    return store.add(file)[0]


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_an_image_is_kept_to_the_pixel(store, kind, options, mode):
    image = noise(mode=mode)
    found = keep(store, encoded(image, kind, **options))

    wanted = image.convert("RGB") if (kind, mode) == ("WEBP", "L") else image
    assert same(store.read(found.id), wanted)
    assert (found.width, found.height, found.has_alpha) == (40, 24, mode == "RGBA")
    assert found.size_bytes == found.path.stat().st_size


def test_an_image_can_be_changed_before_it_is_kept(store):
    found = store.add(encoded(noise(mode="RGB")), lambda image: image.convert("L").resize((8, 6)))[0]
    assert (store.read(found.id).mode, found.width, found.height) == ("L", 8, 6)


@pytest.mark.parametrize("kind", ["JPEG", "AVIF"])
def test_lossy_formats_are_read(store, kind):
    flat = Image.new("RGB", (32, 16), (200, 60, 30))
    kept = store.read(keep(store, encoded(flat, kind)).id)
    assert kept.size == (32, 16)
    assert np.abs(np.asarray(kept, int) - (200, 60, 30)).max() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_stand_upright(store, orientation):
    upright = noise()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    # What a camera stores is the upright picture turned back.
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)
    stored = upright if back is None else upright.transpose(Image.Transpose(back))
    file = encoded(stored, "WEBP", lossless=True, exif=exif)
    assert same(ImageOps.exif_transpose(Image.open(file)), upright), "the table above is right"

    assert same(store.read(keep(store, file).id), upright)


def test_where_a_photo_was_taken_is_not_kept(store):
    exif = Image.Exif()
    exif.get_ifd(GPS_IFD)[1] = "N"
    exif[0x010F] = "A camera of mine"
    found = keep(store, encoded(noise(), "JPEG", exif=exif, comment=b"at home", icc_profile=srgb()))

    with Image.open(found.path) as kept:
        kept.load()
        assert kept.info == {}
        assert not kept.getexif()
    assert b"camera" not in found.path.read_bytes()


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_srgb_keeps_its_numbers_and_a_damaged_profile_does_no_harm():
    for profile in (srgb(), b"no profile at all"):
        assert same(decode(encoded(noise(), icc_profile=profile)), noise())


def swapped() -> bytes:
    """A space whose first colour is blue and whose last is red."""
    names = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}
    head, rest = srgb()[:128], srgb()[128:]
    for name, other in names.items():
        rest = rest.replace(name, b"(" + other[1:], 1) if name[:1] == b"r" else rest.replace(name, b"rXYZ", 1)
    rest = rest.replace(b"(XYZ", b"bXYZ", 1)
    return head + rest.replace("sRGB".encode("utf-16-be"), "xyzB".encode("utf-16-be"))


def test_another_space_of_colours_is_moved_to_srgb():
    red = Image.new("RGB", (4, 4), (250, 5, 5))
    moved = decode(encoded(red, icc_profile=swapped())).getpixel((0, 0))
    assert moved[2] > 240
    assert moved[0] < 40


def test_16_bits_become_8_without_a_cut():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    kept = np.asarray(decode(encoded(Image.fromarray(ramp))))
    assert kept.dtype == np.uint8
    assert np.abs(kept.astype(float) - ramp / 257).max() <= 0.5


@pytest.mark.parametrize(
    ("image", "mode"),
    [
        (noise(mode="RGB").quantize(16), "RGB"),
        (noise(mode="L").convert("1"), "L"),
        (noise(mode="CMYK"), "RGB"),
        (noise(mode="LA"), "RGBA"),
    ],
    ids=["palette", "1 bit", "CMYK", "grey with alpha"],
)
def test_other_modes_become_plain_ones(store, image, mode):
    kind = "JPEG" if image.mode == "CMYK" else "PNG"
    kept = store.read(keep(store, encoded(image, kind)).id)
    assert (kept.mode, kept.size) == (mode, image.size)


def test_alpha_that_hides_nothing_is_none():
    opaque = noise().copy()
    opaque.putalpha(255)
    assert same(decode(encoded(opaque)), noise())


def test_the_same_pixels_are_one_input_however_they_come(store):
    image = noise()
    ids = {keep(store, encoded(image)).id, keep(store, encoded(image, "WEBP", lossless=True)).id}
    assert ids == {hash_pixels(image)}
    assert len(list((store.get(ids.pop()).path.parent).iterdir())) == 1


def test_another_alpha_is_another_input(store):
    half, less = noise(), noise()
    half.putalpha(128)
    less.putalpha(100)
    assert keep(store, encoded(half)).id != keep(store, encoded(less)).id


def gif_like_webp() -> BytesIO:
    return encoded(noise(), "WEBP", save_all=True, append_images=[noise(mode="L").convert("RGB")], lossless=True)


def cut(file: BytesIO) -> BytesIO:
    return BytesIO(file.getvalue()[: len(file.getvalue()) // 2])


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "no PNG, JPEG, WebP or AVIF"),
        (BytesIO(b""), "no PNG"),
        (encoded(noise(), "GIF"), "no PNG"),
        (BytesIO(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), "HEIC.*save it as JPEG or PNG"),
        (BytesIO(png_that_claims_a_size(14_000, 14_000)), "50 megapixels and 8,192 pixels a side are allowed"),
        (BytesIO(png_that_claims_a_size(10_000, 10_000)), "50 megapixels and 8,192 pixels a side are allowed"),
        (cut(encoded(noise(400, 300), "JPEG")), "damaged"),
        (cut(encoded(noise(400, 300))), "damaged"),
        (gif_like_webp(), "animated, with 2 frames"),
    ],
    ids=["SVG", "empty", "GIF", "HEIC", "196 megapixels", "100 megapixels", "half a JPEG", "half a PNG", "animated"],
)
def test_what_is_no_such_image_is_said(store, file, said):
    with pytest.raises(UnreadableImage, match=said):
        keep(store, file)


@pytest.mark.parametrize("size", [(10_000, 10_000), (20_000, 10), (2**31 - 1, 2**31 - 1)])
def test_what_is_too_large_is_refused_before_it_is_decoded(store, monkeypatch, size):
    monkeypatch.setattr(Image.Image, "load", lambda _self: pytest.fail("it was decoded"))
    with pytest.raises(UnreadableImage):
        keep(store, BytesIO(png_that_claims_a_size(*size)))


def test_a_strip_is_kept(store):
    found = keep(store, encoded(noise(1, 4000)))
    assert (found.width, found.height) == (1, 4000)


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/passwd", "", "A" * 64, "0" * 63 + "/"])
def test_what_is_not_here(store, name):
    for ask in (store.get, store.read):
        with pytest.raises(UnknownInput):
            ask(name)


def test_a_damaged_file_is_not_an_image(store):
    found = keep(store, encoded(noise(400, 300)))
    found.path.write_bytes(found.path.read_bytes()[:2000])
    with pytest.raises(UnknownInput):
        store.read(found.id)


def test_what_nothing_refers_to_goes_after_a_week(store, clock):
    used, unused = (keep(store, encoded(noise(width))).id for width in (10, 20))
    clock.now += GRACE_S - 1
    assert store.collect({used}) == 0
    clock.now += 2
    assert store.collect({used}) == 1
    assert store.read(used)
    with pytest.raises(UnknownInput):
        store.get(unused)


def test_what_is_asked_for_stays_for_another_week(store, clock):
    found = keep(store, encoded(noise()))
    clock.now += GRACE_S - 1
    store.get(found.id)
    clock.now += GRACE_S - 1
    assert store.collect(set()) == 0


def test_a_full_disk_leaves_nothing_behind(store, monkeypatch):
    def refuse(*_arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_png", refuse)
    with pytest.raises(DiskFull):
        keep(store, encoded(noise()))
    assert list(store._folder.iterdir()) == []


def test_whatever_a_decoder_raises_over_a_damaged_file_is_said(store, monkeypatch):
    for kind in (RuntimeError, TypeError, struct.error):
        monkeypatch.setattr(module.ImageOps, "exif_transpose", raising(kind))
        with pytest.raises(UnreadableImage, match="damaged"):
            store.add(encoded(noise()))


def raising(kind: type[Exception]):
    def fail(_image: Image.Image) -> Image.Image:
        raise kind("Missing or empty image item")

    return fail
