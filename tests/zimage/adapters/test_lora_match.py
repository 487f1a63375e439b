"""Which tensors of a file belong to which module, and shapes that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from zimage.adapters.lora_keys import Role, module_table
from zimage.adapters.lora_match import Matched, match, require_fit
from zimage.config import TransformerConfig
from zimage.errors import LoraError
from zimage.weights.files.safetensors_file import StoredTensor

from tests.zimage.peers import TINY

TABLE = module_table(TransformerConfig.from_dict(TINY))
Q = "transformer.layers.0.attention.to_q"
QKV = "diffusion_model.layers.0.attention.qkv"


def match_keys(shapes: dict[str, tuple[int, ...]]) -> Matched:
    return match({key: StoredTensor(Path("x"), 0, torch.float32, shape) for key, shape in shapes.items()}, TABLE)


def lora(path: str, rows: int = 64, columns: int = 64, rank: int = 4) -> dict[str, tuple[int, ...]]:
    return {f"{path}.lora_A.weight": (rank, columns), f"{path}.lora_B.weight": (rows, rank)}


def refused(shapes: dict[str, tuple[int, ...]]) -> str:
    with pytest.raises(LoraError) as caught:
        fit(shapes)
    return str(caught.value)


def fit(shapes: dict[str, tuple[int, ...]]) -> None:
    for module in match_keys(shapes).modules:
        require_fit(module)


def test_a_module_is_found_with_its_kind_and_rank():
    [module] = match_keys({**lora(Q), f"{Q}.alpha": ()}).modules
    assert (module.kind, module.rank, module.shape, [target.module for target in module.targets]) == (
        "lora", 4, (64, 64), ["layers.0.attention.to_q"],
    )  # fmt: skip
    assert module.stored.keys() == {Role.DOWN, Role.UP, Role.ALPHA}
    require_fit(module)


def test_the_rest_is_sorted_by_why_it_is_not_used():
    found = match_keys({
        **lora(Q), **lora("transformer.layers.9.attention.to_q"), **lora("text_encoder.layers.0.self_attn.q_proj"),
        "lycoris_layers_0_feed_forward_w1.oft_blocks": (2, 2), "clothes.emb": (4,),
    })  # fmt: skip
    assert found.unmatched == ("transformer.layers.9.attention.to_q", "clothes.emb")
    assert len(found.encoder) == 2
    assert found.others == {"OFT": ("lycoris_layers_0_feed_forward_w1.oft_blocks",)}
    assert (len(found.modules), found.n_modules) == (1, 3)


def test_of_two_spellings_of_a_module_the_published_one_counts():
    split = {key: shape for part in "qkv" for key, shape in lora(f"layers.0.attention.to.{part}").items()}
    found = match_keys({**lora("layers.0.attention.qkv", 192), **split, "layers.0.attention.qkv.alpha": ()})
    assert sorted(module.targets[0].module[-4:] for module in found.modules) == ["to_k", "to_q", "to_v"]
    assert found.redundant == ("layers.0.attention.qkv",)
    both = match_keys({**lora("layers.0.attention.out", rank=2), **lora("layers.0.attention.to_out.0")})
    assert [module.rank for module in both.modules] == [4]
    assert both.redundant == ("layers.0.attention.out",)


def test_a_packed_module_of_which_a_part_is_there_twice_is_refused():
    assert "layers.0.attention.to_q" in refused({**lora(QKV, 192), **lora(Q)})


def test_the_same_part_twice_is_refused_by_both_keys():
    message = refused({**lora(Q), **lora("diffusion_model.layers.0.attention.to_q")})
    assert f"{Q}.lora_A.weight" in message
    assert "diffusion_model.layers.0.attention.to_q.lora_A.weight" in message


def test_a_scale_alone_is_told_unless_it_is_of_another_spelling():
    found = match_keys({f"{Q}.alpha": ()})
    assert (found.modules, found.unmatched) == ((), (Q,))
    out = "layers.0.attention.to_out.0"
    assert match_keys({**lora(out), "layers.0.attention.out.alpha": ()}).unmatched == ()


@pytest.mark.parametrize("beside", [{}, {f"{Q}.alpha": ()}, {f"{Q}.diff_b": (64,)}])
def test_a_magnitude_of_nothing_is_refused(beside):
    assert "without what it weighs" in refused({f"{Q}.dora_scale": (64, 1), **beside})


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({f"{Q}.lora_A.weight": (4, 64)}, ["without its lora_up"]),
        ({f"{Q}.lora_B.weight": (64, 4)}, ["without its lora_down"]),
        (lora(Q, columns=32), [f"{Q}.lora_A.weight", "4×32", "4×64"]),
        (lora(Q, rows=32), [f"{Q}.lora_B.weight", "32×4", "64×4"]),
        ({f"{Q}.lora_A.weight": (4, 64), f"{Q}.lora_B.weight": (64, 8)}, [f"{Q}.lora_B.weight", "64×8", "64×4"]),
        ({f"{Q}.lora_A.weight": (0, 64), f"{Q}.lora_B.weight": (64, 0)}, ["0×64"]),
        ({f"{Q}.lora_A.weight": (), f"{Q}.lora_B.weight": (64, 4)}, ["scalar"]),
        (lora(QKV, 64), [f"{QKV}.lora_B.weight", "64×4", "192×4", "and the two after it"]),
        ({**lora(Q), f"{Q}.alpha": (4,)}, [f"{Q}.alpha", "4", "scalar or 1"]),
        ({**lora(Q), f"{Q}.dora_scale": (63, 1)}, ["63×1", "64×1 or 64 or 1×64"]),
        ({**lora(QKV, 192), f"{QKV}.dora_scale": (1, 64)}, ["1×64", "192×1 or 192"]),
        ({f"{Q}.diff": (64, 63)}, ["64×63", "64×64"]),
        ({f"{Q}.diff_b": (63,)}, ["63", "64"]),
        ({f"{Q}.lokr_w1": (4, 4), f"{Q}.lokr_w2": (16, 15)}, ["4×4 and 16×15", "64×64"]),
        ({f"{Q}.lokr_w1": (4, 4)}, ["without its lokr_w2"]),
        ({f"{Q}.lokr_w1": (4, 4), f"{Q}.lokr_w2_a": (16, 2)}, ["without its lokr_w2_b"]),
        ({f"{Q}.lokr_w1": (4, 4), f"{Q}.lokr_w2_a": (16, 2), f"{Q}.lokr_w2_b": (3, 16)}, ["16×2", "3×16"]),
        ({f"{Q}.lokr_w1": (16,), f"{Q}.lokr_w2": (16, 16)}, ["no matrix"]),
        ({f"{Q}.hada_w1_a": (64, 4), f"{Q}.hada_w1_b": (4, 64), f"{Q}.hada_w2_a": (64, 4)}, ["without its hada_w2_b"]),
        ({**lora(Q), f"{Q}.diff": (64, 64)}, ["lora and diff at once"]),
        (lora("layers.0.attention_norm1"), ["no matrix in the transformer"]),
        ({"layers.0.attention_norm1.diff": (65,)}, ["65", "64"]),
        ({"layers.0.attention_norm1.w_norm": (64,), "layers.0.attention_norm1.b_norm": (64,)}, ["no bias"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_key_and_shapes(shapes, said):
    message = refused(shapes)
    assert all(word in message for word in said), message


@pytest.mark.parametrize(
    "shapes",
    [
        lora(Q), lora(QKV, 192), {f"{Q}.lora_A.weight": (4, 64, 1, 1), f"{Q}.lora_B.weight": (64, 4, 1, 1)},
        {**lora(Q), f"{Q}.alpha": (1,), f"{Q}.dora_scale": (1, 64), f"{Q}.lora_B.bias": (64,)},
        {f"{Q}.lokr_w1": (1, 1), f"{Q}.lokr_w2": (64, 64)}, {"cap_pad_token.diff": (1, 64)},
        {f"{Q}.lokr_w1_a": (8, 2), f"{Q}.lokr_w1_b": (2, 8), f"{Q}.lokr_w2": (8, 8), f"{Q}.alpha": ()},
        {f"{Q}.diff_b": (64,)}, {"layers.0.attention.q_norm.w_norm": (32,)},
    ],
)  # fmt: skip
def test_what_fits_is_taken(shapes):
    [module] = match_keys(shapes).modules
    require_fit(module)
