"""Counts the products of matrices, convolutions and attention that a piece of work is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count


def count_flops(work: Callable[[], object]) -> int:
    """Does the work once, and returns its multiplications and additions."""
    # The processor's kernel is the one that torch does not know how to count.
    on_processor = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu  # noqa: SLF001 — it has no other name
    with FlopCounterMode(display=False, custom_mapping={on_processor: _attention}) as counter:
        work()
    return int(counter.get_total_flops())


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_flop_count(query, key, value))
