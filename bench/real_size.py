"""Proves the real size: Z-Image-Turbo's published layout with random values, loaded strictly, one forward.

python bench/real_size.py [--int8 | --q4_0] [--folder DIR] [--load-only] [--memory-gb 24] [--tiny]
    [--write docs/weights.md]

Writes 24.6 GB of float32 shards, of the published names and sizes, loads them in bfloat16 in a process of its own,
runs one forward at 256×256, and deletes them. A processor that emulates bfloat16 products multiplies in float32, see
`zimage.precision`, unless ZIMAGE_PRODUCTS says otherwise. With --int8 it writes one file in ComfyUI's int8 layout
instead, 6.3 GB, with --q4_0 a GGUF file, 3.7 GB, whose matrices stay as they are stored; loading may then take a
gigabyte more than the file. The exit status is 1 when the process needed more memory than allowed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, quants
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from zimage.config import TransformerConfig  # noqa: E402
from zimage.placement import COMPUTE_DTYPE_VARIABLE  # noqa: E402
from zimage.precision import choose_compute_dtype  # noqa: E402
from zimage.quant.linear import Quantization  # noqa: E402
from zimage.quant.packing import FORMATS, is_quantizable  # noqa: E402
from zimage.tools.console import GB, Progress  # noqa: E402
from zimage.transformer import ZImageTransformer2DModel  # noqa: E402
from zimage.utils.attention import AUTO  # noqa: E402
from zimage.utils.loader import load_tensors, load_weights  # noqa: E402
from zimage.weights.checkpoint import open_checkpoint  # noqa: E402
from zimage.weights.conversion import Conversion, execute  # noqa: E402
from zimage.weights.files.safetensors_file import StoredTensor, read_header, read_tensor  # noqa: E402
from zimage.weights.files.safetensors_writer import PlannedTensor, Writable, plan, write_file  # noqa: E402
from zimage.weights.names.single_file import from_published, to_published  # noqa: E402
from zimage.weights.quantizing import PackedTensor, TextTensor  # noqa: E402
from zimage.weights.shards import DEFAULT_STEM, divide, index_of  # noqa: E402

from bench.machine import describe_machine, peak_bytes  # noqa: E402
from bench.table import write  # noqa: E402

MARK = "bench:real-size"
INT8, Q4_0 = "int8", "gguf"
FILES = {INT8: "transformer.safetensors", Q4_0: "transformer.gguf"}
LAYOUTS = {INT8: "file in ComfyUI's int8 layout", Q4_0: "GGUF file, its matrices in Q4_0"}
ROOM_BYTES = 1_000_000_000
PUBLISHED_ORDER = (
    "x_pad_token", "cap_pad_token", "all_x_embedder", "all_final_layer", "noise_refiner", "context_refiner",
    "t_embedder", "cap_embedder", "layers",
)  # fmt: skip
SHARD_BYTES = 10_000_000_000
BLOCK_VALUES = 2**24
STRIDE = 104_729  # where the values of one tensor after another begin in the block
LATENT_SIDE, CAPTION_TOKENS = 32, 64
CHECKED_EVERY = 40
TINY = replace(TransformerConfig(), dim=128, n_layers=2, n_refiner_layers=1, n_heads=1, n_kv_heads=1, cap_feat_dim=48)


def empty_model(config: TransformerConfig) -> ZImageTransformer2DModel:
    with torch.device("meta"):
        return ZImageTransformer2DModel(**config.to_dict()).eval()


def write_block(path: Path) -> dict[str, StoredTensor]:
    """Writes the few random values that all tensors are cut from: small ones, and ones for norms."""
    torch.manual_seed(0)
    values = torch.randn(BLOCK_VALUES) * 0.02
    save_file({"values": values, "norms": 1 + values[: 2**13]}, path)
    return read_header(path)


def cut(block: StoredTensor, shape: tuple[int, ...], number: int) -> Iterator[StoredTensor]:
    """Cuts a tensor out of the block, in as many runs of rows as it takes."""
    rows, row = (shape[0], shape[1:]) if len(shape) > 1 else (1, shape)
    width = torch.Size(row).numel()
    start = number * STRIDE % (block.numel // 2)
    while rows:
        taken = min(rows, (block.numel - start) // width)
        flat = block.rows(start, start + taken * width)
        yield StoredTensor(flat.path, flat.offset, flat.dtype, (taken, *row) if len(shape) > 1 else shape)
        rows, start = rows - taken, 0


def planned_tensors(config: TransformerConfig, block: dict[str, StoredTensor]) -> list[PlannedTensor]:
    shapes = {name: tuple(value.shape) for name, value in empty_model(config).state_dict().items()}
    names = sorted(shapes, key=lambda name: PUBLISHED_ORDER.index(name.partition(".")[0]))  # stable
    kinds = ("norms" if "norm" in name or name == "cap_embedder.0.weight" else "values" for name in names)
    return [
        plan(name, list(cut(block[kind], shapes[name], number)), None)
        for number, (name, kind) in enumerate(zip(names, kinds, strict=True))
    ]


def write_checkpoint(config: TransformerConfig, block: dict[str, StoredTensor], folder: Path) -> Conversion:
    shards = divide(DEFAULT_STEM, planned_tensors(config, block), SHARD_BYTES)
    texts = index_of(DEFAULT_STEM, shards) | {"config.json": json.dumps(config.to_dict())}
    conversion = Conversion(tensors=shards, texts=texts)
    execute(conversion, folder, on_bytes=Progress(conversion.size_bytes))
    return conversion


def write_int8(config: TransformerConfig, block: dict[str, StoredTensor], file: Path) -> int:
    """Writes the file, a matrix at a time; returns its size."""
    tensors: list[Writable] = []
    for tensor in planned_tensors(config, block):
        if not is_quantizable(tensor.name):
            tensors.append(PlannedTensor(tensor.name, tensor.parts, torch.bfloat16))
            continue
        layer, rows, parts = tensor.name.removesuffix(".weight"), tensor.shape[0], tensor.parts
        tensors += [
            PackedTensor(tensor.name, torch.int8, tensor.shape, parts, FORMATS[INT8], "weight"),
            PackedTensor(f"{layer}.weight_scale", torch.float32, (rows, 1), parts, FORMATS[INT8], "scale"),
            TextTensor(f"{layer}.comfy_quant", json.dumps({"format": "int8_tensorwise", "per_row": True})),
        ]
    write_file(file, tensors)
    return file.stat().st_size


def write_q4_0(config: TransformerConfig, block: dict[str, StoredTensor], file: Path) -> int:
    """Writes the file as converters do, q, k and v in one matrix, a tensor at a time; returns its size."""
    kind = GGMLQuantizationType.Q4_0
    blocks = quants.quantize(read_tensor(block["values"]).numpy().reshape(-1, 32), kind)  # (n, bytes)
    writer = GGUFWriter(file, arch="lumina2")
    named = from_published({tensor.name: tensor for tensor in planned_tensors(config, block)})
    values: list[Callable[[], np.ndarray]] = []
    for number, (name, parts) in enumerate(named.items()):
        shape = (sum(part.shape[0] for part in parts), *parts[0].shape[1:])
        if is_quantizable(name) and shape[1] % 32 == 0:
            row_bytes = shape[1] // 32 * blocks.shape[1]
            writer.add_tensor_info(name, (shape[0], row_bytes), np.dtype(np.uint8), shape[0] * row_bytes, kind)
            values.append(partial(cut_blocks, blocks, shape[0] * shape[1] // 32, number))
        else:
            dtype = np.dtype(np.float16 if len(shape) > 1 else np.float32)
            writer.add_tensor_info(name, shape, dtype, dtype.itemsize * math.prod(shape))
            values.append(partial(as_array, parts, dtype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for make in values:
        writer.write_tensor_data(make())
    writer.close()
    return file.stat().st_size


def cut_blocks(blocks: np.ndarray, count: int, number: int) -> np.ndarray:
    """Returns so many blocks, in turn from where those of a tensor begin."""
    return blocks.take(np.arange(number * STRIDE, number * STRIDE + count), axis=0, mode="wrap")


def as_array(parts: tuple[PlannedTensor, ...], dtype: np.dtype) -> np.ndarray:
    return torch.cat([piece for part in parts for piece in part.values()]).numpy().astype(dtype)


def load_as_stored(model: ZImageTransformer2DModel, file: Path, quantization: str) -> None:
    held = Quantization.choose(quantization, torch.device("cpu"), torch.bfloat16)
    print(f"matrices {held}", file=sys.stderr, flush=True)
    load_tensors(model, file, to_published(open_checkpoint(file)), dtype=torch.bfloat16, quantization=held)


def check_values(model: torch.nn.Module, planned: list[PlannedTensor]) -> int:
    """Compares some tensors with what was written, value by value; returns how many."""
    loaded = model.state_dict()
    for tensor in planned[::CHECKED_EVERY]:
        expected = torch.cat([read_tensor(part, torch.bfloat16) for part in tensor.parts])
        if not torch.equal(loaded[tensor.name], expected):
            raise SystemExit(f"{tensor.name} is not what was written")
    return len(planned[::CHECKED_EVERY])


@torch.inference_mode()
def forward_s(model: ZImageTransformer2DModel, config: TransformerConfig) -> float:
    torch.manual_seed(1)
    latents = torch.randn(config.in_channels, 1, LATENT_SIDE, LATENT_SIDE, dtype=torch.bfloat16)
    caption = torch.randn(CAPTION_TOKENS, config.cap_feat_dim, dtype=torch.bfloat16)
    started = time.perf_counter()
    (velocity,) = model([latents], torch.tensor([0.5]), [caption])[0]
    took_s = time.perf_counter() - started
    if velocity.shape != latents.shape or not velocity.isfinite().all():
        raise SystemExit(f"the forward gave {tuple(velocity.shape)}, finite: {bool(velocity.isfinite().all())}")
    return took_s


def measure(folder: Path, block: Path, *, load_only: bool) -> Iterator[dict[str, float]]:
    """What the process of its own does; every stage tells its facts when it is over."""
    config = TransformerConfig.from_file(folder / "config.json")
    model, before = empty_model(config), peak_bytes()
    started = time.perf_counter()
    stored = next((kind for kind, name in FILES.items() if (folder / name).exists()), None)
    if stored is not None:
        load_as_stored(model, folder / FILES[stored], stored)
    else:
        load_weights(model, folder, dtype=torch.bfloat16)
    yield {"load_s": time.perf_counter() - started, "before_bytes": before, "load_peak_bytes": peak_bytes()}
    model_bytes = sum(value.nbytes for value in model.state_dict().values())
    compared = 0 if stored else check_values(model, planned_tensors(config, read_header(block)))
    yield {"model_bytes": model_bytes, "tensors_compared": compared}
    if not load_only:
        requested = os.environ.get(COMPUTE_DTYPE_VARIABLE) or AUTO
        model.set_compute_dtype(choose_compute_dtype(torch.bfloat16, model.device, requested))
        yield {"is_float32": float(model.compute_dtype == torch.float32)}
        yield {"forward_s": forward_s(model, config), "peak_bytes": peak_bytes()}


def as_markdown(written: Conversion, write_s: float, facts: dict[str, float]) -> str:
    rows = [
        ("float32 shards", f"{written.size_bytes / GB:.2f} GB in {len(written.tensors)} files, {write_s:.0f} s"),
        ("strict load in bfloat16", f"{facts['load_s']:.0f} s, {facts['tensors_compared']:.0f} tensors compared"),
        ("the model's own size", f"{facts['model_bytes'] / GB:.2f} GB"),
        ("memory before loading", f"{facts['before_bytes'] / GB:.2f} GB"),
        ("peak memory while loading", f"{facts['load_peak_bytes'] / GB:.2f} GB"),
    ]
    if "forward_s" in facts:
        computed = "float32" if facts["is_float32"] else "bfloat16"
        rows.append(("one forward at 256×256", f"{facts['forward_s']:.0f} s, finite, computed in {computed}"))
        rows.append(("peak memory with the forward", f"{facts['peak_bytes'] / GB:.2f} GB"))
    return as_table(rows)


def as_table(rows: list[tuple[str, str]]) -> str:
    about = f"{describe_machine()}, torch {torch.__version__}, {torch.get_num_threads()} of its threads."
    return "\n".join([f"Measured on {about}", "", "| what | measured |", "|---|---|", *map(_row, rows)])


def _row(row: tuple[str, str]) -> str:
    return f"| {row[0]} | {row[1]} |"


def prove(config: TransformerConfig, root: Path, *, load_only: bool) -> tuple[str, int]:
    """Writes, loads, runs; returns the table and the peak of memory in bytes."""
    block = root / "block.safetensors"
    started = time.perf_counter()
    written = write_checkpoint(config, write_block(block), root / "transformer")
    write_s = time.perf_counter() - started
    facts = measure_apart(root, load_only=load_only)
    return as_markdown(written, write_s, facts), int(facts.get("peak_bytes", facts["load_peak_bytes"]))


def prove_stored(kind: str, config: TransformerConfig, root: Path, *, load_only: bool) -> tuple[str, int]:
    """Writes a quantised file, loads it, runs; returns the table and by how many bytes loading exceeded its bound."""
    folder = root / "transformer"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    started = time.perf_counter()
    write_file_of = write_int8 if kind == INT8 else write_q4_0
    size_bytes = write_file_of(config, write_block(root / "block.safetensors"), folder / FILES[kind])
    write_s = time.perf_counter() - started
    facts = measure_apart(root, load_only=load_only)
    loading = facts["load_peak_bytes"] - facts["before_bytes"]
    rows = [
        (LAYOUTS[kind], f"{size_bytes / GB:.2f} GB, {write_s:.0f} s"),
        ("strict load, matrices as they are stored", f"{facts['load_s']:.0f} s"),
        ("memory that loading takes at its peak", f"{loading / GB:.2f} GB, bound {(size_bytes + ROOM_BYTES) / GB:.2f}"),
    ]
    if "forward_s" in facts:
        rows.append(("one forward at 256×256", f"{facts['forward_s']:.0f} s, finite"))
        rows.append(("peak memory with the forward", f"{facts['peak_bytes'] / GB:.2f} GB"))
    return as_table(rows), int(loading - size_bytes - ROOM_BYTES)


def measure_apart(root: Path, *, load_only: bool) -> dict[str, float]:
    """Runs `measure` in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(root), *(["--load-only"] if load_only else [])]
    facts: dict[str, float] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", file=sys.stderr, flush=True)
            facts |= json.loads(line)
    if process.returncode:
        raise SystemExit(f"the process that loads and runs ended with {process.returncode}")
    return facts


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=ROOT / "data", help="on a disk with 25 GB to spare")
    parser.add_argument("--memory-gb", type=float, default=24.0, help="what loading and running may need")
    parser.add_argument("--load-only", action="store_true", help="no forward")
    stored = parser.add_mutually_exclusive_group()
    stored.add_argument("--int8", dest="stored", action="store_const", const=INT8, help="a file in int8 instead")
    stored.add_argument("--q4_0", dest="stored", action="store_const", const=Q4_0, help="a GGUF file instead")
    parser.add_argument("--tiny", action="store_true", help="a model of a few values, to try the script")
    parser.add_argument("--write", type=Path, help="file with the marks")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse(argv)
    if arguments.measure:
        root = arguments.measure
        for facts in measure(root / "transformer", root / "block.safetensors", load_only=arguments.load_only):
            print(json.dumps(facts), flush=True)
        return 0
    arguments.folder.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix="real-size-", dir=arguments.folder))
    try:
        work = partial(prove_stored, arguments.stored) if arguments.stored else prove
        table, needed = work(TINY if arguments.tiny else TransformerConfig(), root, load_only=arguments.load_only)
    finally:
        shutil.rmtree(root)
    print(table)
    if arguments.write:
        write(table, arguments.write, f"{MARK}-{arguments.stored}" if arguments.stored else MARK)
    if needed > (0 if arguments.stored else arguments.memory_gb * GB):
        print(f"too much memory: {needed / GB:.2f} GB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
