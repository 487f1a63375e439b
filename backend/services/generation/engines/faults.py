"""Which exceptions mean that the device itself is at fault."""

from __future__ import annotations

_LACKS = ("out of memory", "DefaultCPUAllocator", "STATUS_ALLOC_FAILED")
_MARKS = ("CUDA error", "cudaError", "device-side assert", "CUBLAS_STATUS", "CUDNN_STATUS", "HIP error", "MPS backend")


def is_lack_of_memory(error: BaseException) -> bool:
    """Tells whether an exception is one of memory, of whatever device: less of it may do.

    torch has a class for that of CUDA's allocator only; MPS, the processor and CUDA's libraries raise `RuntimeError`.
    """
    return (
        isinstance(error, MemoryError)
        or "OutOfMemory" in type(error).__name__
        or (isinstance(error, RuntimeError) and any(mark in str(error) for mark in _LACKS))
    )


def is_device_fault(error: BaseException) -> bool:
    """Tells whether an exception comes from a device whose state is lost: every later call on it would fail as well.

    torch raises `AcceleratorError` for these, a `RuntimeError` in versions before; a lack of memory is none of them.
    """
    if is_lack_of_memory(error):
        return False
    return type(error).__name__ == "AcceleratorError" or (
        isinstance(error, RuntimeError) and any(mark in str(error) for mark in _MARKS)
    )
