"""What every thing may be called: its label, what people call it, and tags that name nothing else."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.nano.dataset.material import Item

ALIASES = Path(__file__).with_name("aliases.txt")
MAX_ITEMS_A_TAG = 2


@dataclass(frozen=True)
class Names:
    """The names of one item in one language.

    Attributes:
        label: its own, in lower case.
        aliases: what people call it.
        tags: single words that stand for it and for hardly anything else.
    """

    label: str
    aliases: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def every(self) -> tuple[str, ...]:
        """All of them, label first."""
        return (self.label, *self.aliases, *self.tags)


def read_aliases(path: Path = ALIASES) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """English and Chinese aliases by label."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    rows = (line.split(" | ") for line in lines)
    return {
        label.lower(): (tuple(english.lower().split(", ")), tuple(chinese.split(", ")))
        for label, english, chinese in rows
    }


def name_items(items: Sequence[Item], meaningless: frozenset[str]) -> tuple[list[Names], list[Names]]:
    """Names in English and Chinese; no name stands for two things, and none is a meaningless word."""
    aliases = read_aliases()
    own = [aliases.get(item.label_en.lower(), ((), ())) for item in items]
    return (
        _names([item.label_en for item in items], [row[0] for row in own], [i.tags_en for i in items], meaningless),
        _names([item.label_zh for item in items], [row[1] for row in own], [i.tags_zh for i in items], meaningless),
    )


def _names(
    labels: Sequence[str],
    aliases: Sequence[tuple[str, ...]],
    tags: Sequence[tuple[str, ...]],
    meaningless: frozenset[str],
) -> list[Names]:
    labels = [label.lower().replace("’", "'") for label in labels]
    taken = set(labels)
    kept_aliases = []
    for own in aliases:
        kept_aliases.append(tuple(name for name in dict.fromkeys(own) if name not in taken))
        taken.update(own)
    owners = _owners(labels, tags)
    kept_tags = [
        tuple(
            tag
            for tag in dict.fromkeys(tag.lower() for tag in own)
            if owners.get(tag) == index and tag not in taken and tag not in meaningless
        )
        for index, own in enumerate(tags)
    ]
    return [Names(*row) for row in zip(labels, kept_aliases, kept_tags, strict=True)]


def _owners(labels: Sequence[str], tags: Sequence[tuple[str, ...]]) -> dict[str, int]:
    """The one thing that a tag of at most two things stands for: that whose label has it, or the first."""
    uses = Counter(tag.lower() for own in tags for tag in set(own))
    owners: dict[str, int] = {}
    for index, own in enumerate(tags):
        for tag in (tag.lower() for tag in own):
            if uses[tag] > MAX_ITEMS_A_TAG:
                continue
            if tag not in owners or (tag in labels[index] and tag not in labels[owners[tag]]):
                owners[tag] = index
    return owners
