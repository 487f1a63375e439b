"""Products that quantise tokens as well, and the probe that chooses among them."""

from collections.abc import Iterator

import pytest
import torch
from zimage.quant import products
from zimage.quant.packing import FP8, INT8, quantize_rows
from zimage.quant.products import DECODE, INT_MM, CudaIntMm, Decode, OneDnn, ScaledMm, choose_product

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _choose_anew() -> Iterator[None]:
    choose_product.cache_clear()
    yield
    choose_product.cache_clear()


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def works(product):
    packed = quantize_rows(noise(16, 32), INT8)
    try:
        product.multiply(noise(4, 32), product.prepare(packed.weight), packed.scale)
    except (RuntimeError, AttributeError):
        return False
    return True


def native():
    return [pytest.param(p, marks=pytest.mark.skipif(not works(p), reason="not here")) for p in (INT_MM, OneDnn())]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tokens", [1, 5, 40])
@pytest.mark.parametrize("product", native(), ids=lambda product: product.name)
def test_an_integer_product_is_that_of_rounded_tokens(product, tokens, dtype):
    x, packed = noise(tokens, 96, seed=1).to(dtype), quantize_rows(noise(24, 96), INT8)
    step = x.double().abs().amax(-1, keepdim=True) / 127
    expected = (x.double() / step).round() * step @ packed.decode().double().T
    given = product.multiply(x, product.prepare(packed.weight), packed.scale)
    assert given.dtype == dtype
    bound = 1e-5 if dtype == torch.float32 else 1e-2
    assert float((given.double() - expected).norm() / expected.norm()) < bound


@pytest.mark.parametrize("product", native(), ids=lambda product: product.name)
def test_what_is_prepared_can_be_restored(product):
    weight = quantize_rows(noise(24, 96), INT8).weight
    assert torch.equal(product.restore(product.prepare(weight)), weight)


@pytest.mark.parametrize("product", [DECODE, *native()], ids=lambda product: product.name)
def test_tokens_that_are_no_numbers_are_not_hidden(product):
    x, packed = noise(3, 32), quantize_rows(noise(16, 32), INT8)
    x[1, 4] = float("nan")
    given = product.multiply(x, product.prepare(packed.weight), packed.scale)
    assert given[1].isnan().all()
    assert given[::2].isfinite().all()


def test_fp8_products_on_an_accelerator_get_the_scales_of_rows_and_tokens(monkeypatch):
    """The one that needs a card, with its arithmetic done here."""

    def scaled_mm(values, weight, token_scale, scale, out_dtype):
        assert values.dtype == weight.dtype == torch.float8_e4m3fn
        assert (token_scale.shape, scale.shape) == ((5, 1), (1, 48))
        return ((values.float() @ weight.float()) * token_scale * scale).to(out_dtype)

    monkeypatch.setattr(torch, "_scaled_mm", scaled_mm)
    x, packed = noise(5, 64, seed=1), quantize_rows(noise(48, 64), FP8)
    expected = x @ packed.decode().T
    given = ScaledMm().multiply(x, packed.weight, packed.scale)
    assert given.dtype == x.dtype
    assert float((given - expected).norm() / expected.norm()) < 0.05


@pytest.mark.parametrize(
    ("product", "dtype", "shape", "expected"),
    [
        (CudaIntMm(), torch.int8, (24, 40), True),
        (CudaIntMm(), torch.int8, (24, 41), False),
        (ScaledMm(), torch.float8_e4m3fn, (32, 48), True),
        (ScaledMm(), torch.float8_e4m3fn, (24, 48), False),
        (ScaledMm(), torch.float8_e5m2, (32, 48), False),
    ],
)
def test_matrices_that_an_accelerator_does_not_take(product, dtype, shape, expected):
    assert product.fits(torch.empty(shape, dtype=dtype)) is expected


class Fake(Decode):
    def __init__(self, name, factor=1.0, error=None):
        self.name, self.factor, self.error = name, factor, error

    def multiply(self, x, prepared, scale):
        if self.error:
            raise self.error
        return super().multiply(x, prepared, scale) * self.factor


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ((3.0, 1.0, 1.0), "first"),
        ((3.0, 1.0, 0.9), "first"),
        ((3.0, 1.0, 0.5), "second"),
        ((3.0, 4.0, 1.0), "second"),
        ((1.2, 1.0, 1.0), "decode"),
        ((1.0, 4.0, 4.0), "decode"),
    ],
)
def test_the_probe_decides_by_speed(seconds, expected, monkeypatch):
    monkeypatch.setitem(products.NATIVE, ("int8", "cpu"), (Fake("first"), Fake("second")))
    monkeypatch.setattr(products, "_take_turns", lambda able, *_: dict(zip(able, seconds, strict=True)))
    assert choose_product(INT8, CPU, torch.float32).name == expected


class Saturating(Decode):
    """Adds pairs of products in 16 bits, as AVX2 does with unsigned tokens."""

    name = "saturating"

    def multiply(self, x, prepared, scale):
        step = x.abs().amax(-1, keepdim=True) / 127
        tokens = ((x / step).round() + 128)[:, None].unflatten(-1, (-1, 2))  # (M, 1, pairs, 2)
        pairs = (tokens * prepared.float().unflatten(-1, (-1, 2))).sum(-1).clamp(-(2**15), 2**15 - 1)
        return (pairs.sum(-1) - 128 * prepared.float().sum(-1)) * step * scale


@pytest.mark.parametrize(
    "broken",
    [
        Saturating(),
        Fake("wrong", factor=1.5),
        Fake("fails", error=RuntimeError()),
        Fake("absent", error=AttributeError()),
    ],
)
def test_a_product_that_is_wrong_or_fails_is_left_out(broken, monkeypatch):
    monkeypatch.setitem(products._PROBE_SHAPES, "cpu", (8, 16, 128))
    monkeypatch.setitem(products.NATIVE, ("int8", "cpu"), (broken, Fake("sound")))
    monkeypatch.setattr(products, "_take_turns", lambda able, *_: dict(zip(able, (3.0, 1.0), strict=True)))
    assert choose_product(INT8, CPU, torch.float32).name == "sound"


def test_products_take_turns(monkeypatch):
    turns, times = [], iter([3.0, 5.0, 4.0, 1.0])
    monkeypatch.setattr(products, "_PROBE_ROUNDS", 2)
    monkeypatch.setattr(products, "quickest_s", lambda work, rounds: turns.append(work()) or next(times))
    packed = quantize_rows(noise(16, 32), INT8)
    assert products._take_turns([DECODE, INT_MM], noise(4, 32), packed) == {DECODE: 3.0, INT_MM: 1.0}
    assert len(turns) == 4


def test_fp8_is_decoded_on_a_processor():
    assert choose_product(FP8, CPU, torch.float32) is DECODE
    assert choose_product(INT8, torch.device("mps"), torch.bfloat16) is DECODE


def test_the_choice_holds_for_the_process(monkeypatch):
    took_s = [{DECODE: 3.0, INT_MM: 1.0}, {DECODE: 1.0, INT_MM: 3.0}]
    monkeypatch.setattr(products, "_take_turns", lambda *_: took_s.pop(0))
    assert [choose_product(INT8, CPU, torch.float32) for _ in range(2)] == [INT_MM] * 2
    assert len(took_s) == 1
