"""Measures zimage-nano in the formats that files and memory may have, and writes the table into the model card.

PYTHONPATH=src python -m training.nano.formats [--limit N]    (from the folder Z-Image)

The library's own pipeline draws the same labels with the same seeds in every format. The judge says what is seen, and
the pixels how far they are from those in float32.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, quants
from torch import Tensor, nn
from zimage.config import SchedulerConfig, TextEncoderConfig, TransformerConfig
from zimage.pipeline import ZImagePipeline
from zimage.quant.linear import GGUF, Quantization
from zimage.quant.packing import is_quantizable
from zimage.text.tokenizer import load_tokenizer
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.parts import load_files, open_model

from training.nano.dataset.captions.source import CaptionSource
from training.nano.dataset.material import read_items
from training.nano.dataset.scenes import THING_PX
from training.nano.evaluate import REPOSITORY, Choice, percent, write_into_card
from training.nano.judge import judge_logits, load_judge

BATCH = 8
HEAD = ("format", "weights", "English label: top-1", "PSNR to float32", "pictures")
TYPES = {"Q8_0": GGMLQuantizationType.Q8_0, "Q4_0": GGMLQuantizationType.Q4_0}


@dataclass(frozen=True)
class Drawn:
    """Pictures (N, 3, height, width) of one format, and the share that the judge names rightly."""

    pictures: Tensor
    share: float


def write_gguf(part: Path, kind: GGMLQuantizationType, file: Path) -> Path:
    """Writes a published part with its matrices in a type of GGUF; what stays wide is in float32."""
    writer = GGUFWriter(file, arch="lumina2")
    for name, stored in open_checkpoint(part).items():
        values: np.ndarray = stored.read(torch.float32).numpy()
        if is_quantizable(name) and values.shape[-1] % quants.GGML_QUANT_SIZES[kind][0] == 0:
            writer.add_tensor(name, quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def open_as_gguf(folder: Path, kind: str) -> ZImagePipeline:
    """Loads transformer and text encoder from GGUF files that are written for it; their blocks stay as they are.

    Files without configurations are taken to be as published, which nano is not: it brings its own.
    """
    device = torch.device("cpu")
    held = Quantization.choose(GGUF, device, torch.float32)
    with tempfile.TemporaryDirectory() as place:
        transformer, text_encoder = (
            write_gguf(folder / part, TYPES[kind], Path(place) / f"{part}.gguf")
            for part in ("transformer", "text_encoder")
        )
        files = replace(
            open_model(transformer, text_encoder, folder / "vae"),
            transformer_config=TransformerConfig.from_file(folder / "transformer" / "config.json"),
            text_encoder_config=TextEncoderConfig.from_file(folder / "text_encoder" / "config.json"),
        )
        scheduler = SchedulerConfig.from_file(folder / "scheduler" / "scheduler_config.json")
        tokenizer = load_tokenizer(folder / "tokenizer")
        parts = load_files(files, tokenizer, scheduler, dtype=torch.float32, device=device, quantization=held)
    return ZImagePipeline(parts.transformer, parts.vae, parts.text_encoder, parts.scheduler)


def formats(folder: Path) -> dict[str, Callable[[], ZImagePipeline]]:
    """Loaders by the name of the format, float32 first."""
    load = partial(ZImagePipeline.from_local_dir, folder, "cpu")
    return {
        "float32": partial(load, torch.float32),
        "bfloat16": partial(load, torch.bfloat16),
        "int8": partial(load, torch.float32, quantization="int8"),
        "fp8": partial(load, torch.float32, quantization="fp8"),
        "GGUF Q8_0": partial(open_as_gguf, folder, "Q8_0"),
        "GGUF Q4_0": partial(open_as_gguf, folder, "Q4_0"),
    }


def draw_labels(pipeline: ZImagePipeline, judge: nn.Sequential, source: CaptionSource, chosen: Sequence[int]) -> Drawn:
    """Draws single things by their English labels."""
    parts = []
    for start in range(0, len(chosen), BATCH):
        group = chosen[start : start + BATCH]
        prompts = [source.english[item].label for item in group]
        generators = [torch.Generator().manual_seed(item) for item in group]
        images = pipeline(prompts, height=THING_PX, width=THING_PX, generator=generators, output_type="pt").images
        parts.append(torch.as_tensor(images))
    pictures = torch.cat(parts)
    named = torch.cat([judge_logits(judge, batch).argmax(-1) for batch in torch.split(pictures, BATCH)])
    return Drawn(pictures, float((named == torch.tensor(chosen)).float().mean()))


def psnr(pictures: Tensor, reference: Tensor) -> float:
    """Median over pictures of the PSNR in dB."""
    errors = (pictures - reference).square().mean((1, 2, 3)).clamp_min(1e-12)
    return float((-10 * torch.log10(errors)).median())


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=REPOSITORY / "data" / "nano", help="material and judge")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "Z-Image" / "ckpts" / "zimage-nano")
    parser.add_argument("--limit", type=int, default=250, help="things a format; all when 0")
    arguments = parser.parse_args(argv)
    items, judge = read_items(arguments.work), load_judge(arguments.work)
    source, chosen = CaptionSource(items, 0), Choice.draw(len(items), arguments.limit).chosen
    lines: list[tuple[str, ...]] = [HEAD, ("---",) * len(HEAD)]
    reference: Drawn | None = None
    for name, load in formats(arguments.folder).items():
        pipeline = load()
        drawn = draw_labels(pipeline, judge, source, chosen)
        held = sum(
            tensor.nbytes
            for model in (pipeline.transformer, pipeline.text_encoder.model)
            for tensor in (*model.parameters(), *model.buffers())
        )
        reference = reference or drawn
        distance = "" if drawn is reference else f"{psnr(drawn.pictures, reference.pictures):.1f} dB"
        lines.append((name, f"{held / 1e6:.0f} MB", percent(drawn.share), distance, str(len(chosen))))
        sys.stderr.write(f"{lines[-1]}\n")
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    sys.stdout.write(f"{table}\n")
    if (arguments.folder / "README.md").exists():
        write_into_card(arguments.folder / "README.md", "formats", table)


if __name__ == "__main__":
    main()
