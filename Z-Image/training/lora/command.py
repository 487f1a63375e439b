"""Trains a LoRA on any model of the family.

python -m training.lora --model FOLDER --data PICTURES --output FOLDER    (from the folder Z-Image)

Pictures are png, jpg or webp; the caption of `name.png` stands in `name.txt`. Latents and captions are encoded once.
A checkpoint is written every two minutes and at the end, atomically; `--resume` goes on from it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from zimage.errors import ZImageError

from training.lora.adapter import TARGETS
from training.lora.errors import TrainingError
from training.lora.material.dataset import Wording
from training.lora.settings import CHECKPOINTING, Sampling, Settings, Words
from training.lora.source import DTYPES, ModelPaths
from training.lora.training import train


def build_parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.lora",
        description=__doc__.splitlines()[0] if __doc__ else None,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_model(parser.add_argument_group("model"))
    _add_material(parser.add_argument_group("material"))
    _add_training(parser.add_argument_group("training"))
    _add_result(parser.add_argument_group("result"))
    return parser


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model", type=Path, required=True, help="folder in the published layout, or a single file")
    group.add_argument("--text-encoder", type=Path, help="of a single file: where the text encoder is")
    group.add_argument("--vae", type=Path, help="of a single file: where the autoencoder is")
    group.add_argument("--tokenizer", type=Path, help="of a single file: folder of a tokenizer other than Qwen3's")
    group.add_argument("--shift", type=float, default=3.0, help="of a single file: 3 for Turbo, 6 for the base model")
    group.add_argument("--device", help="cuda, mps or cpu; the best one when missing")
    group.add_argument("--dtype", choices=DTYPES, help="float32 on a CPU, else bfloat16, when missing")
    group.add_argument("--quantization", help="int8, fp8 or gguf: what the base's matrices are held in")
    group.add_argument("--assistant", type=Path, help="LoRA that acts while training only, as Turbo needs one")


def _add_material(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--data", type=Path, required=True, help="folder of pictures with captions")
    group.add_argument("--caption", default="", help="for pictures without a text file")
    group.add_argument("--trigger", default="", help="word put before every caption")
    group.add_argument("--caption-dropout", type=float, default=0.0, help="share of examples learned without caption")
    group.add_argument(
        "--resolution", type=int, help="side of the square whose area is used; the model's sizes when missing"
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--rank", type=int, default=16)
    group.add_argument("--alpha", type=float, help="the rank when missing")
    group.add_argument("--targets", choices=TARGETS, default="attention+mlp", help="layers that get a side path")
    group.add_argument("--steps", type=int, default=1000)
    group.add_argument("--batch", type=int, default=1)
    group.add_argument("--lr", type=float, default=1e-4)
    group.add_argument("--seed", type=int, default=0)
    group.add_argument("--gradient-checkpointing", choices=CHECKPOINTING, default="auto", help="auto: of large models")
    group.add_argument("--resume", action="store_true", help="go on from the checkpoint in --output")


def _add_result(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--output", type=Path, required=True, help="folder of the LoRA, its checkpoint and samples")
    group.add_argument("--name", help="of the file; that of the folder when missing")
    group.add_argument("--title", default="", help="for people; the name when missing")
    group.add_argument("--usage-hint", default="", help="what a user should know")
    group.add_argument("--tags", default="", help="words for searches, with commas between")
    group.add_argument("--licence", default="", help="identifier, for example Apache-2.0")
    group.add_argument("--thumbnail", type=Path, help="picture in the header; the last sample when missing")
    group.add_argument("--save-every", type=int, default=0, help="steps between files; only the last when 0")
    group.add_argument("--samples", nargs="+", default=[], metavar="PROMPT", help="images to draw now and then")
    group.add_argument("--sample-every", type=int, default=250, help="steps between them")
    group.add_argument("--sample-steps", type=int, default=9, help="points of their schedule, the image included")
    group.add_argument("--sample-guidance", type=float, default=0.0, help="0 for Turbo, 3 to 5 for the base model")


def read_settings(argv: Sequence[str] | None = None) -> Settings:
    """Reads the command line.

    Raises:
        TrainingError: a value is out of range.
    """
    given = build_parser().parse_args(argv)
    tags = tuple(tag for part in given.tags.split(",") if (tag := part.strip()))
    return Settings(
        model=ModelPaths(given.model, given.text_encoder, given.vae, given.tokenizer, given.shift),
        data=given.data,
        output=given.output,
        words=Words(
            name=given.name or given.output.resolve().name,
            title=given.title,
            usage_hint=given.usage_hint,
            tags=tags,
            licence=given.licence,
            thumbnail=given.thumbnail,
        ),
        wording=Wording(given.caption.strip(), given.trigger.strip()),
        targets=given.targets,
        rank=given.rank,
        alpha=given.alpha,
        steps=given.steps,
        batch=given.batch,
        lr=given.lr,
        resolution=given.resolution,
        caption_dropout=given.caption_dropout,
        seed=given.seed,
        device=given.device,
        dtype=given.dtype,
        quantization=given.quantization,
        checkpointing=given.gradient_checkpointing,
        sampling=Sampling(tuple(given.samples), given.sample_every, given.sample_steps, given.sample_guidance),
        save_every=given.save_every,
        resume=given.resume,
        assistant=given.assistant,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Command line; what a user can put right ends it with a sentence, not with a traceback."""
    try:
        path = train(read_settings(argv))
    except (TrainingError, ZImageError) as error:
        sys.exit(f"error: {error}")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
