"""What of real models the main memory keeps, and that nothing else of them is ever loaded there or on the device."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from zimage.autoencoder import AutoencoderKL
from zimage.config import TextEncoderConfig, VaeConfig
from zimage.quant.linear import Quantization, QuantLinear
from zimage.quant.packing import FORMATS, INT8, is_quantizable
from zimage.residency.host_part import host_part_of_text_encoder, host_part_of_transformer, host_part_of_vae
from zimage.residency.levels import WHOLE, Residency
from zimage.text.qwen3 import Qwen3Encoder
from zimage.transformer import ZImageTransformer2DModel
from zimage.weights.building import build_transformer, build_vae
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.files.safetensors_file import StoredTensor

from tests.zimage.peers import TINY
from tests.zimage.quantized_files import int8, write_gguf

CPU, META = torch.device("cpu"), torch.device("meta")
TEXT = TextEncoderConfig(
    hidden_size=16, num_hidden_layers=4, num_attention_heads=2, num_key_value_heads=1, head_dim=8,
    intermediate_size=32, vocab_size=50,
)  # fmt: skip


def empty(kind, *arguments, **values):
    with torch.device("meta"):
        return kind(*arguments, **values)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "transformer.safetensors"
    save_file(ZImageTransformer2DModel(**TINY).state_dict(), path)
    return path


def build(file, residency, device=CPU, quantization=None):
    model = ZImageTransformer2DModel(**TINY)
    return build_transformer(
        model.config, file, open_checkpoint(file), dtype=torch.float32, device=device, quantization=quantization,
        residency=residency,
    )  # fmt: skip


def blocks_on(model: nn.Module, device: torch.device) -> int:
    """Blocks whose matrices are on a device."""
    return sum(block.feed_forward.w1.weight.device == device for block in model.blocks())


def test_nothing_is_kept_where_everything_stays():
    transformer = empty(ZImageTransformer2DModel, **TINY)
    assert host_part_of_transformer(transformer, WHOLE, CPU) is None
    assert host_part_of_text_encoder(empty(Qwen3Encoder, TEXT), WHOLE, CPU) is None
    assert host_part_of_vae(empty(AutoencoderKL), WHOLE, CPU) is None


@pytest.mark.parametrize("n_resident", [0, 1, 3, 100])
def test_of_a_transformer_the_matrices_of_some_blocks_are_kept(n_resident):
    model = empty(ZImageTransformer2DModel, **TINY)
    part = host_part_of_transformer(model, Residency(resident_blocks=n_resident), CPU)
    streamed = {name for route in part.routes for name in route}
    assert len(streamed) == max(0, len(model.blocks()) - n_resident)
    assert all(is_quantizable(name) for name in part.names)
    assert len(part.names) == 7 * len(streamed)
    assert part.n_slots == 2


@pytest.mark.parametrize(("level", "n_slots"), [("out", 3), ("streamed", 2)])
def test_of_a_text_encoder_matrices_and_the_table_of_tokens_are_kept(level, n_slots):
    part = host_part_of_text_encoder(empty(Qwen3Encoder, TEXT), Residency(text_encoder=level), CPU)
    assert part.routes == (("layers.0", "layers.1", "layers.2"),)
    assert len(part.names) == 3 * 7 + 1
    assert part.n_slots == n_slots


@pytest.mark.parametrize("name", [None, *FORMATS])
def test_what_is_streamed_is_never_on_the_device_while_a_file_is_loaded(file, name, monkeypatch):
    """The device is torch's meta device, which holds nothing: whatever is loaded there is counted."""
    quantization = None if name is None else Quantization(FORMATS[name])
    sent: list[tuple[int, ...]] = []
    read, to = StoredTensor.read, torch.Tensor.to

    def reading(self, dtype=None, device="cpu"):
        if str(device) == "meta":
            sent.append(self.shape)
        return read(self, dtype, device)

    def moving(self, *arguments, **values):
        moved = to(self, *arguments, **values)
        if moved.is_meta and not self.is_meta:
            sent.append(tuple(self.shape))
        return moved

    monkeypatch.setattr(StoredTensor, "read", reading)
    monkeypatch.setattr(torch.Tensor, "to", moving)
    model = build(file, Residency(resident_blocks=1), META, quantization)
    monkeypatch.undo()

    n_blocks = len(model.blocks())
    assert blocks_on(model, META) == 1
    assert blocks_on(model, CPU) == n_blocks - 1
    block = [tuple(w.shape) for n, w in model.layers[0].named_parameters() if is_quantizable(f".{n}")] or [
        (layer.out_features, layer.in_features) for layer in model.layers[0].modules() if isinstance(layer, QuantLinear)
    ]
    assert len(block) == 7
    of_matrices = sum(torch.Size(shape).numel() for shape in block)
    rest = sum(value.numel() for name, value in model.state_dict().items() if not is_quantizable(name))
    assert sum(torch.Size(shape).numel() for shape in sent) <= of_matrices + rest
    small = {n: v for n, v in model.state_dict().items() if not is_quantizable(n)}
    assert {str(value.device) for value in small.values()} == {"meta"}


