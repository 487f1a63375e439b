"""What this machine can compute with, asked of torch once."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

from backend.services.generation.planning.load_plan import Accelerator, Hardware
from backend.utils.torch_library import map_torch

CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Of cgroup 2 and 1."""


def detect_hardware() -> Hardware:
    """Looks at accelerators and processor; imports torch, so the first call takes a second."""
    map_torch()
    return Hardware(
        memory_bytes=_memory_bytes(),
        swap_bytes=psutil.swap_memory().total,
        cpu_has_bf16=_cpu_has_bf16(),
        accelerators=_accelerators(),
    )


def _memory_bytes() -> int:
    """Returns the main memory, or what a container may have of it."""
    total = int(psutil.virtual_memory().total)
    for limit in CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit
            return min(total, int(limit.read_text()))
    return total


def _accelerators() -> tuple[Accelerator, ...]:
    import torch

    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        return tuple(
            Accelerator(
                device="cuda" if count == 1 else f"cuda:{index}",
                memory_bytes=torch.cuda.get_device_properties(index).total_memory,
                has_bf16=_has_bf16(index),
                name=torch.cuda.get_device_name(index),
            )
            for index in range(count)
        )
    if torch.backends.mps.is_available():
        return (Accelerator("mps", _memory_bytes(), has_bf16=True),)
    return ()


def _has_bf16(index: int) -> bool:
    """Asks for one card: torch answers for the current one only."""
    import torch

    with torch.cuda.device(index):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def _cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself; emulated it is a hundred times slower than float32."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("amx_bf16", "avx512_bf16", "bf16"))
