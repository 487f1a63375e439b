"""float16: products alone, scaled so that activations of any size are as close to float32's as the rounding allows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from training.nano.random_weights import make_random_nano
from zimage import ZImagePipeline, placement
from zimage.config import TextEncoderConfig
from zimage.layers import Block
from zimage.placement import Placement, default_dtype
from zimage.precision import (
    HALF_NORM,
    Linear,
    activation_dtype,
    attend_in_half,
    choose_compute_dtype,
    linear_in_half,
    set_products,
)
from zimage.text.qwen3 import Layer, Qwen3Encoder
from zimage.transformer import ZImageTransformer2DModel
from zimage.utils.attention import attend

from tests.zimage.peers import TINY, both_transformers
from tests.zimage.text.test_qwen3 import SIZES

LARGEST = 65504.0
ROUNDING = 4e-3  # eight of float16's steps of 2⁻¹¹, relative to the size of what is compared; bfloat16's step is 2⁻⁸


@pytest.fixture(scope="module", autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def error(given: Tensor, expected: Tensor) -> float:
    assert given.dtype == torch.float32
    assert given.isfinite().all()
    return float((given - expected).norm() / expected.norm())


@pytest.mark.parametrize("size", [0.0, 1e-12, 1e-4, 1.0, 1e5, 1e12])
@pytest.mark.parametrize("with_bias", [True, False])
def test_a_row_of_any_size_is_multiplied_as_exactly_as_float16_is(size, with_bias):
    x, weight = size * noise(4, 300), noise(50, 300, seed=1).half()
    bias = size * noise(50, seed=2) if with_bias else None
    given, expected = linear_in_half(x, weight, bias), F.linear(x, weight.float(), bias)
    assert given.dtype == torch.float32
    assert float((given - expected).norm()) <= 5e-4 * float(expected.norm())


def test_rows_are_scaled_one_by_one():
    x, weight = torch.cat([noise(1, 64), 1e8 * noise(1, 64), 1e-8 * noise(1, 64)]), noise(8, 64, seed=1).half()
    together = linear_in_half(x, weight)
    for index, row in enumerate(x):
        assert torch.equal(together[index : index + 1], linear_in_half(row[None], weight))


def test_powers_of_two_change_nothing_but_the_size():
    x, weight = noise(3, 64), noise(8, 64, seed=1).half()
    assert torch.equal(linear_in_half(2.0**30 * x, weight), 2.0**30 * linear_in_half(x, weight))


def test_a_sum_of_values_that_all_agree_does_not_overflow():
    x, weight = torch.full((1, 10_240), 1e6), torch.full((1, 10_240), 4000 / 10_240**0.5).half()
    expected = x.double() @ weight.double().T
    assert float(HALF_NORM * weight.float().norm()) < LARGEST
    assert float((linear_in_half(x, weight) - expected).abs() / expected) < 1e-2


def test_values_of_any_size_are_mixed():
    query, key, value = (noise(2, 5, 3, 8, seed=seed) for seed in range(3))
    value = value * torch.tensor([1e6, 1e-6]).view(2, 1, 1, 1)
    given, expected = attend_in_half(attend, query, key, value, None), attend(query, key, value)
    for item in range(2):
        assert error(given[item], expected[item]) < ROUNDING


@pytest.mark.parametrize(
    ("products", "between"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.bfloat16), (torch.float32, torch.float32)],
)
def test_only_float16_has_wider_activations_than_products(products, between):
    assert activation_dtype(products) == between
    model = nn.Sequential(Linear(2, 2))
    set_products(model, products)
    assert model[0].in_half is (products == torch.float16)


class Peaks:
    """The largest activation of each kind of module."""

    def __init__(self, model: nn.Module) -> None:
        self.by_name: dict[str, float] = {}
        for name, module in model.named_modules():
            module.register_forward_hook(lambda _module, given, out, name=name: self._note(name, given, out))

    def _note(self, name: str, given: object, out: object) -> None:
        tensors = [tensor for tensor in (*given, out) if isinstance(tensor, Tensor) and tensor.is_floating_point()]
        self.by_name[name] = max(float(tensor.abs().max()) for tensor in tensors)

    def of(self, ending: str) -> float:
        return max(peak for name, peak in self.by_name.items() if name.endswith(ending))


def enlarge(model: nn.Module, factors: dict[str, float]) -> None:
    for name, parameter in model.named_parameters():
        for part, factor in factors.items():
            if part in name:
                parameter.mul_(factor)
    for parameter in model.parameters():
        parameter.copy_(parameter.half())
        assert parameter.isfinite().all()


def in_half(model: nn.Module, build: object) -> nn.Module:
    half = build().eval().requires_grad_(False).half()
    half.load_state_dict(model.state_dict())
    half.set_compute_dtype(torch.float16)
    return half


TRANSFORMER = {
    "w1": 200.0, "w3": 200.0, "w2": 30.0, "to_v": 1e3, "to_out": 20.0, "attention_norm1": 100.0,
    "attention_norm2": 3e4, "ffn_norm2": 3e4,
}  # fmt: skip


@pytest.mark.parametrize("captions", [[7], [7, 40]], ids=["one", "ragged"])
def test_a_transformer_whose_activations_overflow_float16(captions):
    exact = both_transformers(**TINY)[1].requires_grad_(False)
    enlarge(exact, TRANSFORMER)
    half = in_half(exact, lambda: ZImageTransformer2DModel(**TINY))
    peaks = Peaks(exact)
    x = [noise(16, 1, 8, 8, seed=seed) for seed in range(len(captions))]
    t, texts = torch.linspace(0.2, 0.7, len(x)), [noise(length, 24, seed=length) for length in captions]
    expected, given = exact(x, t, texts)[0], half(x, t, texts)[0]
    for ending in ("to_v", "to_out.0", "w2", "layers.1", "context_refiner.0", "noise_refiner.0"):
        assert peaks.of(ending) > LARGEST, ending
    for one, other in zip(given, expected, strict=True):
        assert error(one, other) < ROUNDING
    assert half.dtype == torch.float16


def test_naively_such_a_transformer_is_not_finite():
    exact = both_transformers(**TINY)[1].requires_grad_(False)
    enlarge(exact, TRANSFORMER)
    block = next(module for module in exact.modules() if isinstance(module, Block)).half()
    tokens = noise(1, 4, 64).half()
    assert not block.feed_forward(tokens).isfinite().all()


def test_a_transformer_in_float16_of_plain_size_is_as_close():
    exact = both_transformers(**TINY)[1].requires_grad_(False)
    enlarge(exact, {})
    half = in_half(exact, lambda: ZImageTransformer2DModel(**TINY))
    x, t, texts = [noise(16, 1, 8, 8)], torch.tensor([0.3]), [noise(20, 24)]
    assert error(half(x, t, texts)[0][0], exact(x, t, texts)[0][0]) < ROUNDING


def test_weights_in_float16_may_be_multiplied_in_float32():
    exact = both_transformers(**TINY)[1].requires_grad_(False)
    enlarge(exact, TRANSFORMER)
    half = in_half(exact, lambda: ZImageTransformer2DModel(**TINY))
    x, t, texts = [noise(16, 1, 8, 8)], torch.tensor([0.3]), [noise(20, 24)]
    half.set_compute_dtype(torch.float32)
    assert error(half(x, t, texts)[0][0], exact(x, t, texts)[0][0]) < 1e-5


def test_siglip_pads_alone_have_the_dtype_of_the_others():
    model = ZImageTransformer2DModel(**TINY, siglip_feat_dim=12).eval().requires_grad_(False).half()
    model.set_compute_dtype(torch.float16)
    images, captions = [[noise(16, 1, 8, 8)]], [[noise(5, 24)]]
    given = model(images, torch.tensor([0.2]), captions, siglip_feats=[[None]], image_noise_mask=[[1]])[0][0]
    assert given.dtype == torch.float32
    assert given.isfinite().all()


TEXT = {"gate_proj": 100.0, "up_proj": 100.0, "down_proj": 10.0, "v_proj": 1e3, "o_proj": 10.0, "input_layernorm": 50.0}


def test_a_text_encoder_whose_activations_overflow_float16():
    torch.manual_seed(0)
    config = TextEncoderConfig(**SIZES)
    exact = Qwen3Encoder(config).eval().requires_grad_(False)
    for name, parameter in exact.named_parameters():
        parameter.uniform_(0.5, 1.5) if "norm" in name else parameter.normal_(std=0.3)
    enlarge(exact, TEXT)
    half = in_half(exact, lambda: Qwen3Encoder(config))
    peaks = Peaks(exact)
    ids = torch.arange(20)[None]
    expected, given = exact(ids), half(ids)
    for ending in ("v_proj", "o_proj", "down_proj", "layers.2"):
        assert peaks.of(ending) > LARGEST, ending
    assert error(given, expected) < ROUNDING
    layer = next(module for module in exact.modules() if isinstance(module, Layer)).half()
    assert not layer.mlp(noise(1, 4, 48).half()).isfinite().all()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    return path


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_pipeline_in_float16_draws_what_one_in_float32_draws(folder):
    half = ZImagePipeline.from_local_dir(folder, device="cpu", dtype=torch.float16, compute_dtype="native")
    assert half.transformer.dtype == half.transformer.compute_dtype == torch.float16
    assert next(half.text_encoder.model.parameters()).dtype == torch.float16
    assert half.vae.dtype == torch.float32
    exact = ZImagePipeline.from_local_dir(folder, device="cpu")
    assert error(half.text_encoder.encode(["a fox"])[0], exact.text_encoder.encode(["a fox"])[0]) < ROUNDING
    options = {"height": 64, "width": 96, "num_inference_steps": 4, "guidance_scale": 2.0, "output_type": "np"}
    pictures = [one("a red fox", generator=torch.Generator().manual_seed(0), **options).images for one in (half, exact)]
    assert pictures[1].std() > 0.01
    assert np.abs(pictures[0] - pictures[1]).max() < 0.01


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.slow
def test_a_compiled_block_in_float16_gives_the_same(folder):
    pipeline = ZImagePipeline.from_local_dir(folder, device="cpu", dtype=torch.float16, compute_dtype="native")
    options = {"height": 64, "width": 64, "num_inference_steps": 2, "output_type": "np"}
    expected = pipeline("a fox", generator=torch.Generator().manual_seed(0), **options).images
    pipeline.compile(backend="eager")
    given = pipeline("a fox", generator=torch.Generator().manual_seed(0), **options).images
    assert np.abs(given - expected).max() < 0.01


@pytest.mark.parametrize(
    ("device", "capability", "expected"),
    [
        ("cpu", None, torch.float32), ("mps", None, torch.bfloat16), ("cuda", (7, 0), torch.float16),
        ("cuda:1", (7, 5), torch.float16), ("cuda", (8, 0), torch.bfloat16), ("cuda", (8, 6), torch.bfloat16),
        ("cuda", (12, 0), torch.bfloat16),
    ],
)  # fmt: skip
def test_the_dtype_follows_from_the_card(monkeypatch, device, capability, expected):
    asked = []
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda card: asked.append(str(card)) or capability)
    assert default_dtype(torch.device(device)) == expected
    assert asked == ([device] if capability else [])


def test_a_placement_on_an_old_card(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _card: (7, 5))
    monkeypatch.setattr(placement, "choose_attention", lambda name, device, dtype, **_sizes: (name, dtype))
    config = ZImageTransformer2DModel(**TINY).config
    place = Placement.choose(config, "cuda", None, None, None)
    assert (place.dtype, place.compute_dtype) == (torch.float16, torch.float16)
    assert place.attention == ("auto", torch.float16)  # kernels get what they are probed with
    assert Placement.choose(config, "cuda", torch.float32, None, None).compute_dtype == torch.float32


@pytest.mark.parametrize(("requested", "expected"), [("native", torch.float16), ("float32", torch.float32)])
def test_a_processor_multiplies_float16_as_it_is_told(requested, expected):
    assert choose_compute_dtype(torch.float16, torch.device("cpu"), requested) == expected
