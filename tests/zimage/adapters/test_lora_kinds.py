"""What each kind adds, against its whole matrix."""

from __future__ import annotations

import pytest
import torch
from zimage.adapters.lora_kinds import Delta, Full, Hadamard, Kronecker, LowRank, Weighted, weigh

CPU = torch.device("cpu")


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


def low_rank(seed: int = 0) -> LowRank:
    return LowRank(random(3, 10, seed=seed), random(12, 3, seed=seed), 0.5)


DELTAS: dict[str, Delta] = {
    "LoRA": low_rank(),
    "LoHa": Hadamard(low_rank(1), low_rank(2), 0.3),
    "LoKr": Kronecker(random(4, 2), random(3, 5), 0.7),
    "LoKr of a row": Kronecker(random(12, 1), random(1, 10), 0.7),
    "diff": Full(random(12, 10)),
}


@pytest.mark.parametrize("delta", DELTAS.values(), ids=DELTAS)
def test_what_is_added_is_the_product_with_the_whole_matrix(delta):
    x, y = random(7, 10), random(7, 12)
    wanted = y.double() + 0.4 * x.double() @ delta.dense().double().t()
    delta.add(y, x, 0.4)
    assert torch.allclose(y.double(), wanted, atol=1e-5)


@pytest.mark.parametrize("span", [(0, 4), (4, 8), (3, 9), (0, 12), (11, 12)])
@pytest.mark.parametrize("delta", DELTAS.values(), ids=DELTAS)
def test_rows_are_those_of_the_whole_matrix(delta, span):
    assert torch.allclose(delta.rows(*span).dense(), delta.dense()[slice(*span)], atol=1e-6)


@pytest.mark.parametrize("delta", DELTAS.values(), ids=DELTAS)
def test_no_token_is_nothing(delta):
    y = torch.empty(0, 12)
    delta.add(y, torch.empty(0, 10), 1.0)
    assert y.shape == (0, 12)


@pytest.mark.parametrize("delta", DELTAS.values(), ids=DELTAS)
def test_all_is_moved(delta):
    moved = delta.to(CPU, torch.bfloat16)
    assert moved.dense().dtype == torch.bfloat16
    assert torch.allclose(moved.dense().float(), delta.dense(), atol=0.2)


def test_rows_without_any_value_are_zeros():
    delta = LowRank(random(3, 10), torch.cat([torch.zeros(4, 3), random(8, 3)]), 1.0)
    assert torch.equal(delta.rows(0, 4).dense(), torch.zeros(4, 10))


def test_ranks_that_rows_do_not_use_are_left_out_unless_a_value_is_wrong():
    up = torch.block_diag(random(4, 2), random(4, 2), random(4, 2))
    delta = LowRank(random(6, 10), up, 1.0)
    assert [delta.rows(4 * i, 4 * i + 4).down.shape for i in range(3)] == [(2, 10)] * 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("shape", [(12,), (12, 1)])
def test_dora_by_row_has_rows_of_the_length_that_it_says(shape):
    base, delta, magnitude = random(12, 10), low_rank(), random(12).abs().reshape(shape)
    weighted = weigh(delta, magnitude, base)
    assert isinstance(weighted, Weighted)
    changed = base + weighted.dense(base)
    assert torch.allclose(changed.norm(dim=1), magnitude.reshape(-1), atol=1e-5)
    x = random(7, 10)
    y = torch.zeros(7, 12)
    weighted.add(y, x, x @ base.t(), 0.5)
    assert torch.allclose(y, 0.5 * x @ weighted.dense(base).t(), atol=1e-5)


def test_dora_by_column_has_columns_of_the_length_that_it_says():
    base, magnitude = random(12, 10), random(1, 10).abs()
    whole = weigh(low_rank(), magnitude, base)
    assert isinstance(whole, Full)
    assert torch.allclose((base + whole.matrix).norm(dim=0), magnitude[0], atol=1e-5)


def test_dora_of_the_models_own_lengths_and_no_change_is_none():
    base = random(12, 10)
    nothing = LowRank(random(3, 10), torch.zeros(12, 3), 1.0)
    weighted = weigh(nothing, base.norm(dim=1), base)
    assert float(weighted.dense(base).abs().max()) <= 1e-6  # type: ignore[call-arg]


def test_a_row_of_zeros_stays_finite():
    base = torch.zeros(12, 10)
    nothing = LowRank(random(3, 10), torch.zeros(12, 3), 1.0)
    assert bool(weigh(nothing, torch.ones(12), base).dense(base).isfinite().all())  # type: ignore[call-arg]
