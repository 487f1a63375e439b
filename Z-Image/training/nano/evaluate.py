"""Measures zimage-nano with the judge, prints the table and writes it into the model card.

python -m training.nano.evaluate [--limit N]    (from the folder Z-Image)

Pictures are drawn by the fast forward, which a test holds equal to diffusers' own, with fixed seeds,
9 steps (8 forwards) and guidance 0: for the first table at 256 px, for the second at every size that
the folder's `zimage.json` offers.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from training.nano.autoencoder.training import load_pictures
from training.nano.dataset.captions.english import with_article
from training.nano.dataset.captions.source import CaptionSource
from training.nano.dataset.material import Item, read_items
from training.nano.dataset.scenes import PALETTE, THING_PX, Scene, palette_tensor, render_scene, scene_side
from training.nano.folder import load_folder
from training.nano.judge import background_of, crop_things, held_out_accuracy, judge_logits, load_judge
from training.nano.phrasings import Reader, measure_phrasings
from training.nano.renders import Renders
from training.nano.sampling import Parts, draw

REPOSITORY = Path(__file__).parents[3]
BATCH = 16


@dataclass(frozen=True)
class Size:
    """Of a picture, in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"

    def scene(self, pictures: Tensor, count: int) -> Tensor:
        """The square in the middle of pictures (B, 3, height, width) in which so many things stand."""
        side = scene_side(count, self.height, self.width, THING_PX)
        top, left = (self.height - side) // 2, (self.width - side) // 2
        return pictures[:, :, top : top + side, left : left + side]


SQUARE = Size(THING_PX, THING_PX)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    bar: str
    stretch: str
    measured: str
    number: int


PHRASED = {
    "english": "free phrasings in English, which share no template with the training: top-1",
    "chinese": "free phrasings in Chinese",
    "colours": "colours of things (“a blue apple”): thing and colour right",
    "counts": "one to four of a kind: as many as asked for",
    "pairs": "two things, freely phrased: both right",
    "nonsense": "nothing that it knows: the thinking face",
    "backgrounds": "background colours, freely phrased: thing and background right",
}
PHRASED_BARS = {
    kind: ("90 %" if kind in ("english", "chinese") else "85 %" if kind in ("colours", "counts") else "", "")
    for kind in PHRASED
}


def chunks(values: Sequence[int], size: int = BATCH) -> Iterator[Sequence[int]]:
    """Splits into batches."""
    return (values[start : start + size] for start in range(0, len(values), size))


def hits_at(logits: Tensor, items: Tensor, k: int) -> float:
    """How many rows have their item among the k best."""
    return float((logits.topk(k).indices == items[:, None]).any(1).sum())


def measure_names(
    parts: Parts, judge: nn.Sequential, chosen: Sequence[int], caption: Callable[[int], str], size: Size = SQUARE
) -> tuple[float, float]:
    """Top-1 and top-5 share of single things drawn from `caption(item)`."""
    first = five = 0.0
    for group in chunks(chosen):
        pictures = draw(parts, [caption(item) for item in group], group, size.height, size.width)
        logits = judge_logits(judge, size.scene(pictures, 1))
        first += hits_at(logits, torch.tensor(group), 1)
        five += hits_at(logits, torch.tensor(group), 5)
    return first / len(chosen), five / len(chosen)


def measure_pairs(
    parts: Parts,
    judge: nn.Sequential,
    pairs: Sequence[tuple[int, int]],
    source: CaptionSource,
    size: Size = SQUARE,
) -> float:
    """Share of pictures of two things in which both are right and where they should be."""
    good = 0.0
    for group in chunks(range(len(pairs))):
        names = [(source.english[left].label, source.english[right].label) for left, right in (pairs[i] for i in group)]
        captions = [f"{left} on the left, {right} on the right" for left, right in names]
        sides = crop_things(size.scene(draw(parts, captions, group, size.height, size.width), 2))
        right_ones = [
            judge_logits(judge, crops).argmax(-1) == torch.tensor([pairs[i][side] for i in group])
            for side, crops in enumerate(sides)
        ]
        good += float((right_ones[0] & right_ones[1]).sum())
    return good / len(pairs)


def measure_backgrounds(parts: Parts, chosen: Sequence[int], source: CaptionSource, size: Size = SQUARE) -> float:
    """Share of pictures whose corners have the colour that was asked for."""
    good = 0.0
    for group in chunks(chosen):
        captions = [
            with_article(f"a {source.english[item].label} on a {PALETTE[item % len(PALETTE)][0]} background")
            for item in group
        ]
        wanted = torch.tensor([item % len(PALETTE) for item in group])
        pictures = draw(parts, captions, group, size.height, size.width)
        good += float((background_of(pictures) == wanted).sum())
    return good / len(chosen)


@torch.no_grad()
def measure_psnr(vae: AutoencoderKL, work: Path, number: int) -> float:
    """Mean PSNR in dB of reconstructions of random 256 px scenes."""
    pictures, random = load_pictures(work), Random(7)
    total = 0.0
    for _ in range(number):
        left, right = random.randrange(len(pictures)), random.randrange(len(pictures))
        two = random.random() < 0.3
        scene = Scene(left, right if two else left, 2 if two else 1, 0)
        colour = palette_tensor()[random.randrange(len(PALETTE))]
        target = render_scene(pictures, scene, colour, SQUARE.height, SQUARE.width)
        latents = vae.encoder((target[None] * 2 - 1).contiguous(memory_format=torch.channels_last)).chunk(2, 1)[0]
        output = (vae.decoder(latents)[0] / 2 + 0.5).clamp(0, 1)
        total += float(-10 * torch.log10((output - target).square().mean()))
    return total / number


