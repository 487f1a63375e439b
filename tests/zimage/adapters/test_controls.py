"""Controls of a generation: what is computed how often, when they act, and together with guidance."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from zimage.adapters.controlnet import ControlNet
from zimage.adapters.controls import Control, ControlRun
from zimage.errors import ConfigError
from zimage.inputs import omni_batch, omni_items
from zimage.sampling import Guidance, build_velocity, denoise
from zimage.sequence import Patch
from zimage.transformer import ZImageTransformer2DModel

from tests.zimage.control_files import NAMES, SMALL, make_peer, published, save
from tests.zimage.peers import TINY, both_transformers

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
ROWS, COLUMNS, STEPS = 6, 8, 4
SIGMAS = torch.tensor([1.0, 0.8, 0.5, 0.2, 0.0])


@pytest.fixture(scope="module", autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def model() -> ZImageTransformer2DModel:
    return both_transformers(**SMALL)[1]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("controlnets")
    return {name: save(folder, name, published(name, make_peer(name))) for name in NAMES}


@pytest.fixture(scope="module")
def nets(files, model) -> dict[str, ControlNet]:
    return {name: ControlNet.load(path, model) for name, path in files.items()}


def drawn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


IMAGE = drawn(5, 16, ROWS, COLUMNS)
CAPTION, NEGATIVE = drawn(3, 20, 24), drawn(4, 40, 24)


def draw(model: ZImageTransformer2DModel, *controls: Control, **more: Any) -> Tensor:
    """Denoises one image, or as many as there are captions."""
    positive = more.get("positive", [CAPTION])
    velocity = build_velocity(
        model, 1 - SIGMAS[:-1], positive, more.get("negative", []), more.get("guidance", Guidance()),
        (ROWS, COLUMNS), controls,
    )  # fmt: skip
    noise = torch.stack([drawn(seed, 16, ROWS, COLUMNS) for seed in range(len(positive))])
    return denoise(noise, SIGMAS, velocity)


class Calls:
    """Counts calls of modules and methods."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        self._monkeypatch = monkeypatch

    def watch(self, owner: Any, *names: str) -> None:
        for name in names:
            self._monkeypatch.setattr(owner, name, self._counting(name, getattr(owner, name)))

    def _counting(self, name: str, function: Any) -> Any:
        def counted(*arguments: Any, **more: Any) -> Any:
            self.counts[name] += 1
            return function(*arguments, **more)

        return counted


