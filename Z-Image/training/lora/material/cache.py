"""Latents and caption features: encoded once, kept in a file, so that the encoders are gone before training begins."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from zimage.autoencoder import AutoencoderKL
from zimage.conditions.images import to_tensor
from zimage.errors import NotFiniteError
from zimage.sequence import padded_length
from zimage.text.encoder import PromptEncoder

from training.loop.checkpoints import load_checkpoint, save_atomically
from training.lora.material.buckets import Size, choose_size, fit
from training.lora.material.dataset import Example, read_picture, some_of
from training.lora.source import Source

logger = logging.getLogger(__name__)

FILE = "cache.safetensors"
Encoders = tuple[PromptEncoder, AutoencoderKL]


@dataclass(frozen=True)
class Encoded:
    """What training needs of pictures and captions; all on the CPU.

    Attributes:
        latents: of each picture, scaled, (C, h, w).
        features: of each caption, (L, cap_feat_dim).
        empty: of the empty caption.
        samples: of each prompt to draw now and then.
    """

    latents: Sequence[Tensor]
    features: Sequence[Tensor]
    empty: Tensor
    samples: Sequence[Tensor]

    def kinds(self) -> list[tuple[int, ...]]:
        """Returns what the examples of a batch have in common: the size of the image, and the padded caption's."""
        pairs = zip(self.latents, self.features, strict=True)
        return [(*latents.shape, padded_length(len(features))) for latents, features in pairs]


def encode_once(
    source: Source, examples: Sequence[Example], prompts: Sequence[str], sizes: Sequence[Size], folder: Path
) -> Encoded:
    """Encodes everything, or reads what was encoded of the same files and words before.

    Args:
        source: the model.
        examples: pictures with captions.
        prompts: to draw now and then.
        sizes: that pictures are scaled to.
        folder: of the file.

    Raises:
        TrainingError: a picture cannot be read.
        PartError: the encoders cannot be loaded.
        NotFiniteError: they give NaN or infinity.
    """
    path = folder / FILE
    key = fingerprint(source, examples, prompts, sizes)
    if path.is_file() and (kept := load_checkpoint(path))["key"] == key:
        return Encoded(**{name: value for name, value in kept.items() if name != "key"})
    chosen = _sizes_of(examples, sizes)
    encoded = _encode(source.load_encoders(), examples, chosen, prompts)
    gc.collect()
    if source.place.device.type == "cuda":
        torch.cuda.empty_cache()
    save_atomically({"key": key, **vars(encoded)}, path)
    return encoded


def fingerprint(source: Source, examples: Sequence[Example], prompts: Sequence[str], sizes: Sequence[Size]) -> str:
    """Names all that latents and features depend on: files of the encoders, pictures, words, sizes and dtype."""
    of_model = [[str(file), *_stamp(file)] for part in source.paths.files()[1:] for file in _files_of(part)]
    of_examples = [
        [example.path.name, hashlib.sha256(example.path.read_bytes()).hexdigest(), example.caption]
        for example in examples
    ]
    place = [str(source.place.dtype), str(source.place.quantization)]
    said = json.dumps([of_model, of_examples, list(prompts), list(sizes), place])
    return hashlib.sha256(said.encode()).hexdigest()


def _files_of(part: Path) -> Iterable[Path]:
    return sorted(path for path in part.iterdir() if path.is_file()) if part.is_dir() else (part,)


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _sizes_of(examples: Sequence[Example], sizes: Sequence[Size]) -> list[Size]:
    """Reads every picture once before anything is loaded, so that a damaged one is named at once."""
    chosen, small = [], []
    for example in examples:
        picture = read_picture(example.path)
        size = choose_size(picture.width, picture.height, sizes)
        if picture.width < size[0] or picture.height < size[1]:
            small.append(example.path.name)
        chosen.append(size)
    if small:
        logger.warning("%d pictures are smaller than what is trained at, and enlarged: %s", len(small), some_of(small))
    return chosen


@torch.no_grad()
def _encode(encoders: Encoders, examples: Sequence[Example], sizes: Sequence[Size], prompts: Sequence[str]) -> Encoded:
    encoder, vae = encoders
    captions = dict.fromkeys([*(example.caption for example in examples), "", *prompts])
    with encoder.staying():
        known = {caption: _plain(encoder.encode([caption])[0], "the text encoder") for caption in captions}
    pictures = (fit(read_picture(one.path), size) for one, size in zip(examples, sizes, strict=True))
    return Encoded(
        latents=[_plain(_latents_of(vae, to_tensor(picture)), "the autoencoder") for picture in pictures],
        features=[known[example.caption] for example in examples],
        empty=known[""],
        samples=[known[prompt] for prompt in prompts],
    )


def _latents_of(vae: AutoencoderKL, pixels: Tensor) -> Tensor:
    device = next(vae.parameters()).device
    return vae.normalise(vae.encode(pixels.to(device, vae.dtype)).mode())[0].float()


def _plain(values: Tensor, part: str) -> Tensor:
    """Returns values that gradients may pass through, on the CPU.

    Raises:
        NotFiniteError: there is NaN or infinity among them.
    """
    if not bool(values.isfinite().all()):
        raise NotFiniteError(f"{part} gives NaN or infinity")
    return values.clone().cpu()
