from __future__ import annotations

import pytest

from backend.services.generation.engines.faults import is_device_fault


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("boom"), False),
        (ValueError("CUDA error"), False),
        (type("AcceleratorError", (RuntimeError,), {})("x"), True),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA error: out of memory"), False),
    ],
)
def test_faults_of_the_device_are_told_apart(error, fault):
    assert is_device_fault(error) == fault
