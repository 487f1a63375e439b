"""Quantised single files: what is written is what the strict loader reads back, value for value."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from zimage.errors import WeightsError
from zimage.quant.linear import Quantization, QuantLinear
from zimage.quant.packing import FORMATS, FP8, INT8, is_quantizable, quantize_rows
from zimage.transformer import ZImageTransformer2DModel
from zimage.utils.loader import load_tensors, load_weights
from zimage.weights import quantizing
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.conversion import write_single_file
from zimage.weights.files.safetensors_writer import bytes_of
from zimage.weights.names.single_file import from_published, to_published
from zimage.weights.quantizing import plan_quantized

from tests.zimage.peers import TINY
from tests.zimage.quantized_files import FORMATS as WRITERS
from tests.zimage.quantized_files import write_gguf

PREFIX = "model.diffusion_model."
SMALL = TINY | {"dim": 96, "axes_dims": (12, 18, 18)}  # 256 wide inside, which groups of 16 divide


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("plain") / "plain.safetensors"
    save_file(ZImageTransformer2DModel(**SMALL).state_dict(), path)
    return path


def write(source, target, format, dtype=None, prefix="", **options):
    write_single_file(target, plan_quantized(source, format, dtype, prefix), **options)
    return target


def empty():
    with torch.device("meta"):
        return ZImageTransformer2DModel(**SMALL)


def load(path, quantization=None):
    model = empty()
    tensors = to_published(open_checkpoint(path))
    load_tensors(model, path, tensors, dtype=torch.float32, quantization=quantization)
    return model


def packed_of(model):
    return {name: layer.packed for name, layer in model.named_modules() if isinstance(layer, QuantLinear)}


def assert_same_packed(given, expected):
    assert given.keys() == expected.keys()
    for name, packed in given.items():
        assert torch.equal(packed.weight.view(torch.uint8), expected[name].weight.view(torch.uint8)), name
        assert torch.equal(packed.scale, expected[name].scale), name
        assert packed.rotation == expected[name].rotation, name


@pytest.mark.parametrize("prefix", ["", PREFIX])
@pytest.mark.parametrize("format", [INT8, FP8], ids=FORMATS)
def test_what_is_written_is_read_back_as_if_quantised_on_load(format, prefix, plain, tmp_path):
    target = write(plain, tmp_path / "q.safetensors", format, prefix=prefix)
    on_load = load(plain, Quantization(format))
    assert_same_packed(packed_of(load(target, Quantization(format))), packed_of(on_load))
    decoded = empty()
    load_weights(decoded, target, dtype=torch.float32)
    for name, packed in packed_of(on_load).items():
        assert torch.equal(decoded.get_submodule(name).weight, packed.decode())
    for name, parameter in on_load.named_parameters():
        assert torch.equal(decoded.get_parameter(name), parameter)


def test_the_layout_is_comfyui_s(plain, tmp_path):
    int8 = load_file(write(plain, tmp_path / "i.safetensors", INT8, torch.bfloat16, PREFIX))
    fp8 = load_file(write(plain, tmp_path / "f.safetensors", FP8, torch.bfloat16))
    layer = "layers.0.attention.qkv"
    assert int8[f"{PREFIX}{layer}.weight"].dtype == torch.int8
    assert int8[f"{PREFIX}{layer}.weight_scale"].shape == (288, 1)
    assert fp8[f"{layer}.weight"].dtype == torch.float8_e4m3fn
    assert fp8[f"{layer}.weight_scale"].shape == (288,)
    said = [bytes(t[f"{p}{layer}.comfy_quant"].tolist()) for t, p in ((int8, PREFIX), (fp8, ""))]
    assert [json.loads(text)["format"] for text in said] == ["int8_tensorwise", "float8_e4m3fn_rowwise"]
    assert {t.dtype for name, t in int8.items() if name.endswith((".bias", "norm1.weight"))} == {torch.bfloat16}


def test_a_qkv_is_quantised_as_its_rows_are(plain, tmp_path):
    tensors = load_file(plain)
    qkv = torch.cat([tensors[f"layers.0.attention.to_{one}.weight"] for one in "qkv"])
    written = load_file(write(plain, tmp_path / "q.safetensors", INT8))
    assert torch.equal(written["layers.0.attention.qkv.weight"], quantize_rows(qkv, INT8).weight)


def single_file(plain, tmp_path, writer):
    """A single file whose matrices, adaLN's included, are in a format."""
    packed = from_published(open_checkpoint(plain))
    tensors = {}
    for name, parts in packed.items():
        tensor = torch.cat([part.read() for part in parts])
        if name.endswith(".weight") and (is_quantizable(name) or "layers.0.adaLN" in name):
            written = writer(tensor.double().numpy())
            tensors |= {name.removesuffix("weight") + leaf: part for leaf, part in written.marked().items()}
        else:
            tensors[name] = tensor
    save_file(tensors, tmp_path / "source.safetensors")
    return tmp_path / "source.safetensors"