def test_what_is_held_quantised_keeps_its_scales_on_the_device(file):
    model = build(file, Residency(resident_blocks=0), META, Quantization(INT8))
    layer = model.layers[0].feed_forward.w1
    assert isinstance(layer, QuantLinear)
    assert (layer.weight.device, layer.scale.device, layer.weight.dtype) == (CPU, META, torch.int8)
    assert model.device == META


def test_an_autoencoder_that_is_out_keeps_its_layout_and_comes_when_it_decodes(tmp_path):
    config = VaeConfig(block_out_channels=(32, 32, 32, 32), layers_per_block=1)
    file = tmp_path / "vae.safetensors"
    torch.manual_seed(0)
    save_file(AutoencoderKL(**config.to_dict()).state_dict(), file)
    resident, out = (
        build_vae(config, file, open_checkpoint(file), dtype=torch.float32, device=CPU, residency=residency)
        for residency in (WHOLE, Residency(vae="out"))
    )
    hosts = dict(out.named_parameters())
    seen = []
    out.decoder.register_forward_hook(lambda *_: seen.append(out.decoder.conv_in.weight))
    latents = torch.randn(1, config.latent_channels, 8, 8)
    with torch.inference_mode():
        assert torch.equal(out.decode(latents), resident.decode(latents))
    assert len(seen) == 1
    assert seen[0] is not hosts["decoder.conv_in.weight"]
    assert all(value is hosts[name] for name, value in out.named_parameters())
    assert out.stream.device_bytes == 0
    with torch.inference_mode():
        images = torch.randn(1, 3, 16, 16)
        assert torch.equal(out.encode(images).mean, resident.encode(images).mean)


@torch.inference_mode()
def predict(model):
    generator = torch.Generator().manual_seed(0)
    latents, caption = torch.randn(16, 1, 8, 12, generator=generator), torch.randn(20, 24, generator=generator)
    return model([latents], torch.tensor([0.3]), [caption])[0][0]


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("name", [None, "fp8"])
def test_resident_and_streamed_blocks_are_compiled_to_one_code(file, name):
    model = build(
        file, Residency(resident_blocks=1), quantization=None if name is None else Quantization(FORMATS[name])
    )
    expected = predict(model)
    torch.compiler.reset()
    for block in model.blocks():
        block.compile(fullgraph=True, dynamic=True, backend="eager")
    with torch._dynamo.config.patch(error_on_recompile=True):  # a second code would be an error
        given = [predict(model), predict(model)]
    torch.compiler.reset()
    assert all(torch.allclose(one, expected, atol=1e-5) for one in given)


def save_int8(path, state):
    """Writes matrices as ComfyUI does, rotated where their columns allow it."""
    tensors, layers = {}, {}
    for name, values in state.items():
        if not is_quantizable(name):
            tensors[name] = values
            continue
        written = int8(values.double().numpy(), rotated=0 if values.shape[1] % 16 else 16)
        layer = name.removesuffix(".weight")
        tensors |= {f"{layer}.{leaf}": tensor.contiguous() for leaf, tensor in written.marked().items()}
        layers[layer] = written
    save_file(tensors, path)
    return path


def save_gguf(path, state):
    """Writes blocks of 32 as Q8_0, and the rest as it is."""
    import gguf

    kinds = gguf.GGMLQuantizationType
    tensors = {}
    for name, values in state.items():
        kind = kinds.Q8_0 if is_quantizable(name) and values.shape[-1] % 32 == 0 else kinds.F32
        data = gguf.quants.quantize(values.numpy(), kind) if kind == kinds.Q8_0 else values.numpy()
        tensors[name] = (tuple(values.shape), int(kind), data.tobytes())
    return write_gguf(path, tensors)


@pytest.mark.parametrize(
    ("save", "name"),
    [(save_int8, "int8"), (save_int8, None), (save_gguf, "int8"), (save_gguf, "fp8"), (save_gguf, None)],
    ids=["int8 as stored", "int8 decoded", "GGUF in int8", "GGUF in fp8", "GGUF decoded"],
)
def test_a_file_in_any_format_is_streamed_to_the_same_output(tmp_path, save, name):
    torch.manual_seed(0)
    stored = save(tmp_path / "file", ZImageTransformer2DModel(**TINY).state_dict())
    quantization = None if name is None else Quantization(FORMATS[name])
    resident, streamed = (build(stored, level, quantization=quantization) for level in (WHOLE, Residency(0)))
    rotations = {layer.rotation for layer in streamed.modules() if isinstance(layer, QuantLinear)}
    assert rotations == ({0, 16} if (save, name) == (save_int8, "int8") else {0} if name else set())
    assert torch.equal(predict(streamed), predict(resident))


def test_the_table_of_tokens_stays_where_it_was_loaded():
    model = Qwen3Encoder(TEXT)
    part = host_part_of_text_encoder(model, Residency(text_encoder="out"), CPU)
    table, matrix = model.embed_tokens.weight, model.layers[0].mlp.up_proj.weight
    for name in part.names:
        part.keep(model, name)
    assert model.embed_tokens.weight is table
    assert model.layers[0].mlp.up_proj.weight is not matrix
