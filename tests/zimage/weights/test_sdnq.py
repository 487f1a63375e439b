"""SDNQ's files: values are those of the formula, whole models load, and what is not certain is refused by name."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from training.nano.random_weights import make_random_nano
from zimage import ZImagePipeline
from zimage.config import TextEncoderConfig, TransformerConfig
from zimage.errors import ConfigError, PartError, WeightsError
from zimage.transformer import ZImageTransformer2DModel
from zimage.utils.loader import load_weights
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.identify import infer_transformer_config
from zimage.weights.quantized import QuantizedTensor

from tests.zimage.peers import MEDIUM, both_transformers
from tests.zimage.quantized_files import SDNQ_SETTINGS, sdnq

LAYER = "layers.0.feed_forward.w1"
KINDS = {
    "int8 by row": {"dtype": "int8"},
    "int8, inputs first": {"dtype": "int8", "layout": "transposed"},
    "int8 in groups": {"dtype": "int8", "group": 16, "layout": "groups"},
    "int8 with svd": {"dtype": "int8", "rank": 4},
    "uint8 by row": {"dtype": "uint8"},
    "uint8, inputs first": {"dtype": "uint8", "layout": "transposed"},
    "uint8 in groups": {"dtype": "uint8", "group": 16},
    "uint4 by row": {"dtype": "uint4"},
    "uint4 in groups": {"dtype": "uint4", "group": 16},
    "uint4 in groups, pairs": {"dtype": "uint4", "group": 16, "layout": "pairs"},
    "uint4 in groups, in rows": {"dtype": "uint4", "group": 32, "layout": "rows"},
    "uint4 in groups, cut": {"dtype": "uint4", "group": 16, "layout": "groups"},
    "uint4, columns of scales": {"dtype": "uint4", "group": 16, "columns_of_scales": True},
    "uint4 with svd": {"dtype": "uint4", "group": 32, "rank": 8, "parts": torch.bfloat16},
    "int4 in groups": {"dtype": "int4", "group": 16},
    "int4 with svd": {"dtype": "int4", "group": 64, "rank": 4, "parts": torch.float16},
}


@pytest.fixture
def matrix():
    return np.random.default_rng(0).normal(size=(96, 64))


def write(folder, tensors, settings, own_file=True, layer=LAYER):
    folder.mkdir(exist_ok=True)
    path = folder / "diffusion_pytorch_model.safetensors"
    save_file({f"{layer}.{leaf}": tensor for leaf, tensor in tensors.items()}, path)
    if settings is not None:
        name, content = ("quantization_config.json", settings) if own_file else (
            "config.json", {"quantization_config": settings})  # fmt: skip
        (folder / name).write_text(json.dumps(content))
    return path


def read(path):
    return open_checkpoint(path)[f"{LAYER}.weight"]


def near(found, values):
    np.testing.assert_allclose(found.double().numpy(), values, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("own_file", [True, False])
def test_values_are_those_of_the_formula(kind, own_file, matrix, tmp_path):
    written = sdnq(matrix, **KINDS[kind])
    path = write(tmp_path / "t", written.tensors | {"bias": torch.ones(3)}, written.declaration, own_file)
    assert open_checkpoint(path).keys() == {f"{LAYER}.weight", f"{LAYER}.bias"}
    for place in (path, path.parent):
        stored = open_checkpoint(place)[f"{LAYER}.weight"]
        assert isinstance(stored, QuantizedTensor)
        assert (stored.shape, stored.numel) == (matrix.shape, matrix.size)
        near(stored.read(), written.values)
    assert stored.format == f"SDNQ {KINDS[kind]['dtype']}"
    assert np.abs(written.values - matrix).max() < 0.5  # the writer itself is no nonsense


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_cut(kind, matrix, tmp_path):
    written = sdnq(matrix, **KINDS[kind])
    part = read(write(tmp_path / "t", written.tensors, written.declaration)).rows(10, 50)
    near(part.read(), written.values[10:50])
    near(part.rows(3, 7).read(), written.values[13:17])


def test_the_first_code_is_in_the_lower_half_and_the_zero_point_is_added_last(tmp_path):
    tensors = {
        "weight": torch.tensor([0x21, 0x0F], dtype=torch.uint8),
        "scale": torch.tensor([[0.5], [2.0]]), "zero_point": torch.tensor([[1.0], [-3.0]]),
    }  # fmt: skip
    settings = {**SDNQ_SETTINGS, "weights_dtype": "uint4"}
    assert read(write(tmp_path / "t", tensors, settings)).read().tolist() == [[1.5, 2.0], [27.0, -3.0]]


def test_a_layer_of_another_dtype_shows_in_its_tensor(matrix, tmp_path):
    settings = {**SDNQ_SETTINGS, "weights_dtype": "uint4", "modules_dtype_dict": {"int8": ["w1"]}}
    written = sdnq(matrix, "int8")
    near(read(write(tmp_path / "t", written.tensors, settings)).read(), written.values)


@pytest.mark.parametrize(("said", "group"), [(16, 16), (-1, 0), (256, 0), (0, 32)])
def test_a_group_size_that_is_said_is_that_of_the_scale(said, group, matrix, tmp_path):
    written = sdnq(matrix, "uint4", group=group)
    near(
        read(write(tmp_path / "t", written.tensors, {**written.declaration, "group_size": said})).read(), written.values
    )


def refused(path, message, name=True):
    with pytest.raises(WeightsError, match=re.escape(message)) as caught:
        read(path).read()
    assert str(path) in str(caught.value)
    assert not name or LAYER in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": None}, "lacks its scale"),
        ({"scale": None, "zero_point": None, "svd_up": None, "svd_down": None}, "lacks its scale and zero_point"),
        ({"zero_point": None}, "lacks its zero_point"),
        ({"svd_down": None}, "lacks its svd_down"),
        ({"weight": None}, "belongs to a weight that is not there"),
        ({"scale": torch.full((96, 4, 1), torch.nan)}, "a scale is NaN or infinite"),
        ({"zero_point": torch.full((96, 4, 1), torch.inf)}, "a scale is NaN or infinite"),
        ({"svd_up": torch.full((96, 4), torch.nan)}, "a scale is NaN or infinite"),
        ({"scale": torch.ones(96, 5, 1)}, "6144 codes cannot be divided into 96 rows of 5 groups"),
        ({"scale": torch.ones(96, 2, 2)}, "is neither (rows, groups) nor (rows, groups, 1)"),
        ({"scale": torch.ones(())}, "is neither (rows, groups) nor (rows, groups, 1)"),
        ({"scale": torch.ones(0, 4)}, "is neither (rows, groups) nor (rows, groups, 1)"),
        ({"zero_point": torch.ones(96, 2, 1)}, "a zero_point of the shape (96, 2, 1) does not fit 4 groups a row"),
        ({"scale": torch.ones(96, 4, 1, dtype=torch.int8)}, "cannot be I8"),
        ({"weight": torch.zeros(3072, dtype=torch.int8)}, "codes of the shape (3072,) are no 96×32 matrix"),
        ({"weight": torch.zeros(32, 96, dtype=torch.uint8)}, "codes of the shape (32, 96) are no 96×64 matrix"),
        ({"weight": torch.zeros(0, dtype=torch.uint8)}, "is neither"),
        ({"weight": torch.zeros(96, 64).to(torch.float8_e4m3fn)}, "is said to be SDNQ uint4, but holds F8_E4M3"),
        ({"svd_down": torch.ones(4, 63)}, "svd_up (96, 4) and svd_down (4, 63) do not give a 96×64 matrix"),
        ({"svd_up": torch.ones(4, 96)}, "svd_up (4, 96) and svd_down (4, 64) do not give a 96×64 matrix"),
    ],
)
def test_parts_that_do_not_fit_are_named(change, message, matrix, tmp_path):
    written = sdnq(matrix, "uint4", group=16, rank=4)
    tensors = {leaf: part for leaf, part in (written.tensors | change).items() if part is not None}
    tensors |= {} if tensors.keys() & {"scale", "zero_point"} else {"other.zero_point": torch.ones(1)}
    if "other.zero_point" in tensors:  # or nothing would tell whose file it is
        tensors |= {"other.weight": torch.zeros(1, dtype=torch.uint8), "other.scale": torch.ones(1, 1)}
    refused(write(tmp_path / "t", tensors, written.declaration), message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"weights_dtype": "int5"},
            "is in SDNQ's int5; those read are int8, uint8, int4, uint4: take the model in int8",
        ),
        ({"weights_dtype": "float8_e4m3fn"}, "is in SDNQ's float8_e4m3fn"),
        ({"weights_dtype": None}, "is in SDNQ's None"),
        ({"modules_dtype_dict": {"int5": ["w1"], "int8": []}}, "is in SDNQ's uint4, int5"),
        ({"hadamard_group_size": 128}, "with a Hadamard rotation"),
        ({"use_hadamard": True}, "with a Hadamard rotation, which is not read: take the model"),
        ({"use_dynamic_quantization": True}, "with use_dynamic_quantization, which is not read"),
        ({"modules_quant_config": {"w1": {}}}, "with modules_quant_config, which is not read"),
        ({"is_training": True}, "with is_training, which is not read"),
        ({"a_new_way": 2}, "with a_new_way, which is not read"),
        ({"quant_method": "gptq"}, "looks like SDNQ's, but its settings say 'gptq'"),
        ({"group_size": "16"}, "group_size must be a whole number, got '16'"),
        ({"group_size": True}, "group_size must be a whole number, got True"),
        ({"group_size": 32}, "is said to be in groups of 32, but its scale is of groups of 16"),
        ({"group_size": -1}, "is said to be in groups of 64, but its scale is of groups of 16"),
        ({"weights_dtype": "uint8"}, "codes of the shape (3072,) are no 96×32 matrix in groups of 8"),
        ({"weights_dtype": "int8"}, "is said to be SDNQ int8, but holds U8"),
    ],
)
def test_settings_that_are_not_read_are_named(change, message, matrix, tmp_path):
    written = sdnq(matrix, "uint4", group=16)
    path = write(tmp_path / "t", written.tensors, {**written.declaration, **change})
    refused(path, message, name="groups" in message or "holds" in message)


@pytest.mark.parametrize("settings", [{"use_hadamard": False, "hadamard_group_size": 128}, {"a_new_way": None}])
def test_settings_that_say_no_are_read(settings, matrix, tmp_path):
    written = sdnq(matrix, "uint4", group=16)
    near(read(write(tmp_path / "t", written.tensors, {**written.declaration, **settings})).read(), written.values)


def test_without_settings_nothing_is_guessed(matrix, tmp_path):
    written = sdnq(matrix, "int8")
    path = write(tmp_path / "t", written.tensors, None)
    refused(path, "its settings cannot be read", name=False)
    (path.parent / "config.json").write_text("{}")
    refused(path, "neither quantization_config.json nor config.json beside it says how", name=False)


def test_codes_in_another_convention_are_refused(matrix, tmp_path):
    written = sdnq(matrix, "int4", group=16)
    flipped = written.tensors | {"weight": written.tensors["weight"] ^ 0x88}
    refused(write(tmp_path / "t", flipped, written.declaration), "look like two's complements")


def test_a_kernel_of_a_convolution_is_refused(tmp_path):
    tensors = {"weight": torch.zeros(4, 4, 3, 3, dtype=torch.int8), "scale": torch.ones(4, 1, 1, 1)}
    refused(write(tmp_path / "t", tensors, {**SDNQ_SETTINGS, "weights_dtype": "int8"}), "a scale of the shape")


def test_a_truncated_file_is_named(matrix, tmp_path):
    written = sdnq(matrix, "uint4", group=16)
    path = write(tmp_path / "t", written.tensors, written.declaration)
    path.write_bytes(path.read_bytes()[:-1])
    refused(path, "is truncated", name=False)


# Whole models


def is_quantised(name, tensor):
    return name.endswith(".weight") and tensor.ndim == 2 and any(f"{part}." in name for part in QUANTISED)


QUANTISED = ("to_q", "to_k", "to_v", "to_out.0", "w1", "w2", "w3", "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj",
             "up_proj", "down_proj")  # fmt: skip


def quantise(folder, **kind):
    """Rewrites a part's folder as SDNQ does; returns the values by name."""
    [path] = folder.glob("*.safetensors")
    tensors, values, settings = {}, {}, {}
    for name, tensor in load_file(path).items():
        if not is_quantised(name, tensor):
            tensors[name] = tensor
            continue
        written = sdnq(tensor.double().numpy(), **kind)
        tensors |= {f"{name.removesuffix('weight')}{leaf}": part for leaf, part in written.tensors.items()}
        values[name], settings = written.values, written.declaration
    save_file(tensors, path)
    config = folder / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "quantization_config": settings}))
    return values