@pytest.mark.parametrize("name", ["int8", "int8 by row", "int8 by row, rotated"])
def test_stored_values_are_kept(name, plain, tmp_path):
    source = single_file(plain, tmp_path, WRITERS[name])
    target = write(source, tmp_path / "q.safetensors", INT8)
    before, after = load_file(source), load_file(target)
    kept = [key for key, tensor in before.items() if tensor.dtype == torch.int8 and "adaLN" not in key]
    assert len(kept) == 20
    assert all(torch.equal(after[key], before[key]) for key in kept)
    assert_same_packed(packed_of(load(target, Quantization(INT8))), packed_of(load(source, Quantization(INT8))))
    assert after["layers.0.adaLN_modulation.0.weight"].dtype == torch.float32  # was quantised, and stays wide


@pytest.mark.parametrize("name", ["nvfp4", "mxfp8", "fp8 e5m2", "fp8 by block"])
@pytest.mark.parametrize("format", [INT8, FP8], ids=FORMATS)
def test_other_formats_are_decoded_first(name, format, plain, tmp_path):
    source = single_file(plain, tmp_path, WRITERS[name])
    target = write(source, tmp_path / "q.safetensors", format)
    exact, given = load(source), load(target)
    for layer in ("layers.1.attention.to_k", "layers.0.feed_forward.w2"):
        expected = quantize_rows(exact.get_submodule(layer).weight, format).decode()
        assert torch.equal(given.get_submodule(layer).weight, expected)


def test_gguf_is_decoded_first(plain, tmp_path):
    gguf = pytest.importorskip("gguf")
    number = gguf.GGMLQuantizationType.Q8_0
    tensors = {}
    for name, parts in from_published(open_checkpoint(plain)).items():
        values = torch.cat([part.read() for part in parts]).numpy()
        data = gguf.quants.quantize(values, number) if is_quantizable(name) else values
        tensors[name] = (values.shape, int(number) if is_quantizable(name) else 0, data.tobytes())
    source = write_gguf(tmp_path / "source.gguf", tensors)
    given = load(write(source, tmp_path / "q.safetensors", INT8))
    expected = quantize_rows(load(source).layers[0].attention.to_v.weight, INT8)
    assert torch.equal(given.layers[0].attention.to_v.weight, expected.decode())


def test_a_text_encoder_keeps_its_names(tmp_path, repository_root):
    source = repository_root / "Z-Image/ckpts/zimage-nano/text_encoder"
    written = load_file(write(source, tmp_path / "q.safetensors", INT8, torch.bfloat16))
    assert written["model.layers.0.self_attn.q_proj.weight"].dtype == torch.int8
    assert written["model.embed_tokens.weight"].dtype == torch.bfloat16


def test_other_parts_are_refused(repository_root):
    with pytest.raises(WeightsError, match="is vae: only transformers and text encoders are quantised"):
        plan_quantized(repository_root / "Z-Image/ckpts/zimage-nano/vae", INT8, None)


def test_one_matrix_is_held_at_a_time(plain, tmp_path, monkeypatch):
    """What `values` of a matrix yields is written before the next is read."""
    read = []
    original = quantizing.read_packed

    def counted(part, *arguments, **options):
        read.append(part.numel)
        return original(part, *arguments, **options)

    monkeypatch.setattr(quantizing, "read_packed", counted)
    planned = plan_quantized(plain, INT8, None)
    assert not read  # headers only
    values = next(tensor for tensor in planned if tensor.name.endswith("qkv.weight")).values()
    next(values)
    assert read == [96 * 96]
    write_single_file(tmp_path / "q.safetensors", planned)
    assert (tmp_path / "q.safetensors").stat().st_size > sum(map(bytes_of, planned))


def test_an_existing_file_stays_unless_asked(plain, tmp_path):
    target = tmp_path / "q.safetensors"
    target.write_bytes(b"old")
    with pytest.raises(WeightsError, match="exists already"):
        write(plain, target, INT8)
    assert target.read_bytes() == b"old"
    write(plain, target, INT8, overwrite=True)
    assert len(packed_of(load(target, Quantization(INT8)))) == 28


def test_a_failure_leaves_the_old_file_and_no_other(plain, tmp_path, monkeypatch):
    target = tmp_path / "q.safetensors"
    target.write_bytes(b"old")

    def fail(*arguments, **options):
        raise WeightsError("the disk fails")

    planned = plan_quantized(plain, INT8, None)
    monkeypatch.setattr(quantizing, "read_packed", fail)
    with pytest.raises(WeightsError, match="the disk fails"):
        write_single_file(target, planned, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["q.safetensors"]
    assert target.read_bytes() == b"old"


def test_a_full_disk_is_told_before_anything_is_written(plain, tmp_path):
    with pytest.raises(WeightsError, match="the disk has"):
        write(plain, tmp_path / "q.safetensors", INT8, free=lambda _: 0)
    assert not list(tmp_path.iterdir())
