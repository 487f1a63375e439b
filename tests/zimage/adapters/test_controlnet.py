"""ControlNets against diffusers' with the same weights, in diffusers' way and in the published one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from zimage.adapters.controlnet import ControlNet
from zimage.adapters.controls import Control, ControlRun
from zimage.errors import ConfigError, PartError
from zimage.inputs import plain_batch
from zimage.quant.linear import QuantLinear
from zimage.sequence import Patch
from zimage.transformer import ZImageTransformer2DModel

from tests.zimage.control_files import CHANNELS, NAMES, PLACES, SMALL, fused, make_peer, published, save
from tests.zimage.peers import TOLERANCE, both_transformers, largest_difference

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
SIZES = {"whole": (8, 16), "padded": (6, 10)}
Pair = tuple[nn.Module, ZImageTransformer2DModel]


@pytest.fixture(scope="module", autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def pair() -> Pair:
    return both_transformers(**SMALL)


@pytest.fixture(scope="module")
def peers(pair) -> dict[str, nn.Module]:
    made = {name: make_peer(name) for name in NAMES}
    return {name: peer.from_transformer(peer, pair[0]) for name, peer in made.items()}


@pytest.fixture(scope="module")
def files(peers, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("controlnets")
    return {name: save(folder, name, published(name, peer)) for name, peer in peers.items()}


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Case:
    """Two items of one size, with captions of one padded length, and a control each."""

    def __init__(self, name: str, rows: int, columns: int, scale: float = 0.7) -> None:
        self.size, self.scale = (rows, columns), scale
        self.x = [drawn(seed, 16, 1, rows, columns) for seed in (1, 2)]
        self.captions = [drawn(3, 20, 24), drawn(4, 9, 24)]
        self.image = drawn(5, 2, 16, rows, columns)
        self.more: dict[str, Any] = {}
        if CHANNELS[name] == 33:
            self.more = {"keep": (drawn(6, 2, 1, rows, columns) > 0).float(), "masked": drawn(7, 2, 16, rows, columns)}
        self.context = torch.cat([self.image, *self.more.values()], dim=1).unsqueeze(2)

    def ours(self, net: ControlNet, model: ZImageTransformer2DModel, **more: Any) -> list[Tensor]:
        control = Control(net, self.image, **self.more, scale=self.scale, **more)
        time = torch.tensor([0.3])
        run = ControlRun([control], model, time, 2, self.size)
        prepared = model.prepare(plain_batch([(1, *self.size)] * 2, self.captions, Patch()))
        return model.predict(self.x, model.modulate(time).at(0), prepared, run.place([0, 1], prepared).at(0))

    def of_diffusers(self, control: nn.Module, transformer: nn.Module) -> list[Tensor]:
        time = torch.full((2,), 0.3)
        hints = control(self.x, time, self.captions, list(self.context), conditioning_scale=self.scale)
        return transformer(self.x, time, self.captions, controlnet_block_samples=hints, return_dict=False)[0]

    def as_published(self, control: nn.Module, transformer: nn.Module) -> list[Tensor]:
        """Diffusers' modules, and the refiner's hints where the published code has them: in the main path too."""
        stacks: list[Tensor] = []
        refiner = control.control_noise_refiner
        layers = control.control_layers if refiner is None else refiner
        hook = layers[-1].register_forward_hook(lambda _, __, out: stacks.append(out))
        time = torch.full((2,), 0.3)
        hints = control(self.x, time, self.captions, list(self.context), conditioning_scale=self.scale)
        hook.remove()
        if control.add_control_noise_refiner is None:
            return transformer(self.x, time, self.captions, controlnet_block_samples=hints, return_dict=False)[0]
        refined = stacks[0][:-1]
        hooks = [
            block.register_forward_hook(lambda _, __, out, hint=hint: out + self.scale * hint)
            for block, hint in zip(transformer.noise_refiner, refined, strict=False)
        ]
        output = transformer(self.x, time, self.captions, controlnet_block_samples=hints, return_dict=False)[0]
        for hook in hooks:
            hook.remove()
        return output


def at_once(case: Case, model: ZImageTransformer2DModel) -> list[Tensor]:
    return model(case.x, torch.full((2,), 0.3), case.captions)[0]


@pytest.mark.parametrize("name", NAMES)
def test_the_kind_is_found_from_names_and_shapes(files, pair, name):
    net = ControlNet.load(files[name], pair[1])
    assert (net.kind.name, list(net.places)) == (name, PLACES[name])
    assert net.takes_mask is (name != "v1")
    assert not net.training
    assert not any(parameter.requires_grad for parameter in net.parameters())


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_equals_diffusers_in_its_way(files, peers, pair, name, size):
    case = Case(name, *size)
    expected = case.of_diffusers(peers[name], pair[0])
    assert largest_difference(expected, at_once(case, pair[1])) > 0.1  # or nothing would be controlled
    given = case.ours(ControlNet.load(files[name], pair[1]), pair[1], as_diffusers=True)
    assert largest_difference(given, expected) <= TOLERANCE


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_equals_the_published_formula(files, peers, pair, name, size):
    case = Case(name, *size)
    expected = case.as_published(peers[name], pair[0])
    given = case.ours(ControlNet.load(files[name], pair[1]), pair[1])
    assert largest_difference(given, expected) <= TOLERANCE
    of_diffusers = case.of_diffusers(peers[name], pair[0])
    assert (largest_difference(of_diffusers, expected) > 0.01) is (name != "v1")


def test_a_refiner_that_is_not_in_the_file_is_that_of_2_0(files, peers, pair, tmp_path):
    tensors = {key: value for key, value in published("2.0", peers["2.0"]).items() if "noise_refiner" not in key}
    case = Case("2.0", 8, 8)
    nets = [ControlNet.load(path, pair[1]) for path in (files["2.0"], save(tmp_path, "bare", tensors))]
    assert [net.kind.name for net in nets] == ["2.0", "2.0"]
    assert largest_difference(*(case.ours(net, pair[1]) for net in nets)) == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_key_layout_of_single_files_is_read(files, peers, pair, name, tmp_path):
    path = save(tmp_path, "fused", fused(published(name, peers[name])))
    case = Case(name, 8, 8)
    nets = [ControlNet.load(file, pair[1]) for file in (files[name], path)]
    assert largest_difference(*(case.ours(net, pair[1]) for net in nets)) == 0


def test_the_transformer_is_left_as_it_is(files, pair):
    model = pair[1]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    case = Case("2.1", 8, 8)
    uncontrolled = at_once(case, model)
    case.ours(ControlNet.load(files["2.1"], model), model)
    assert largest_difference(at_once(case, model), uncontrolled) == 0
    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
def test_bfloat16_is_close(files, pair, name):
    case = Case(name, 8, 8)
    expected = case.ours(ControlNet.load(files[name], pair[1]), pair[1])
    model = both_transformers(**SMALL)[1].bfloat16()
    net = ControlNet.load(files[name], model)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.bfloat16}
    assert similarity(case.ours(net, model), expected) >= 0.995


@pytest.mark.parametrize("compute", [torch.float32, torch.float16])
def test_other_dtypes_of_products_are_close(files, pair, compute):
    case = Case("2.1", 8, 8)
    expected = case.ours(ControlNet.load(files["2.1"], pair[1]), pair[1])
    model = both_transformers(**SMALL)[1].to(torch.float16 if compute == torch.float16 else torch.bfloat16)
    model.set_compute_dtype(compute)
    assert similarity(case.ours(ControlNet.load(files["2.1"], model), model), expected) >= 0.995


@pytest.mark.parametrize("format", ["int8", "fp8"])
def test_matrices_are_quantised_when_asked_for(files, pair, format):
    case = Case("2.1", 8, 8)
    plain, net = (ControlNet.load(files["2.1"], pair[1], held) for held in (None, format))
    n_quantised = sum(isinstance(module, QuantLinear) for module in net.modules())
    assert n_quantised == 7 * (len(PLACES["2.1"]) + 2)
    assert similarity(case.ours(net, pair[1]), case.ours(plain, pair[1])) >= 0.99


def test_the_attention_kernel_is_the_transformers(files, pair):
    model = both_transformers(**SMALL)[1]
    calls: list[int] = []

    def attend(query, key, value, mask):
        calls.append(1)
        return pair[1].layers[0].attention.attend(query, key, value, mask)

    model.set_attention(attend)
    Case("v1", 8, 8).ours(ControlNet.load(files["v1"], model), model)
    assert len(calls) == 2 + 2 + 10 + 2 + 2  # the transformer's three stacks, and the control's two


def similarity(some: list[Tensor], others: list[Tensor]) -> float:
    pairs = zip(some, others, strict=True)
    return min(float(torch.cosine_similarity(a.float().flatten(), b.float().flatten(), dim=0)) for a, b in pairs)


def refused(path: Path, model: ZImageTransformer2DModel) -> str:
    with pytest.raises(PartError) as caught:
        ControlNet.load(path, model)
    assert caught.value.part == "controlnet"
    return str(caught.value)


def test_an_unknown_number_of_layers_is_refused_with_what_is_allowed(pair, tmp_path):
    tensors = published("2.1", make_peer("2.1", places=[0, 3, 6]))
    message = refused(save(tmp_path, "odd", tensors), pair[1])
    assert "odd.safetensors" in message
    assert "3 control layers, 33 channels" in message
    for name in NAMES:
        assert f"{name} with {len(PLACES[name])} control layers, {CHANNELS[name]} channels" in message


def test_a_file_for_another_model_is_refused(files, tmp_path):
    other = both_transformers(**{**SMALL, "dim": 96, "axes_dims": (16, 16, 16)})[1]
    message = refused(files["2.1"], other)
    assert "64 wide" in message
    assert "96" in message


@pytest.mark.parametrize("gone", ["control_layers.2.after_proj.bias", "control_noise_refiner.1.ffn_norm1.weight"])
def test_a_missing_tensor_is_named(peers, pair, gone, tmp_path):
    tensors = published("2.1", peers["2.1"])
    del tensors[gone]
    message = refused(save(tmp_path, "holes", tensors), pair[1])
    assert gone in message
    assert "holes.safetensors" in message


def test_a_missing_layer_is_told(peers, pair, tmp_path):
    kept = {key: value for key, value in published("2.1", peers["2.1"]).items() if "control_layers.1." not in key}
    assert "control_layers has only the numbers [0, 2, 3, 4]" in refused(save(tmp_path, "gap", kept), pair[1])


def test_a_truncated_file_is_told_with_the_tensor(files, pair, tmp_path):
    whole = files["2.1"].read_bytes()
    header = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])
    header.pop("__metadata__", None)
    last = max(header, key=lambda name: header[name]["data_offsets"][1])
    path = tmp_path / "short.safetensors"
    path.write_bytes(whole[:-10])
    message = refused(path, pair[1])
    assert "short.safetensors" in message
    assert last in message


def test_what_is_no_controlnet_is_refused(pair, tmp_path):
    message = refused(save(tmp_path, "other", {"layers.0.weight": torch.zeros(2, 2)}), pair[1])
    assert "no ControlNet of the family" in message
    assert "other.safetensors" in refused(tmp_path / "other.safetensors", pair[1])


def test_an_unknown_format_of_matrices_is_refused(files, pair):
    with pytest.raises(ConfigError, match="int8, fp8"):
        ControlNet.load(files["2.1"], pair[1], "int4")
