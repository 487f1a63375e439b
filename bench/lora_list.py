"""Measures the list of LoRAs: the first of all, after a start, and again.

python bench/lora_list.py [--loras 1000] [--runs 20] [--write docs/lora.md]
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from backend.api.presenters import LoraLists  # noqa: E402
from backend.models.config import Settings  # noqa: E402
from backend.services.library.catalogue import Catalogue  # noqa: E402
from backend.services.library.loras.architectures import PUBLISHED  # noqa: E402
from backend.services.library.loras.facts import describe_file  # noqa: E402
from backend.services.library.loras.room import LoraRoom  # noqa: E402
from bench.history import p50_ms  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402

MARK = "bench:lora-list"
RANK, LAYERS, DIM, HIDDEN = 16, 30, 3840, 10240
MODULES = {
    **dict.fromkeys((f"attention.to_{name}" for name in ("q", "k", "v", "out.0")), (DIM, DIM)),
    "feed_forward.w1": (HIDDEN, DIM), "feed_forward.w2": (DIM, HIDDEN), "feed_forward.w3": (HIDDEN, DIM),
}  # fmt: skip
FOLDERS = 20


def make_head() -> tuple[bytes, int]:
    """Returns length and header of a LoRA for all layers of Turbo, and the size of its values."""
    header: dict[str, object] = {"__metadata__": {"ss_tag_frequency": json.dumps({"a": {"ink": 10, "fox": 3}})}}
    at = 0
    for layer in range(LAYERS):
        for module, (rows, columns) in MODULES.items():
            for part, shape in (("A", (RANK, columns)), ("B", (rows, RANK))):
                size = 2 * shape[0] * shape[1]
                name = f"diffusion_model.layers.{layer}.{module}.lora_{part}.weight"
                header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": (at, at + size)}
                at += size
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text, at


def fill(folder: Path, count: int) -> None:
    """Makes LoRAs whose values are holes, each with a preview and a file of words."""
    head, size_bytes = make_head()
    for number in range(count):
        stem = folder / f"folder {number % FOLDERS}" / f"lora {number}"
        stem.parent.mkdir(parents=True, exist_ok=True)
        with stem.with_suffix(".safetensors").open("wb") as file:
            file.write(head)
            file.truncate(len(head) + size_bytes)
        stem.with_suffix(".png").write_bytes(b"x")
        stem.with_suffix(".json").write_text(json.dumps({"activation text": f"word {number}"}))


def measure(folder: Path, count: int, runs: int) -> list[Row]:
    settings = Settings(base_dir=ROOT, data_dir=folder / "data")
    loras = folder / "data" / "loras"
    fill(loras, count)
    describe_file(next(loras.rglob("*.safetensors")), PUBLISHED)  # imports what reads headers, as a server has

    def room() -> LoraRoom:
        return LoraRoom.build(settings, Catalogue(settings), list)

    def list_of(room: LoraRoom, lists: LoraLists) -> Callable[[], int]:
        def look() -> int:
            contents = room.catalogue.look()
            lists.present(contents, room.removals.find_own(contents.loras))
            return contents.n_unread

        return look

    new = room()
    look = list_of(new, LoraLists(settings))
    first_s, started = seconds(look), time.perf_counter()
    while look():
        time.sleep(0.1)
    reading_s = time.perf_counter() - started
    new.catalogue.close()
    again, lists = room(), LoraLists(settings)
    cold_s = seconds(list_of(again, lists))
    warm_ms = p50_ms(list_of(again, lists), runs)
    return [
        Row(f"list of {count:,} new LoRAs: names, and what was read in time", f"{first_s:.2f} s", "≤ 1 s"),
        Row("until all of their headers are read, meanwhile", f"{reading_s:.1f} s", ""),
        Row(f"list of {count:,} LoRAs after a start", f"{cold_s * 1000:.0f} ms", "≤ 1 s"),
        Row(f"list of {count:,} LoRAs again, p50", f"{warm_ms:.1f} ms", "≤ 20 ms"),
    ]  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--loras", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        publish(measure(Path(folder), options.loras, options.runs), MARK, options.write)


if __name__ == "__main__":
    main()
