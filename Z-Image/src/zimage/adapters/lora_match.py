"""The tensors of a LoRA file, matched with the modules of a transformer: by keys and shapes alone, no value is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from zimage.adapters.lora_keys import (
    Role,
    Table,
    Target,
    find_module,
    is_encoder,
    is_native,
    name_other_kind,
    split_key,
)
from zimage.errors import LoraError
from zimage.weights.files.safetensors_file import StoredTensor

KINDS: Mapping[str, tuple[tuple[Role, ...], ...]] = {
    "lora": ((Role.DOWN,), (Role.UP,)),
    "loha": ((Role.HADA_1A,), (Role.HADA_1B,), (Role.HADA_2A,), (Role.HADA_2B,)),
    "lokr": ((Role.W1, Role.W1_A), (Role.W2, Role.W2_A)),
    "diff": ((Role.DIFF, Role.DIFF_BIAS),),
}
"""Kind → tensors that it needs, of each of which there is one."""
MEMBERS = {
    "lora": {Role.DOWN, Role.UP, Role.UP_BIAS},
    "loha": {Role.HADA_1A, Role.HADA_1B, Role.HADA_2A, Role.HADA_2B},
    "lokr": {Role.W1, Role.W1_A, Role.W1_B, Role.W2, Role.W2_A, Role.W2_B},
    "diff": {Role.DIFF},
}
_PAIRS = ((Role.W1_A, Role.W1_B), (Role.W2_A, Role.W2_B))


@dataclass
class Module:
    """What a file has for one module.

    Attributes:
        path: the module as the file names it.
        targets: what it is in the transformer: three of a packed q, k and v.
        stored: tensors by what they are.
        keys: their keys.
    """

    path: str
    targets: tuple[Target, ...]
    stored: dict[Role, StoredTensor] = field(default_factory=dict)
    keys: dict[Role, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what is changed, packed as the file has it."""
        first = self.targets[0].shape
        return (sum(target.shape[0] for target in self.targets), *first[1:])

    @property
    def kind(self) -> str | None:
        """Kind of the change of a matrix; `diff` of anything else; None where there is nothing but a scale."""
        for kind, members in MEMBERS.items():
            if members & self.stored.keys():
                return kind
        return "diff" if Role.DIFF_BIAS in self.stored else None

    @property
    def shown_kind(self) -> str | None:
        """The kind for people: `dora` whatever is weighted."""
        return "dora" if self.kind is not None and Role.MAGNITUDE in self.stored else self.kind

    @property
    def rank(self) -> int | None:
        """Rank of its factors; None where there are none."""
        for role in (Role.DOWN, Role.HADA_1B, Role.W1_B, Role.W2_B):
            if role in self.stored:
                shape = self.stored[role].shape
                return shape[0] if shape else None
        return None


@dataclass(frozen=True)
class Matched:
    """A file's tensors.

    Attributes:
        modules: what is read.
        unmatched: paths of modules, or keys, that the transformer does not have.
        encoder: keys of a text encoder, which are left out.
        redundant: paths of modules that the file has a second time in the published layout, which counts.
        others: keys of other kinds of adapters, by kind.
    """

    modules: tuple[Module, ...]
    unmatched: tuple[str, ...]
    encoder: tuple[str, ...]
    redundant: tuple[str, ...]
    others: Mapping[str, tuple[str, ...]]

    @property
    def n_modules(self) -> int:
        """Number of modules of the file, text encoders aside."""
        return len(self.modules) + len(self.unmatched)


def match(tensors: Mapping[str, StoredTensor], table: Table) -> Matched:
    """Matches the tensors of a file with the modules of a transformer.

    Raises:
        LoraError: two keys are the same part of the same module.
    """
    found: dict[str, Module] = {}
    unmatched: dict[str, None] = {}
    encoder: list[str] = []
    others: dict[str, list[str]] = {}
    for key, stored in tensors.items():
        split, kind = split_key(key), name_other_kind(key)
        name = None if split is None else find_module(split[0], table)
        if name is None and is_encoder(key):
            encoder.append(key)
        elif kind is not None:
            others.setdefault(kind, []).append(key)
        elif split is None or name is None:
            unmatched[key if split is None else split[0]] = None
        else:
            _add(found.setdefault(name, Module(split[0], table[name])), split[1], key, stored)
    kept, redundant = _without_redundant(found, table)
    lone = _lone(found.values(), {target for module in kept for target in module.targets})
    return Matched(
        tuple(kept),
        (*unmatched, *lone),
        tuple(encoder),
        redundant,
        {kind: tuple(keys) for kind, keys in others.items()},
    )


def require_fit(module: Module) -> None:
    """Raises where tensors of a module are missing, or have shapes that fit neither it nor each other.

    Raises:
        LoraError: the message names key and both shapes.
    """
    kind = module.kind
    if kind is None:
        return
    for wanted in KINDS[kind]:
        if not any(role in module.stored for role in wanted):
            there = next(iter(module.keys.values()))
            raise LoraError(f"{there} is there without its {wanted[0].value}")
    if Role.MAGNITUDE in module.stored and not MEMBERS[kind] & module.stored.keys():
        raise LoraError(f"{module.keys[Role.MAGNITUDE]} is there without what it weighs")
    strange = module.stored.keys() - MEMBERS[kind] - {Role.ALPHA, Role.MAGNITUDE, Role.DIFF_BIAS}
    if strange:
        raise LoraError(f"{module.path} is {kind} and {', '.join(sorted(strange))} at once, which is not read")
    if not module.targets[0].is_matrix:
        _require_vector(module)
        return
    for role, shapes in _wanted_shapes(module):
        if role in module.stored:
            _require(module, role, shapes)


