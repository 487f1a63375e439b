import base64
import hashlib
import io
import json
from datetime import UTC, datetime

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from training.lora.adapter import Adapter
from training.lora.export import Card, digest_of, tensors_of, write_lora

DATE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def adapter(transformer, generator):
    adapter = Adapter(transformer, "attention", 4, 2.0, generator)
    for _, path in adapter.by_name():
        path.up.data.normal_(generator=generator)
    return adapter


def test_names_are_peft_s_and_alpha_is_in_b(adapter):
    tensors = tensors_of(adapter)
    down, up = (tensors[f"transformer.layers.0.attention.to_out.0.lora_{part}.weight"] for part in "AB")
    [path] = [path for name, path in adapter.by_name() if name == "layers.0.attention.to_out.0"]

    assert len(tensors) == 2 * len(adapter.names)
    assert (down.dtype, up.dtype) == (torch.bfloat16, torch.bfloat16)
    torch.testing.assert_close(down.float(), path.down.data, rtol=0.01, atol=1e-3)
    torch.testing.assert_close(up.float(), path.up.data * 2 / 4, rtol=0.01, atol=1e-3)


def test_the_header_says_what_it_is(adapter, tmp_path):
    thumbnail = Image.new("RGB", (300, 200), "red")
    card = Card(
        "mine",
        "Mine",
        "tiny-nano",
        trigger="in mine",
        tags=("a", "b"),
        licence="Apache-2.0",
        thumbnail=thumbnail,
        training={"ss_steps": "7", "ss_seed": ""},
    )
    path = tmp_path / "new" / "mine.safetensors"
    write_lora(adapter, card, (256, 256), DATE, path)

    with safe_open(path, "pt") as file:
        said = file.metadata()
        names = list(file.keys())
    assert {
        name: said[f"modelspec.{name}"] for name in ("title", "architecture", "trigger_phrase", "tags", "date")
    } == {
        "title": "Mine",
        "architecture": "Z-Image/lora",
        "trigger_phrase": "in mine",
        "tags": "a, b",
        "date": "2026-01-02T03:04:05+00:00",
    }
    assert said["modelspec.sai_model_spec"] == "1.0.0"
    assert (said["ss_network_dim"], said["ss_network_alpha"], said["ss_steps"]) == ("4", "4", "7")
    assert said["ss_base_model_version"] == "tiny-nano"
    assert not [name for name, value in said.items() if not value]
    kind, data = said["modelspec.thumbnail"].split(",")
    assert kind == "data:image/webp;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (128, 128)
    assert len(names) == 2 * len(adapter.names)
    assert [entry.name for entry in path.parent.iterdir()] == ["mine.safetensors"]


def test_the_digest_is_that_of_the_bytes_behind_the_header(adapter, tmp_path):
    path = tmp_path / "mine.safetensors"
    write_lora(adapter, Card("mine", "", "tiny"), (64, 64), DATE, path)

    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert header["__metadata__"]["modelspec.hash_sha256"] == f"0x{hashlib.sha256(content[8 + length :]).hexdigest()}"
    assert digest_of(tensors_of(adapter)) == header["__metadata__"]["modelspec.hash_sha256"]
