"""A small model stored as the variants are is read and drawn: what is offered can be run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from backend.services.generation.engines.native import NativeEngine
from backend.services.library.files import ModelFiles
from backend.services.library.part_files import PartFiles
from tests.backend.services.generation.engines.drawing import PLAN, pixels
from tests.backend.services.library.weight_files import save_text_encoder, save_transformer
from tests.zimage.quantized_files import Written, fp8, int8, nvfp4

if TYPE_CHECKING:
    import torch

Writer = Callable[[np.ndarray], Written]


def is_matrix(name: str, tensor: torch.Tensor) -> bool:
    """Tells what writers quantise in a block: embedders, norms and modulation stay as they are."""
    is_in_block = ".layers." in f".{name}" and "adaLN" not in name and "norm" not in name
    return is_in_block and tensor.ndim == 2


def quantise(file: Path, *writers: Writer) -> Path:
    """Writes a file's matrices anew, by each writer in turn, with ComfyUI's declarations."""
    from safetensors.torch import load_file, save_file

    tensors: dict[str, torch.Tensor] = {}
    matrices = 0
    for name, tensor in load_file(file).items():
        if is_matrix(name, tensor):
            written = writers[matrices % len(writers)](tensor.double().numpy())
            tensors |= {f"{name.removesuffix('weight')}{leaf}": part for leaf, part in written.marked().items()}
            matrices += 1
        else:
            tensors[name] = tensor
    assert matrices >= 5
    save_file(tensors, file)
    return file


def rotated_int8(matrix: np.ndarray) -> Written:
    """As ConvRot has it, where the width can be cut into groups."""
    return int8(matrix, rotated=0 if matrix.shape[1] % 16 else 16)


def formats_of(file: Path) -> set[str]:
    from zimage.weights.checkpoint import open_checkpoint

    return {tensor.format for tensor in open_checkpoint(file).values()}


@pytest.fixture(scope="module")
def plain(tiny_model) -> np.ndarray:
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    return pixels(engine).astype(int)


@pytest.mark.parametrize(
    ("transformer", "text_encoder", "format"),
    [
        (rotated_int8, (fp8, nvfp4), "int8_tensorwise"),
        (lambda matrix: fp8(matrix, old_names=True), (fp8, nvfp4), "float8_e4m3fn"),
        (nvfp4, (nvfp4, fp8), "nvfp4"),
    ],
    ids=["int8 ConvRot, fp8 mixed", "fp8 scaled, fp8 mixed", "nvfp4, fp4 mixed"],
)
def test_what_is_stored_as_a_variant_is_drawn(tiny_model, plain, tmp_path, transformer, text_encoder, format):
    dit = quantise(save_transformer(tiny_model, tmp_path / "dit.safetensors"), transformer)
    text = quantise(save_text_encoder(tiny_model, tmp_path / "text.safetensors"), *text_encoder)
    files = ModelFiles("small", dit, text, tiny_model / "vae", tokenizer=tiny_model / "tokenizer")
    engine = NativeEngine()

    engine.load(files, PLAN)
    drawn = pixels(engine).astype(int)

    parts = [part.part for file in PartFiles().find(tmp_path, [tmp_path], lambda _: False) for part in file.parts]
    assert sorted(parts) == ["text_encoder", "transformer"]
    assert format in formats_of(dit)
    assert {"float8_e4m3fn", "nvfp4"} <= formats_of(text)
    assert 0 < np.abs(drawn - plain).mean() < 40, "another image, and no noise"