MODELS = {
    "int8": ({"dtype": "int8"}, 0.03), "int8, inputs first": ({"dtype": "int8", "layout": "transposed"}, 0.03),
    "uint8": ({"dtype": "uint8"}, 0.03), "uint4": ({"dtype": "uint4", "group": 32}, 0.3),
    "uint4 with svd": ({"dtype": "uint4", "group": 32, "rank": 32}, 0.25),
    "int4": ({"dtype": "int4", "group": 32}, 0.35),
}  # fmt: skip


@pytest.fixture(scope="module")
def plain():
    return both_transformers(**MEDIUM)[1].requires_grad_(False)


def output_of(model):
    latents, caption = torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(3)), torch.ones(20, 96)
    return model([latents], torch.tensor([0.4]), [caption])[0][0]


@pytest.mark.parametrize("name", MODELS)
def test_a_transformer_loads_within_the_error_of_its_format(name, plain, tmp_path):
    kind, bound = MODELS[name]
    save_file(plain.state_dict(), tmp_path / "diffusion_pytorch_model.safetensors")
    published = {"_class_name": "ZImageTransformer2DModel", **plain.config.to_dict()}
    (tmp_path / "config.json").write_text(json.dumps(published))
    values = quantise(tmp_path, **kind)
    config = TransformerConfig.from_file(tmp_path / "config.json")
    inferred = infer_transformer_config(open_checkpoint(tmp_path))
    assert (inferred.dim, inferred.n_layers, inferred.n_heads) == (config.dim, config.n_layers, config.n_heads)
    with torch.device("meta"):
        model = ZImageTransformer2DModel(**config.to_dict())
    load_weights(model.requires_grad_(requires_grad=False), tmp_path, dtype=torch.float32)
    near(model.layers[1].feed_forward.w2.weight, values["layers.1.feed_forward.w2.weight"])
    expected = output_of(plain)
    error = float((output_of(model) - expected).norm() / expected.norm())
    assert 0 < error < bound


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_whole_folder_draws_nearly_the_same(tmp_path):
    make_random_nano(tmp_path / "plain")
    shutil.copytree(tmp_path / "plain", tmp_path / "sdnq")
    for part in ("transformer", "text_encoder"):
        assert quantise(tmp_path / "sdnq" / part, dtype="int8")
    pictures = [
        ZImagePipeline.from_local_dir(tmp_path / name, device="cpu")(
            "a fox", height=64, width=64, num_inference_steps=3, output_type="np",
            generator=torch.Generator().manual_seed(0),
        ).images
        for name in ("plain", "sdnq")
    ]  # fmt: skip
    assert 0 < np.abs(pictures[0] - pictures[1]).max() < 0.05


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_fault_in_a_folder_is_told_with_its_part(tmp_path):
    make_random_nano(tmp_path / "sdnq")
    quantise(tmp_path / "sdnq" / "transformer", dtype="int8")
    config = tmp_path / "sdnq" / "transformer" / "config.json"
    config.write_text(config.read_text().replace('"use_svd": false', '"use_hadamard": true'))
    with pytest.raises(PartError, match="Hadamard") as caught:
        ZImagePipeline.from_local_dir(tmp_path / "sdnq", device="cpu")
    assert caught.value.part == "transformer"


def test_what_another_method_says_stays_refused(tmp_path):
    said = {"quantization_config": {"quant_method": "bitsandbytes"}}
    (tmp_path / "config.json").write_text(json.dumps({"_class_name": "ZImageTransformer2DModel", **said}))
    with pytest.raises(ConfigError, match="quantization_config"):
        TransformerConfig.from_file(tmp_path / "config.json")
    with pytest.raises(ConfigError, match="quantization_config"):
        TextEncoderConfig.from_published({"model_type": "qwen3", **said})
