from __future__ import annotations

import pytest

from backend.services.generation.engines.faults import is_device_fault, is_lack_of_memory


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("boom"), False),
        (ValueError("CUDA error"), False),
        (type("AcceleratorError", (RuntimeError,), {})("x"), True),
    ],
)
def test_faults_of_the_device_are_told_apart(error, fault):
    assert is_device_fault(error) == fault
    assert not is_lack_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory."),
        type("AcceleratorError", (RuntimeError,), {})("CUDA error: out of memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_lack_of_memory_is_no_fault_of_the_device(error):
    assert is_lack_of_memory(error)
    assert not is_device_fault(error)
