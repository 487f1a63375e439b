"""What this machine can compute with, asked of torch once."""

from __future__ import annotations

from typing import Literal

import psutil

from backend.services.generation.load_plan import Hardware


def detect_hardware() -> Hardware:
    """Looks at accelerator and processor; imports torch, so the first call takes seconds."""
    import torch

    if torch.cuda.is_available():
        memory_bytes = torch.cuda.get_device_properties(0).total_memory
        return _hardware("cuda", memory_bytes, has_bf16=torch.cuda.is_bf16_supported(including_emulation=False))
    if torch.backends.mps.is_available():
        return _hardware("mps", psutil.virtual_memory().total, has_bf16=True)
    return _hardware(None, 0, has_bf16=False)


def _hardware(accelerator: Literal["cuda", "mps"] | None, memory_bytes: int, *, has_bf16: bool) -> Hardware:
    return Hardware(
        accelerator=accelerator,
        accelerator_memory_bytes=memory_bytes,
        accelerator_has_bf16=has_bf16,
        cpu_has_bf16=_cpu_has_bf16(),
        memory_bytes=psutil.virtual_memory().total,
    )


def _cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself; emulated it is a hundred times slower than float32."""
    import torch

    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("amx_bf16", "avx512_bf16", "bf16"))
