"""Measures prompts as people type them: `phrasings.json`, written without a look at the training's captions."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from training.nano.dataset.captions.source import NONSENSE_LABEL
from training.nano.dataset.material import Item
from training.nano.dataset.scenes import PALETTE, THING_PX
from training.nano.judge import background_of, crop_things, judge_logits
from training.nano.renders import Renders
from training.nano.sampling import Parts, draw

PHRASINGS = Path(__file__).with_name("phrasings.json")
BATCH = 16
COLOURS = {name: number for number, (name, _, _) in enumerate(PALETTE)}

Entries = Sequence[dict[str, Any]]


class Reader:
    """Tells for pictures (B, 3, S, S) and what was asked for which of them are right, by kind of prompt."""

    def __init__(self, judge: nn.Sequential, renders: Renders, items: Sequence[Item]) -> None:
        self.judge, self.renders = judge, renders
        self.numbers = {item.label_en: number for number, item in enumerate(items)}

    def english(self, pictures: Tensor, entries: Entries) -> list[bool]:
        """Shows one of the things that the name may mean."""
        shown = self._judged(pictures)
        return [item in self._named(entry["things"]) for item, entry in zip(shown, entries, strict=True)]

    chinese = english

    def colours(self, pictures: Tensor, entries: Entries) -> list[bool]:
        """Shows the thing, and in the colour asked for, by the nearest render."""
        things, colours = self.renders.things_in(pictures)
        rows = zip(things.tolist(), colours.tolist(), entries, strict=True)
        return [item in self._named(e["things"]) and colour == COLOURS[e["colour"]] for item, colour, e in rows]

    def counts(self, pictures: Tensor, entries: Entries) -> list[bool]:
        """Shows as many as asked for, by the nearest render."""
        counts = self.renders.counts_in(pictures, [min(self._named(entry["things"])) for entry in entries])
        return [count == entry["count"] for count, entry in zip(counts.tolist(), entries, strict=True)]

    def pairs(self, pictures: Tensor, entries: Entries) -> list[bool]:
        """Shows both things, on whichever side."""
        shown = zip(*(self._judged(crop) for crop in crop_things(pictures)), strict=True)
        asked_for = [[self._named(labels) for labels in entry["things"]] for entry in entries]
        rows = zip(shown, asked_for, strict=True)
        return [(left in a and right in b) or (left in b and right in a) for (left, right), (a, b) in rows]

    def nonsense(self, pictures: Tensor, entries: Entries) -> list[bool]:
        """Shows the thinking face."""
        shown = self._judged(pictures)
        return [item == self.numbers[NONSENSE_LABEL] for item, _ in zip(shown, entries, strict=True)]

    def backgrounds(self, pictures: Tensor, entries: Entries) -> list[bool]:
        """Shows the thing, on the background asked for."""
        rows = zip(background_of(pictures).tolist(), self.english(pictures, entries), entries, strict=True)
        return [colour == COLOURS[entry["background"]] and thing for colour, thing, entry in rows]

    def _named(self, labels: Sequence[str]) -> set[int]:
        return {self.numbers[label] for label in labels}

    def _judged(self, pictures: Tensor) -> list[int]:
        return judge_logits(self.judge, pictures).argmax(-1).tolist()


def measure_phrasings(parts: Parts, reader: Reader, path: Path | None = None) -> dict[str, tuple[float, int]]:
    """The share that is right and the number of prompts, by kind of prompt."""
    results = {}
    for kind, every in json.loads((path or PHRASINGS).read_text("utf-8")).items():
        right: list[bool] = []
        for seeds, entries in batches(every):
            pictures = draw(parts, [entry["prompt"] for entry in entries], seeds, THING_PX, THING_PX)
            right += getattr(reader, kind)(pictures, entries)
        results[kind] = (sum(right) / len(right), len(right))
    return results


def batches(entries: Entries) -> Iterator[tuple[Sequence[int], Entries]]:
    """Seeds and entries, some at a time."""
    for start in range(0, len(entries), BATCH):
        some = entries[start : start + BATCH]
        yield range(start, start + len(some)), some