def as_matrix(stored: StoredTensor) -> StoredTensor:
    """Returns a tensor without the axes of a 1 × 1 convolution."""
    is_convolution = len(stored.shape) == 4 and stored.shape[2:] == (1, 1)
    return stored.reshaped(stored.shape[:2]) if is_convolution else stored


def _add(module: Module, role: Role, key: str, stored: StoredTensor) -> None:
    if role in module.keys:
        raise LoraError(f"{module.keys[role]} and {key} are the same part of the same module: remove one")
    module.stored[role], module.keys[role] = as_matrix(stored), key


def _without_redundant(found: Mapping[str, Module], table: Table) -> tuple[list[Module], tuple[str, ...]]:
    """Leaves out what is there a second time, as q, k, v and a packed qkv: the published name counts.

    So does diffusers, for the files of Anime-Z (huggingface/diffusers#13203).
    """
    whole = {name: module for name, module in found.items() if module.kind is not None}
    ordered = sorted(whole.items(), key=lambda item: not is_native(item[0], table))
    taken: set[Target] = set()
    kept, redundant = [], []
    for _, module in ordered:
        fresh = [target for target in module.targets if target not in taken]
        taken.update(fresh)
        if len(fresh) == len(module.targets):
            kept.append(module)
        elif not fresh:
            redundant.append(module.path)
        else:
            names = ", ".join(target.name for target in module.targets if target not in fresh)
            raise LoraError(f"{module.path} packs {names}, which the file has a second time, and not all of them")
    return kept, tuple(redundant)


def _lone(found: Iterable[Module], changed: set[Target]) -> Iterator[str]:
    """Yields modules of which there is a scale alone, and which are not changed under another spelling."""
    for module in found:
        if module.kind is None and Role.MAGNITUDE in module.keys:
            raise LoraError(f"{module.keys[Role.MAGNITUDE]} is there without what it weighs")
        if module.kind is None and not changed.intersection(module.targets):
            yield module.path


def _require_vector(module: Module) -> None:
    if module.kind != "diff" or Role.MAGNITUDE in module.stored:
        raise LoraError(f"{module.path} is no matrix in the transformer: only diff or w_norm can change it")
    if Role.DIFF_BIAS in module.stored:
        raise LoraError(f"{module.keys[Role.DIFF_BIAS]}: {module.targets[0].name} has no bias in this transformer")
    (width,) = module.shape
    _require(module, Role.DIFF, [(width,), (1, width)])


def _wanted_shapes(module: Module) -> Sequence[tuple[Role, list[tuple[int, ...]]]]:
    rows, columns = module.shape
    rank = module.rank or 0
    factors = [(Role.HADA_1A, Role.HADA_1B), (Role.HADA_2A, Role.HADA_2B), (Role.UP, Role.DOWN)]
    wanted: list[tuple[Role, list[tuple[int, ...]]]] = []
    for up, down in factors:
        own = module.stored[down].shape[0] if down in module.stored and module.stored[down].shape else rank
        wanted += [(down, [(own, columns)]), (up, [(rows, own)])]
    if module.kind == "lokr":
        _require_kronecker(module)
    by_column = [(1, columns)] if len(module.targets) == 1 else []  # of a packed one, columns are of all three
    magnitudes: list[tuple[int, ...]] = [(rows, 1), (rows,), *by_column]
    biases: list[tuple[Role, list[tuple[int, ...]]]] = [(role, [(rows,)]) for role in (Role.DIFF_BIAS, Role.UP_BIAS)]
    return [*wanted, (Role.DIFF, [(rows, columns)]), (Role.MAGNITUDE, magnitudes), (Role.ALPHA, [(), (1,)]), *biases]


def _require_kronecker(module: Module) -> None:
    rows, columns = module.shape
    left, right = (_product_shape(module, *pair) for pair in ((Role.W1, *_PAIRS[0]), (Role.W2, *_PAIRS[1])))
    if (left[0] * right[0], left[1] * right[1]) != (rows, columns):
        role = Role.W1 if Role.W1 in module.stored else Role.W1_A
        raise LoraError(
            f"{module.keys[role]}: factors of {left[0]}×{left[1]} and {right[0]}×{right[1]} make no {rows}×{columns}, "
            f"which {module.targets[0].name} has"
        )


def _product_shape(module: Module, whole: Role, first: Role, second: Role) -> tuple[int, int]:
    if whole in module.stored:
        shape = module.stored[whole].shape
    else:
        if second not in module.stored:
            raise LoraError(f"{module.keys[first]} is there without its {second.value}")
        up, down = module.stored[first].shape, module.stored[second].shape
        if len(up) != 2 or len(down) != 2 or up[1] != down[0] or not down[0]:
            raise LoraError(f"{module.keys[first]} {shown(up)} and {module.keys[second]} {shown(down)} do not fit")
        shape = (up[0], down[1])
    if len(shape) != 2:
        raise LoraError(f"{module.keys[whole]} has the shape {shown(shape)}, which is no matrix")
    return shape[0], shape[1]


def _require(module: Module, role: Role, allowed: Sequence[tuple[int, ...]]) -> None:
    shape = module.stored[role].shape
    if shape not in allowed or 0 in shape:
        name = module.targets[0].name if len(module.targets) == 1 else f"{module.targets[0].name} and the two after it"
        wanted = " or ".join(shown(one) for one in allowed)
        raise LoraError(f"{module.keys[role]} has the shape {shown(shape)}, and {name} needs {wanted}")


def shown(shape: Sequence[int]) -> str:
    """Returns a shape for messages."""
    return "×".join(map(str, shape)) or "scalar"
