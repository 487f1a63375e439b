"""Files as they come: described by their header alone, damaged, pickled, strange, and of other models."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from zimage.adapters import lora_files
from zimage.adapters.lora import Lora
from zimage.adapters.lora_files import MAX_REMARKS, MAX_TEXT_CHARACTERS, describe_lora
from zimage.errors import LoraError
from zimage.transformer import ZImageTransformer2DModel
from zimage.weights.files.safetensors_file import StoredTensor

from tests.zimage.lora_files import DIALECTS, RANK, save
from tests.zimage.peers import TINY, both_transformers

Q = "transformer.layers.0.attention.to_q"


@pytest.fixture(scope="module")
def model() -> ZImageTransformer2DModel:
    return both_transformers(**TINY)[1]


@pytest.fixture(scope="module")
def style(model, tmp_path_factory) -> Path:
    return save(tmp_path_factory.mktemp("files") / "style.safetensors", DIALECTS["kohya"](model.state_dict()))


def refused(path: Path, model: ZImageTransformer2DModel) -> str:
    with pytest.raises(LoraError) as caught:
        Lora.load(path, model, model.config)
    return str(caught.value)


def lora(path: str = Q, rows: int = 64, columns: int = 64) -> dict[str, np.ndarray]:
    return {f"{path}.lora_A.weight": np.ones((RANK, columns)), f"{path}.lora_B.weight": np.ones((rows, RANK))}


EXPECTED = {
    "kohya": ("lora", (RANK,)), "LyCORIS LoHa": ("loha", (RANK,)), "LyCORIS LoKr": ("lokr", (RANK,)),
    "ai-toolkit LoKr": ("lokr", ()), "PEFT DoRA": ("dora", (RANK,)), "differences": ("diff", ()),
    "musubi for ComfyUI": ("mixed", (RANK, 3 * RANK)),
}  # fmt: skip


@pytest.mark.parametrize("dialect", EXPECTED)
def test_the_header_shows_kind_and_rank(model, tmp_path, dialect):
    written = DIALECTS[dialect](model.state_dict())
    found = describe_lora(save(tmp_path / "x.safetensors", written, {"ss_output_name": "x"}), model.config)
    assert (found.kind, found.ranks) == EXPECTED[dialect]
    assert found.n_matched == found.n_modules > 5
    assert (found.n_keys, found.dtypes, found.fault, found.family) == (len(written.tensors), ("F32",), None, None)
    assert found.metadata == {"ss_output_name": "x"}


def test_no_value_is_read(style, model, monkeypatch):
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(StoredTensor, "read", fail)
    assert describe_lora(style, model.config).fault is None


def test_without_a_configuration_it_is_turbo(tmp_path):
    file = save(tmp_path / "x.safetensors", lora("diffusion_model.layers.29.attention.to_q", 3840, 3840))
    assert describe_lora(file).fault is None
    small = describe_lora(save(tmp_path / "y.safetensors", lora()))
    assert "3×64, and layers.0.attention.to_q needs 3×3840" in str(small.fault)
    assert small.n_matched == 1


def test_what_does_not_match_is_named_and_what_does_is_used(model, tmp_path, caplog):
    tensors = {**lora(), **lora("transformer.layers.9.attention.to_q"), **lora("text_encoder.layers.0.mlp.up_proj")}
    file = save(tmp_path / "x.safetensors", tensors)
    found = describe_lora(file, model.config)
    assert (found.n_matched, found.n_modules, found.unmatched) == (1, 2, ("transformer.layers.9.attention.to_q",))
    assert found.encoder_keys == tuple(sorted(key for key in tensors if key.startswith("text_encoder")))
    assert found.fault is None
    report = Lora.load(file, model, model.config).report
    assert (report.n_matched, report.n_modules, report.unmatched) == (1, 2, found.unmatched)
    assert "1 of 2 modules" in str(report.warning)
    assert "2 tensors of a text encoder" in str(report.warning)
    assert [str(report.warning) in record.getMessage() for record in caplog.records] == [True]


def test_a_whole_match_is_no_warning(style, model, caplog):
    assert Lora.load(style, model, model.config).report.warning is None
    assert not caplog.records


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (
            lora("lora_unet_double_blocks_0_img_attn_qkv"),
            ["none of its 1 modules (2 tensors)", "Flux", "double_blocks"],
        ),
        (lora("lora_unet_down_blocks_0_attentions_0_proj_in"), ["Stable Diffusion 1 or XL"]),
        (lora("transformer.transformer_blocks.3.attn.to_q"), ["Qwen-Image"]),
        (lora("something.else"), ["none of its 1 modules", "something.else.lora_A.weight"]),
        (lora("text_encoder.layers.0.self_attn.q_proj"), ["all of its 2 tensors are for a text encoder"]),
        ({"layers.0.attention.to_q.weight": np.ones((64, 64))}, ["none of its 1 tensors is a part of a LoRA"]),
        ({"double_blocks.0.img_attn.qkv.weight": np.ones((4, 4))}, ["no", "FLUX.1"]),
        ({**lora(), "lycoris_layers_0_feed_forward_w1.oft_blocks": np.ones((2, 2))}, ["OFT", "w1.oft_blocks"]),
        ({f"{Q}.boft_R": np.ones((2, 2))}, ["BOFT"]),
        ({f"{Q}.a1.weight": np.ones((2, 2))}, ["GLoRA"]),
        ({f"{Q}.ia3_l.weight": np.ones((2, 2))}, ["IA3"]),
        (lora(columns=32), [f"{Q}.lora_A.weight", "3×32", "3×64"]),
        (lora(rows=60), [f"{Q}.lora_B.weight", "60×3", "64×3"]),
    ],
)
def test_what_cannot_be_used_is_told_with_its_reason(model, tmp_path, tensors, said):
    file = save(tmp_path / "strange.safetensors", tensors)
    message = refused(file, model)
    found = describe_lora(file, model.config)
    assert "strange.safetensors" in message
    for word in said:
        assert word in message
        assert word in str(found.fault)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", ["lora_A.weight", "lora_B.weight", "alpha"])
def test_values_that_are_no_numbers_are_refused(model, tmp_path, part, value):
    tensors = {**lora(), f"{Q}.alpha": np.array(1.0)}
    tensors[f"{Q}.{part}"] = np.where(np.arange(tensors[f"{Q}.{part}"].size) == 0, value, 1.0).reshape(
        tensors[f"{Q}.{part}"].shape
    )
    assert f"{Q}.{part} holds NaN or infinite values" in refused(save(tmp_path / "x.safetensors", tensors), model)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn])
def test_every_dtype_of_fractions_is_read(model, tmp_path, dtype):
    tensors = {key: torch.from_numpy(value * 0.5).to(dtype) for key, value in lora().items()}
    save_file(tensors, tmp_path / "x.safetensors")
    [change] = Lora.load(tmp_path / "x.safetensors", model, model.config).changes
    moved = change.delta.to(torch.device("cpu"), torch.float32)
    assert torch.equal(moved.dense(), torch.full((64, 64), 0.75))


def test_whole_numbers_are_refused(model, tmp_path):
    save_file(
        {key: torch.ones(value.shape, dtype=torch.int8) for key, value in lora().items()}, tmp_path / "x.safetensors"
    )
    assert "whole numbers" in refused(tmp_path / "x.safetensors", model)


def evil(path: Path) -> Any:
    class Evil:
        def __reduce__(self) -> Any:
            return (open, (str(path), "w"))

    return Evil()


@pytest.mark.parametrize("name", ["lora.pt", "lora.ckpt", "lora.bin", "lora.safetensors"])
@pytest.mark.parametrize("protocol", [2, 4, "zip"])
def test_pickled_files_are_refused_by_content_and_never_opened(model, tmp_path, name, protocol):
    file, ran = tmp_path / name, tmp_path / "ran"
    if protocol == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(evil(ran)))
    else:
        file.write_bytes(pickle.dumps(evil(ran), protocol=protocol))
    assert "never opened" in refused(file, model)
    assert not ran.exists()


@pytest.mark.parametrize("length", [0x280, 0x480, 0x580])
def test_a_header_whose_length_looks_pickled_is_read(model, tmp_path, length):
    entries = {}
    start = 0
    for key, value in lora().items():
        entries[key] = {"dtype": "F32", "shape": value.shape, "data_offsets": [start, start + 4 * value.size]}
        start += 4 * value.size
    short = len(json.dumps({"__metadata__": {"k": ""}, **entries}))
    content = header({"__metadata__": {"k": "v" * (length - short)}, **entries})
    assert content[:2] == struct.pack("<H", length)
    file = tmp_path / "x.safetensors"
    file.write_bytes(content + b"\0" * start)
    assert Lora.load(file, model, model.config).report.n_matched == 1


def test_safetensors_by_another_name_are_read(style, model, tmp_path):
    other = tmp_path / "style.bin"
    other.write_bytes(style.read_bytes())
    assert Lora.load(other, model, model.config).report.n_matched > 0


def header(values: object) -> bytes:
    encoded = json.dumps(values).encode()
    return struct.pack("<Q", len(encoded)) + encoded


DAMAGED = {
    "nothing": b"", "a few bytes": b"abc", "GGUF": b"GGUF\x03\0\0\0", "no JSON": struct.pack("<Q", 4) + b"{{{{",
    "a huge header": struct.pack("<Q", 2**40) + b"{}", "a header past its end": struct.pack("<Q", 1000) + b"{}",
    "a list": header([]), "no tensor": header({}), "metadata alone": header({"__metadata__": {"a": "b"}}),
    "an entry of nonsense": header({f"{Q}.lora_A.weight": 3}),
    "values past its end": header({f"{Q}.lora_A.weight": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}),
    "a long name": header({"x" * 600: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
}  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_refused_by_their_name(model, tmp_path, content):
    file = tmp_path / "damaged.safetensors"
    file.write_bytes(content)
    assert "damaged.safetensors" in refused(file, model)
    with pytest.raises(LoraError, match=r"damaged\.safetensors"):
        describe_lora(file, model.config)


def test_missing_files_and_folders_are_refused(model, tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        assert str(path) in refused(path, model)


def test_too_many_tensors_are_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr(lora_files, "MAX_TENSORS", 1)
    assert "2 tensors" in refused(save(tmp_path / "x.safetensors", lora()), model)


def test_metadata_is_text_and_bounded(model, tmp_path):
    many = {f"k{index}": "v" for index in range(MAX_REMARKS + 10)}
    metadata = {
        "ok": "yes",
        "number": 3,
        "list": ["a"],
        "long": "x" * (MAX_TEXT_CHARACTERS + 1),
        "n" * 300: "v",
        **many,
    }
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    file = tmp_path / "x.safetensors"
    file.write_bytes(header({"__metadata__": metadata, "a.alpha": entry}) + b"\0" * 4)
    found = describe_lora(file, model.config).metadata
    assert found["ok"] == "yes"
    assert len(found) == MAX_REMARKS
    assert not {"number", "list", "long", "n" * 300} & found.keys()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_changed_in_a_file_is_read_or_refused(style, model, tmp_path, data):
    """No other exception, and no value that is no number."""
    content = bytearray(style.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(3000, len(content) - 1)))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    file = tmp_path / "fuzzed.safetensors"
    file.write_bytes(bytes(content))
    try:
        found = Lora.load(file, model, model.config)
    except LoraError:
        return
    assert all(bool(change.delta.dense().isfinite().all()) for change in found.changes if change.delta is not None)
