"""Control images that models make before the drawing: which, where, and what goes wrong."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from backend.models.config import Settings
from backend.models.recipe import ControlUse
from backend.services.errors import ControlUnusable, InputUnusable, ModelBroken, OutOfMemory, UnknownAnnotator
from backend.services.generation.annotating import Annotator
from backend.services.generation.inputs import Inputs
from backend.services.library.annotators import Annotators
from tests.backend.fakes import a_recipe
from tests.zimage.annotator_folders import noise, save_depth, save_detector, save_pose

DIGEST = "0" * 64
IMAGE = noise(120, 90).convert("RGBA")


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("secret")
    save_depth(home / "near")
    save_pose(home / "people")
    return home


@pytest.fixture
def annotator(home) -> Annotator:
    return Annotator(Annotators(Settings(annotators_dir=home)), threading.Lock())


@pytest.fixture
def devices(monkeypatch) -> list[str]:
    """Where models were loaded; a card is full."""
    from zimage.annotators import annotate

    seen: list[str] = []
    open_annotator = annotate.open_annotator

    def watched(files, device, **options):
        seen.append(device)
        if device != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
        return open_annotator(files, device, **options)

    monkeypatch.setattr(annotate, "open_annotator", watched)
    return seen


def use(kind: str, **values: object) -> ControlUse:
    return ControlUse.model_validate({"image": DIGEST, "kind": kind, "model": "union", **values})


@pytest.mark.parametrize(("kind", "options"), [("depth", None), ("pose", {"min_score": 0.0})])
def test_an_image_of_its_size_comes_back(annotator, kind, options):
    made = annotator.annotate(IMAGE, kind, options)
    assert (made.mode, made.size) == ("RGB", IMAGE.size)
    assert np.asarray(made).any()
    assert made.tobytes() == annotator.annotate(IMAGE, kind, options).tobytes()


def test_a_full_card_leaves_it_to_the_processor(annotator, devices, caplog):
    expected = annotator.annotate(IMAGE, "depth")
    assert annotator.annotate(IMAGE, "depth", device="cuda:1").tobytes() == expected.tobytes()
    assert devices == ["cpu", "cuda:1", "cpu"]
    assert "cuda:1 has no room for near" in caplog.text


def test_a_full_main_memory_is_told(annotator, monkeypatch):
    from zimage.annotators.depth import DepthModel

    def fail(_self, _image):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(DepthModel, "annotate", fail)
    with pytest.raises(OutOfMemory, match="main memory is exhausted"):
        annotator.annotate(IMAGE, "depth")


def test_the_lock_is_held_while_it_loads_and_not_while_it_sees(home, monkeypatch):
    from zimage.annotators import annotate

    lock, held = threading.Lock(), []
    open_annotator = annotate.open_annotator

    def watched(*given, **named):
        held.append(lock.locked())
        see = open_annotator(*given, **named)
        return lambda image: (held.append(lock.locked()), see(image))[1]

    monkeypatch.setattr(annotate, "open_annotator", watched)
    Annotator(Annotators(Settings(annotators_dir=home)), lock).annotate(IMAGE, "depth")
    assert held == [True, False]


def test_what_a_recipe_needs_is_made_once_by_its_place(annotator, devices):
    inputs = Inputs({DIGEST: IMAGE})
    recipe = a_recipe(
        control=[use("canny"), use("depth"), use("depth", scale=0), use("pose", options={"min_score": 0})]
    )
    complete = annotator.complete(recipe, inputs, "cpu", never)
    assert complete.made.keys() == {1, 3}
    assert devices == ["cpu", "cpu"]
    assert complete.images == inputs.images
    assert complete.made[1].tobytes() == annotator.annotate(IMAGE, "depth").tobytes()


def test_a_recipe_without_any_loads_nothing(annotator, devices):
    inputs = Inputs({DIGEST: IMAGE})
    assert annotator.complete(a_recipe(), inputs, "cpu", never) is inputs
    assert annotator.complete(a_recipe(control=[use("canny")]), inputs, "cpu", never) is inputs
    assert annotator.complete(a_recipe(control=[use("depth")]), inputs, "cpu", lambda: True) is inputs
    assert devices == []


def test_an_image_that_is_gone_is_told(annotator):
    with pytest.raises(InputUnusable, match="not here any more"):
        annotator.complete(a_recipe(control=[use("depth")]), Inputs(), "cpu", never)


def test_a_model_that_is_gone_is_told(tmp_path):
    annotator = Annotator(Annotators(Settings(annotators_dir=tmp_path)), threading.Lock())
    with pytest.raises(UnknownAnnotator, match="no depth model"):
        annotator.complete(a_recipe(control=[use("depth")]), Inputs({DIGEST: IMAGE}), "cpu", never)


def test_a_damaged_model_is_told_without_where_it_lies(tmp_path):
    path = save_depth(tmp_path / "secret" / "mine") / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    annotator = Annotator(Annotators(Settings(annotators_dir=tmp_path / "secret")), threading.Lock())
    with pytest.raises(ModelBroken, match="A depth image cannot be made: mine cannot be loaded") as caught:
        annotator.annotate(IMAGE, "depth")
    assert "secret" not in str(caught.value)


def test_a_model_whose_processor_is_another_ones_is_told(tmp_path):
    save_depth(tmp_path / "mine", "dpt")
    save_depth(tmp_path / "other", "depth_anything")
    (tmp_path / "other" / "preprocessor_config.json").replace(tmp_path / "mine" / "preprocessor_config.json")
    annotator = Annotator(Annotators(Settings(annotators_dir=tmp_path)), threading.Lock())
    with pytest.raises(ModelBroken, match="A depth image cannot be made: mine does not run"):
        annotator.annotate(IMAGE, "depth")


def test_a_fault_of_the_device_is_one(annotator, monkeypatch):
    from zimage.annotators.depth import DepthModel

    def fail(_self, _image):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(DepthModel, "annotate", fail)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        annotator.annotate(IMAGE, "depth")


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("depth", {"low": 1.0}, "depth takes no options, got low"),
        ("pose", {"min_score": 2.0}, "from 0 to 1"),
        ("pose", {"min_person": 0.5}, "there is none: leave it out"),
        ("pose", {"min_score": 1.0}, "no person is found"),
    ],
)
def test_what_cannot_be_made_is_told(annotator, kind, options, said):
    with pytest.raises(ControlUnusable, match=f"A {kind} image cannot be made: .*{said}"):
        annotator.annotate(IMAGE, kind, options)


def test_a_detector_beside_it_finds_the_people(annotator, tmp_path):
    save_pose(tmp_path / "people")
    save_detector(tmp_path / "boxes", labels={0: "person", 1: "person"})
    both = Annotator(Annotators(Settings(annotators_dir=tmp_path)), threading.Lock())
    several = both.annotate(IMAGE, "pose", {"min_person": 0.0, "min_score": 0.0})
    assert several.tobytes() != annotator.annotate(IMAGE, "pose", {"min_score": 0.0}).tobytes()
    with pytest.raises(ControlUnusable, match="no person is found in the image: none with a score of 1 or more"):
        both.annotate(IMAGE, "pose", {"min_person": 1.0})
