"""Lists libraries, devices and attention kernels of this machine, for a bug report.

python -m zimage.tools.environment [--kernels]
"""

from __future__ import annotations

import argparse
import platform
import sys

import torch

from zimage.placement import default_dtype
from zimage.tools.console import run
from zimage.utils.attention import AUTO, KERNELS, AttentionUnavailable, choose_attention
from zimage.utils.import_utils import installed_versions

NEEDED = (
    "zimage-native", "torch", "transformers", "safetensors", "loguru", "pillow", "accelerate", "huggingface_hub",
    "numpy", "gguf", "jinja2", "tokenizers",
)  # fmt: skip
OPTIONAL = ("diffusers", "flash-attn", "flash-attn-3", "triton")
N_HEADS, HEAD_DIM = 30, 128  # Turbo's


def libraries() -> list[str]:
    """Returns one line per library; missing requirements are marked."""
    needed, optional = installed_versions(NEEDED), installed_versions(OPTIONAL)
    lines = [f"{name} {found or 'NOT INSTALLED'}" for name, found in needed.items()]
    return lines + [f"{name} {found or 'not installed'} (optional)" for name, found in optional.items()]


def devices() -> list[torch.device]:
    """Returns the accelerators, then the CPU."""
    found = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    found += [torch.device("mps")] if torch.backends.mps.is_available() else []
    return [*found, torch.device("cpu")]


def describe(device: torch.device) -> str:
    """Returns name and memory of a device, where known."""
    if device.type != "cuda":
        return f"{device}: {platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    properties = torch.cuda.get_device_properties(device)
    native = "native" if torch.cuda.is_bf16_supported(including_emulation=False) else "no native"
    return f"{device}: {properties.name}, {properties.total_memory / 1e9:.1f} GB, {native} bfloat16"


def kernels(device: torch.device) -> list[str]:
    """Tries every attention kernel at Turbo's shape; returns one line each."""
    dtype = default_dtype(device)
    return [f"{name}: {_try(name, device, dtype)}" for name in KERNELS]


def _try(name: str, device: torch.device, dtype: torch.dtype) -> str:
    try:
        choice = choose_attention(name, device, dtype, n_heads=N_HEADS, head_dim=HEAD_DIM)
    except AttentionUnavailable as error:
        return str(error)
    return f"{choice.milliseconds[name]:.2f} ms"


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--kernels", action="store_true", help=f"try every attention kernel, where {AUTO} takes the best"
    )
    return parser.parse_args(argv)


def _run(arguments: argparse.Namespace) -> int:
    print(f"{platform.platform()}, Python {platform.python_version()}")
    print(*libraries(), sep="\n")
    for device in devices():
        print(describe(device))
        if arguments.kernels:
            print(*(f"  {line}" for line in kernels(device)), sep="\n")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
