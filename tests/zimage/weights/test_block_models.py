"""Models whose GGUF matrices stay in their blocks: the image is the one of the decoded matrices, bit by bit."""

import functools

import numpy as np
import pytest
import torch
from torch import nn
from zimage import ZImagePipeline
from zimage.errors import PartError
from zimage.quant.linear import BlockLinear, QuantLinear
from zimage.quant.packing import is_quantizable
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.names.single_file import from_published

from tests.zimage.quantized_files import random_blocks, write_gguf

gguf = pytest.importorskip("gguf")
ASK = {"height": 64, "width": 64, "num_inference_steps": 3, "output_type": "pt"}
F32, Q4_0, Q8_0, Q4_K = 0, 2, 8, 12


def as_entry(name, values, number):
    """Quantises what is quantised by converters: matrices whose rows are whole blocks. K types are not written."""
    kind = gguf.GGMLQuantizationType(number)
    if not is_quantizable(name) or values.shape[1] % gguf.GGML_QUANT_SIZES[kind][0]:
        return values.shape, F32, values.tobytes()
    is_k = gguf.GGML_QUANT_SIZES[kind][0] == 256
    data = random_blocks(number, *values.shape) if is_k else gguf.quants.quantize(values, kind)
    return values.shape, number, data.tobytes()


def write(folder, path, number):
    """Writes nano's transformer with packed q, k, v, and its text encoder; returns the three files."""
    tensors = open_checkpoint(folder / "transformer")
    for part, named in (
        ("transformer", from_published(tensors)),
        ("text_encoder", {name: (stored,) for name, stored in open_checkpoint(folder / "text_encoder").items()}),
    ):
        values = {
            name: np.concatenate([one.read(torch.float32).numpy() for one in parts]) for name, parts in named.items()
        }
        write_gguf(path / f"{part}.gguf", {name: as_entry(name, value, number) for name, value in values.items()})
    return path / "transformer.gguf", path / "text_encoder.gguf", folder / "vae"


@pytest.fixture(scope="module")
def nano(repository_root):
    return repository_root / "Z-Image" / "ckpts" / "zimage-nano"


@pytest.fixture(scope="module")
def files_in(nano, tmp_path_factory):
    """Returns the files in a type, which are written once."""
    return functools.cache(lambda number: write(nano, tmp_path_factory.mktemp("gguf"), number))


def open_files(nano, files, quantization=None, dtype=torch.float32):
    return ZImagePipeline.from_files(
        *files, tokenizer=nano / "tokenizer", device="cpu", dtype=dtype, compute_dtype="native",
        quantization=quantization,
    )  # fmt: skip


def draw(pipeline):
    return pipeline("a red fox", generator=torch.Generator().manual_seed(1), **ASK).images


def layers_of(model, kind):
    return [layer for layer in model.modules() if isinstance(layer, kind)]


@pytest.mark.parametrize("number", [Q4_0, Q8_0, Q4_K], ids=["Q4_0", "Q8_0", "Q4_K"])
def test_the_image_is_that_of_decoded_matrices(number, nano, files_in):
    files = files_in(number)
    expected = draw(open_files(nano, files))
    pipeline = open_files(nano, files, "gguf")
    assert torch.equal(draw(pipeline), expected)
    for model in (pipeline.transformer, pipeline.text_encoder.model):
        assert len(layers_of(model, BlockLinear)) > 20
        assert not layers_of(model, QuantLinear)  # what the writer left plain stays plain
        assert {layer.blocks.name for layer in layers_of(model, BlockLinear)} == {
            gguf.GGMLQuantizationType(number).name
        }


def test_in_bfloat16_too(nano, files_in):
    files = files_in(Q8_0)
    expected = draw(open_files(nano, files, dtype=torch.bfloat16))
    assert torch.equal(draw(open_files(nano, files, "gguf", torch.bfloat16)), expected)


def test_matrices_of_other_files_are_in_int8(nano, files_in):
    transformer, _, vae = files_in(Q8_0)
    pipeline = open_files(nano, (transformer, nano / "text_encoder", vae), "gguf")
    assert not layers_of(pipeline.text_encoder.model, BlockLinear)
    assert {layer.weight.dtype for layer in layers_of(pipeline.text_encoder.model, QuantLinear)} == {torch.int8}
    assert layers_of(pipeline.transformer, BlockLinear)
    draw(pipeline)


def test_another_transformer_stays_in_its_blocks_too(nano, files_in):
    pipeline = open_files(nano, files_in(Q8_0), "gguf")
    pipeline.replace_transformer(files_in(Q4_0)[0], shift=3.0)
    assert {layer.blocks.name for layer in layers_of(pipeline.transformer, BlockLinear)} == {"Q4_0"}


def test_what_is_held_is_what_is_stored(nano, files_in):
    files = files_in(Q4_0)
    transformer = open_files(nano, files, "gguf").transformer
    stored = sum(tensor.size_bytes for tensor in open_checkpoint(files[0]).values())
    assert sum(tensor.nbytes for tensor in transformer.state_dict().values()) == stored
    assert not any(is_quantizable(name) and parameter.shape[-1] % 32 == 0
                   for name, parameter in transformer.named_parameters())  # fmt: skip
    assert all(isinstance(layer.weight, nn.Parameter) for layer in layers_of(transformer, nn.Linear))


def test_a_matrix_of_no_numbers_is_named(nano, tmp_path):
    files = write(nano, tmp_path, Q4_0)
    [where] = [stored for name, stored in open_checkpoint(files[0]).items() if name == "layers.1.attention.out.weight"]
    data = bytearray(files[0].read_bytes())
    data[where.parts["weight"].offset + 1] = 0x7C
    files[0].write_bytes(data)
    with pytest.raises(PartError, match=r"transformer: layers\.1\.attention\.to_out\.0\.weight: .*\(Q4_0\) holds NaN"):
        open_files(nano, files, "gguf")