def percent(*values: float) -> str:
    """Shares as the table writes them."""
    return " / ".join(f"{100 * value:.1f} %" for value in values)


@dataclass(frozen=True)
class Choice:
    """What is asked for: single things, and pairs of a left and a right one."""

    chosen: Sequence[int]
    pairs: Sequence[tuple[int, int]]

    @classmethod
    def draw(cls, items: int, limit: int) -> "Choice":
        """`limit` random things (all of them when zero or too many) and half as many pairs."""
        random = Random(42)
        chosen = random.sample(range(items), min(limit, items) or items)
        return cls(chosen, [(random.choice(chosen), random.randrange(items)) for _ in range(max(1, len(chosen) // 2))])


def measure(parts: Parts, work: Path, items: Sequence[Item], choice: Choice) -> list[Row]:
    """Every line of the first table."""
    source, judge = CaptionSource(items, 0), load_judge(work)
    chosen, pairs, number = choice.chosen, choice.pairs, len(choice.chosen)

    def english(item: int) -> str:
        return source.english[item].label

    def chinese(item: int) -> str:
        return source.chinese[item].label

    def unseen(item: int) -> str:
        return with_article(f"draw me a {english(item)}") if item % 2 else f"请画一个{chinese(item)}"

    rows = []
    for what, bar, stretch, caption in (
        ("English label as prompt, one thing: top-1 / top-5", "70 % / 85 %", "90 % / 97 %", english),
        ("Chinese label as prompt", "65 % / 80 %", "90 % / 97 %", chinese),
        ("phrasings never seen in training (“draw me a …”, “请画一个…”)", "60 % / 75 %", "85 % / 95 %", unseen),
    ):
        rows.append(Row(what, bar, stretch, percent(*measure_names(parts, judge, chosen, caption)), number))
        print(rows[-1], file=sys.stderr, flush=True)
    both = measure_pairs(parts, judge, pairs, source)
    rows.append(Row("two things: both right, left and right as asked", "30 %", "70 %", percent(both), len(pairs)))
    colours = measure_backgrounds(parts, chosen[: len(pairs)], source)
    rows.append(Row("background colour as asked", "95 %", "99 %", percent(colours), len(pairs)))
    for kind, (share, asked) in measure_phrasings(parts, Reader(judge, Renders(work), items)).items():
        rows.append(Row(PHRASED[kind], *PHRASED_BARS[kind], percent(share), asked))
        print(rows[-1], file=sys.stderr, flush=True)
    psnr = measure_psnr(parts.vae, work, 64)
    rows.append(Row("VAE reconstruction PSNR on 256 px scenes", "26 dB", "32 dB", f"{psnr:.1f} dB", 64))
    accuracy = held_out_accuracy(work)
    rows.append(Row("the judge itself, on held-out renders", "95 %", "", percent(accuracy), 4096))
    return rows


def measure_sizes(
    parts: Parts, work: Path, items: Sequence[Item], choice: Choice, sizes: Sequence[Size]
) -> list[list[str]]:
    """Every line of the second table, one a size."""
    source, judge = CaptionSource(items, 0), load_judge(work)
    chosen, pairs = choice.chosen, choice.pairs
    lines = []
    for size in sizes:
        names = measure_names(parts, judge, chosen, lambda item: source.english[item].label, size)
        both = measure_pairs(parts, judge, pairs, source, size)
        colours = measure_backgrounds(parts, chosen[: len(pairs)], source, size)
        lines.append([str(size), percent(*names), percent(both), percent(colours), f"{len(chosen)} + {2 * len(pairs)}"])
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def read_sizes(folder: Path) -> list[Size]:
    """The sizes that the folder's `zimage.json` offers."""
    return [Size(*size) for size in json.loads((folder / "zimage.json").read_text("utf-8"))["sizes"]]


def sizes_as_markdown(lines: Sequence[Sequence[str]]) -> str:
    """The second table of the model card."""
    head = ("size", "English label: top-1 / top-5", "two things", "background", "pictures")
    rows = (head, ["---"] * len(head), *lines)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def as_markdown(rows: Sequence[Row]) -> str:
    """The table of the model card."""
    lines = ["| what | bar | stretch | measured | pictures |", "|---|---|---|---|---|"]
    lines += [f"| {row.what} | {row.bar} | {row.stretch} | **{row.measured}** | {row.number} |" for row in rows]
    return "\n".join(lines)


def write_into_card(card: Path, name: str, table: str) -> None:
    """Replaces what stands between the markers of that name in the model card."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = card.read_text("utf-8")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    card.write_text(f"{before}{begin}\n{table}\n{end}{after}", "utf-8")


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=REPOSITORY / "data" / "nano", help="material and judge")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "Z-Image" / "ckpts" / "zimage-nano")
    parser.add_argument("--limit", type=int, default=0, help="things a line; all when 0")
    parser.add_argument("--limit-sizes", type=int, default=64, help="things a size; all when 0")
    arguments = parser.parse_args(argv)
    parts, items = load_folder(arguments.folder), read_items(arguments.work)
    sizes = read_sizes(arguments.folder)
    tables = {
        "table": as_markdown(measure(parts, arguments.work, items, Choice.draw(len(items), arguments.limit))),
        "sizes": sizes_as_markdown(
            measure_sizes(parts, arguments.work, items, Choice.draw(len(items), arguments.limit_sizes), sizes)
        ),
    }
    card = arguments.folder / "README.md"
    for name, table in tables.items():
        sys.stdout.write(table + "\n\n")
        if card.exists():
            write_into_card(card, name, table)


if __name__ == "__main__":
    main()