@pytest.mark.parametrize("name", NAMES)
def test_scale_0_is_the_uncontrolled_image_to_the_bit_and_costs_nothing(model, nets, name, monkeypatch):
    calls = Calls(monkeypatch)
    calls.watch(nets[name], "embed", "modulate", "refine", "hints")
    assert torch.equal(draw(model, Control(nets[name], IMAGE, scale=0)), draw(model))
    assert calls.counts == {}
    assert not torch.allclose(draw(model, Control(nets[name], IMAGE)), draw(model), atol=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_the_same_at_all_steps_is_computed_once(model, nets, name, monkeypatch):
    calls = Calls(monkeypatch)
    calls.watch(nets[name], "embed", "modulate", "refine", "hints")
    for stack in ("context_refiner", "noise_refiner", "layers"):
        calls.watch(getattr(model, stack), "forward")
        calls.counts[stack] = 0
        monkeypatch.setattr(getattr(model, stack), "forward", calls._counting(stack, getattr(model, stack).forward))
    draw(model, Control(nets[name], IMAGE))
    once, each = 1, STEPS
    assert {key: calls.counts[key] for key in ("embed", "modulate", "context_refiner")} == {
        "embed": once, "modulate": once, "context_refiner": once,
    }  # fmt: skip
    assert {key: calls.counts[key] for key in ("refine", "hints", "noise_refiner", "layers")} == {
        "refine": each, "hints": each, "noise_refiner": each, "layers": each,
    }  # fmt: skip


def test_a_control_of_all_images_is_embedded_once_for_both_sides_of_guidance(model, nets, monkeypatch):
    calls = Calls(monkeypatch)
    calls.watch(nets["2.1"], "embed", "modulate")
    draw(
        model, Control(nets["2.1"], IMAGE), positive=[CAPTION, NEGATIVE], negative=[NEGATIVE, CAPTION],
        guidance=Guidance(2.0, truncation=0.5),
    )  # fmt: skip
    assert calls.counts == {"embed": 1, "modulate": 1}


@pytest.mark.parametrize(
    ("start", "end", "steps"),
    [(0.0, 1.0, [0, 1, 2, 3]), (0.5, 1.0, [2, 3]), (0.0, 0.5, [0, 1]), (0.25, 0.8, [1, 2]), (0.0, 0.3, [0])],
)
def test_it_acts_between_start_and_end_alone(model, nets, start, end, steps):
    control = Control(nets["2.1"], IMAGE, start=start, end=end)
    arguments = (model, 1 - SIGMAS[:-1], [CAPTION], [], Guidance(), (ROWS, COLUMNS))
    controlled, plain, always = (
        build_velocity(*arguments, part) for part in ([control], [], [Control(nets["2.1"], IMAGE)])
    )
    latents = drawn(9, 1, 16, ROWS, COLUMNS)
    for step in range(STEPS):
        expected = always if step in steps else plain
        assert torch.equal(controlled(latents, step), expected(latents, step))
        assert not torch.equal(always(latents, step), plain(latents, step))


def test_a_span_without_a_step_is_refused(model, nets):
    with pytest.raises(ConfigError, match=r"0\.3 to 0\.45 of 4 steps acts at none"):
        draw(model, Control(nets["2.1"], IMAGE, start=0.3, end=0.45))


@pytest.mark.parametrize("name", NAMES)
def test_hints_of_several_are_summed(model, nets, name):
    """The same control twice, at parts of a scale, is the control at the whole scale."""
    net = nets[name]
    together = draw(model, Control(net, IMAGE, scale=0.3), Control(net, IMAGE, scale=0.4))
    assert float((together - draw(model, Control(net, IMAGE, scale=0.7))).abs().max()) <= 1e-4


def test_several_of_different_files_act_together_in_any_order(model, nets):
    controls = [Control(nets["v1"], IMAGE), Control(nets["2.1"], drawn(8, 16, ROWS, COLUMNS), end=0.5)]
    together = draw(model, *controls)
    assert float((together - draw(model, *controls[::-1])).abs().max()) <= 1e-4
    for control in controls:
        assert float((together - draw(model, control)).abs().max()) > 0.05


@pytest.mark.parametrize("name", NAMES)
def test_guidance_controls_both_sides(model, nets, name):
    control = Control(nets[name], IMAGE)
    arguments = (model, 1 - SIGMAS[:-1])
    latents, size = drawn(9, 1, 16, ROWS, COLUMNS), (ROWS, COLUMNS)
    guided = build_velocity(*arguments, [CAPTION], [NEGATIVE], Guidance(1.5), size, [control])(latents, 1)
    positive, negative = (
        build_velocity(*arguments, [caption], [], Guidance(), size, [control])(latents, 1)
        for caption in (CAPTION, NEGATIVE)
    )
    assert float((guided - (positive + 1.5 * (positive - negative))).abs().max()) <= 1e-4


@pytest.mark.parametrize("name", ["v1", "2.1"])
def test_each_image_may_have_its_own(model, nets, name):
    images = torch.stack([IMAGE, drawn(8, 16, ROWS, COLUMNS)])
    together = draw(model, Control(nets[name], images), positive=[CAPTION, NEGATIVE])
    noise = torch.stack([drawn(seed, 16, ROWS, COLUMNS) for seed in range(2)])
    for index, caption in enumerate((CAPTION, NEGATIVE)):
        velocity = build_velocity(
            model, 1 - SIGMAS[:-1], [caption], [], Guidance(), (ROWS, COLUMNS), [Control(nets[name], images[index])]
        )
        assert float((together[index] - denoise(noise[index : index + 1], SIGMAS, velocity)).abs().max()) <= 1e-4


def test_what_is_not_given_is_zeros(model, nets):
    net, keep, masked = nets["2.1"], torch.ones(1, ROWS, COLUMNS), drawn(6, 16, ROWS, COLUMNS)
    zeros = torch.zeros(16, ROWS, COLUMNS)
    alone = draw(model, Control(net, IMAGE))
    assert torch.equal(alone, draw(model, Control(net, IMAGE, keep=0 * keep, masked=zeros)))
    assert not torch.equal(alone, draw(model, Control(net, IMAGE, keep=keep, masked=masked)))
    assert torch.equal(
        draw(model, Control(net, keep=keep, masked=masked)), draw(model, Control(net, zeros, keep=keep, masked=masked))
    )


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "negative scale": ({"scale": -0.1}, "from 0 to 2, got -0.1"),
    "large scale": ({"scale": 2.5}, "from 0 to 2, got 2.5"),
    "scale of no number": ({"scale": float("nan")}, "from 0 to 2"),
    "no span": ({"start": 0.5, "end": 0.5}, "got 0.5 and 0.5"),
    "a span outside": ({"start": -0.5}, "got -0.5"),
    "a late end": ({"end": 1.5}, "1.5"),
    "nothing": ({"image": None}, "control image or a masked image"),
    "a mask alone": ({"keep": torch.ones(1, ROWS, COLUMNS)}, "a mask its image"),
    "an image without mask": ({"masked": IMAGE}, "needs its mask"),
}


@pytest.mark.parametrize(("changed", "words"), BAD.values(), ids=BAD)
def test_what_no_control_can_be_is_refused(nets, changed, words):
    with pytest.raises(ConfigError, match=words):
        Control(nets["2.1"], **{"image": IMAGE, **changed})


def test_v1_takes_no_mask(nets):
    with pytest.raises(ConfigError, match="v1 reads no mask"):
        Control(nets["v1"], IMAGE, keep=torch.ones(1, ROWS, COLUMNS), masked=IMAGE)


@pytest.mark.parametrize(
    "shape", [(16, ROWS, COLUMNS + 2), (4, ROWS, COLUMNS), (2, 16, ROWS, COLUMNS), (ROWS, COLUMNS)]
)
def test_latents_of_another_shape_are_refused(model, nets, shape):
    with pytest.raises(ConfigError, match=r"image of a control must have the shape \(16, 6, 8\)"):
        draw(model, Control(nets["2.1"], drawn(1, *shape)))


def test_a_net_for_another_transformer_is_refused(nets):
    with pytest.raises(ConfigError, match="other sizes"):
        draw(both_transformers(**TINY)[1], Control(nets["2.1"], IMAGE))


def test_given_images_beside_a_control_are_refused(nets):
    model = both_transformers(**SMALL, siglip_feat_dim=12)[1]
    [item] = omni_items([[drawn(1, 16, 1, ROWS, COLUMNS)]], [[CAPTION]], None, [[1]])
    prepared = model.prepare(omni_batch([item], Patch()))
    run = ControlRun([Control(nets["2.1"], IMAGE)], model, torch.tensor([0.3]), 1, (ROWS, COLUMNS))
    with pytest.raises(ConfigError, match="Omni"):
        run.place([0], prepared)
