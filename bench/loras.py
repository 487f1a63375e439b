"""LoRAs beside the matrices of a transformer with random weights, and none, taking turns: what a step takes more.

python bench/loras.py medium --write bench/README.md

The LoRA has a rank of 32 on every linear layer. A round does one step of each, in an order that changes; the table has
medians of processor time, and the median of the ratios of a round. Exchanging is replacing an active LoRA by another
one, both read.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from safetensors.torch import save_file  # noqa: E402
from zimage.adapters.lora import ActiveLora, Lora  # noqa: E402
from zimage.adapters.lora_keys import module_table  # noqa: E402
from zimage.adapters.lora_stack import LoraStack  # noqa: E402
from zimage.config import TransformerConfig  # noqa: E402
from zimage.sampling import Predictor  # noqa: E402
from zimage.transformer import ZImageTransformer2DModel  # noqa: E402
from zimage.weights.folder import read_config  # noqa: E402

from bench.random_model import NANO, SIZES  # noqa: E402
from bench.table import Row, publish  # noqa: E402

MARK = "bench:loras"
RANK = 32
CAPTION_TOKENS = 64
SHARE_BAR, EXCHANGE_BAR = "1.10", "100 ms"


def build(config: TransformerConfig) -> ZImageTransformer2DModel:
    """Returns a transformer with random weights."""
    with torch.device("meta"):
        model = ZImageTransformer2DModel(**config.to_dict())
    model.to_empty(device="cpu").eval().requires_grad_(requires_grad=False)
    for parameter in model.parameters():
        parameter.normal_(std=parameter.shape[-1] ** -0.5)
    return model


def write_lora(config: TransformerConfig, path: Path, seed: int) -> Path:
    """Writes a LoRA of all linear layers."""
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for target in {target for targets in module_table(config).values() for target in targets if target.is_matrix}:
        rows, columns = target.shape
        tensors[f"transformer.{target.module}.lora_A.weight"] = torch.randn(RANK, columns, generator=generator) / RANK
        tensors[f"transformer.{target.module}.lora_B.weight"] = torch.randn(rows, RANK, generator=generator) / rows
    save_file(tensors, path)
    return path


def took_s(work: Callable[[], object]) -> float:
    """Returns the processor time of some work in seconds, which other work on the machine changes little."""
    started = time.process_time()
    work()
    return time.process_time() - started


@torch.inference_mode()
def measure_step(config: TransformerConfig, side_px: int, rounds: int) -> Row:
    """Measures steps with a LoRA and without one."""
    model = build(config)
    stack = LoraStack(model, model.device, model.activation_dtype)
    with tempfile.TemporaryDirectory() as folder:
        lora = Lora.load(write_lora(config, Path(folder) / "lora.safetensors", 0), model, config)
    side = side_px // 8
    predictor = Predictor(model, [torch.randn(CAPTION_TOKENS, config.cap_feat_dim)], side, side)
    factors = model.modulate(torch.tensor([0.3])).at(0)
    latents = torch.randn(1, config.in_channels, side, side)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for number in range(rounds + 1):
        for acts in (False, True) if number % 2 else (True, False):
            stack.set([ActiveLora(lora)] if acts else [])
            seconds[acts].append(took_s(lambda: predictor(latents, factors)))
    plain, beside = (seconds[acts][1:] for acts in (False, True))  # the first round is for warming up
    ratio = statistics.median(b / a for a, b in zip(plain, beside, strict=True))
    times = f"{statistics.median(plain) * 1000:.0f} → {statistics.median(beside) * 1000:.0f} ms"
    return Row(
        f"a step at {side_px}² with a LoRA of rank {RANK} on all linear layers", f"× {ratio:.3f} ({times})", SHARE_BAR
    )


@torch.inference_mode()
def measure_exchange(config: TransformerConfig, rounds: int) -> Row:
    """Measures replacing a LoRA by another one."""
    model = build(config)
    stack = LoraStack(model, model.device, model.activation_dtype)
    with tempfile.TemporaryDirectory() as folder:
        files = [write_lora(config, Path(folder) / f"{seed}.safetensors", seed) for seed in (0, 1)]
        loras = [Lora.load(file, model, config) for file in files]
    taken = [took_s(lambda lora=lora: stack.set([ActiveLora(lora)])) for _ in range(rounds) for lora in loras]  # type: ignore[misc]
    return Row("exchanging a LoRA of the embedded model", f"{statistics.median(taken) * 1000:.1f} ms", EXCHANGE_BAR)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="medium", choices=sorted(SIZES))
    parser.add_argument("--size", type=int, default=512, help="pixels a side (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, action="append", default=[], help="file with the marks")
    return parser.parse_args(argv)


def measure(options: argparse.Namespace) -> list[Row]:
    """Measures all."""
    step = measure_step(SIZES[options.model]().transformer, options.size, options.rounds)
    return [
        Row(f"{options.model}: {step.what}", step.value, step.bar),
        measure_exchange(read_config(NANO).transformer, options.rounds),
    ]


if __name__ == "__main__":
    chosen = parse()
    publish(measure(chosen), MARK, chosen.write)
