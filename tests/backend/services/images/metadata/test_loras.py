from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from backend.models.recipe import MAX_LORAS, LoraUse
from backend.services.images.metadata.foreign import find_parameters
from backend.services.images.metadata.loras import list_loras, parse_pairs, stem_of
from backend.services.images.metadata.own import embed
from backend.services.images.records import describe_drawn
from tests.backend.fakes import a_picture

SETTINGS = "Steps: 8, Sampler: Euler, CFG scale: 1, Seed: 7, Size: 512x512"
INK, WET = "0c4199e1bfdc", "dba941975e80"


def a_record(prompt="a fox"):
    return describe_drawn(a_picture(prompt), "0" * 32, datetime(2026, 1, 2, tzinfo=UTC))


def read(texts):
    found = find_parameters(texts).parameters
    return found.prompt, [use.model_dump(exclude_defaults=True) for use in found.loras or ()]


def a1111(prompt, more=""):
    return read({"parameters": f"{prompt}\n{SETTINGS}{more}"})


def test_a1111_s_tags_with_their_digests():
    prompt, loras = a1111("a fox <lora:ink:0.8>, wet <lora:wet>", f', Lora hashes: "ink: {INK}, wet: {WET}"')
    assert prompt == "a fox, wet"
    assert loras == [{"name": "ink", "strength": 0.8, "short_hash": INK}, {"name": "wet", "short_hash": WET}]


def test_a1111_without_digests_and_with_those_of_civitai():
    assert a1111("a fox <lora:ink:-0.5>")[1] == [{"name": "ink", "strength": -0.5}]
    more = ', Hashes: {"model": "529c72f6c3", "lora:ink": "5a3385485b"}'
    assert a1111("a fox <lora:ink:0.5>", more)[1] == [{"name": "ink", "strength": 0.5, "short_hash": "5a3385485b"}]


def test_a1111_s_settings_alone_name_them_too():
    more = f', Lora hashes: "ink: {INK}", Lora weights: "ink: 0.4"'
    assert a1111("a fox", more) == ("a fox", [{"name": "ink", "strength": 0.4, "short_hash": INK}])


@pytest.mark.parametrize("tag", ["<lora:ink:much>", "<lora:>", "<lora:ink:99>"])
def test_a_tag_that_makes_no_sense_stays_in_the_text(tag):
    assert a1111(f"a fox {tag}") == (f"a fox {tag}", [])


def test_a1111_s_names_may_have_commas():
    assert a1111("a fox", f', Lora hashes: "a,b_c: {INK}, wet: {WET}"')[1] == [
        {"name": "a,b_c", "short_hash": INK}, {"name": "wet", "short_hash": WET},
    ]  # fmt: skip
    assert a1111("a fox <lora:a,b_c:0.5>", f', Lora hashes: "a,b_c: {INK}"')[1] == [
        {"name": "a,b_c", "strength": 0.5, "short_hash": INK}
    ]


def test_one_that_a1111_names_twice_has_both_strengths():
    assert a1111("a fox <lora:ink:0.1> <lora:wet> <lora:ink:0.2>")[1] == [
        {"name": "ink", "strength": 0.3}, {"name": "wet"},
    ]  # fmt: skip


def comfy(*loaders, end="unet"):
    nodes = {
        "unet": {"class_type": "UNETLoader", "inputs": {"unet_name": "z.safetensors"}},
        "sampler": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 8, "cfg": 1, "positive": ["text", 0]}},
        "text": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox"}},
        "far": {"class_type": "LoraLoader", "inputs": {"lora_name": "unused.safetensors", "strength_model": 1}},
    }
    model = [end, 0]
    for number, inputs in enumerate(loaders):
        nodes[f"lora {number}"] = {"class_type": "Loader", "inputs": {**inputs, "model": model}}
        model = [f"lora {number}", 0]
    nodes["sampler"]["inputs"]["model"] = model
    return read({"prompt": json.dumps(nodes)})[1]


def test_comfyui_s_loaders_on_the_way_to_the_sampler():
    assert comfy(
        {"lora_name": "styles\\ink.safetensors", "strength_model": 0.8, "strength_clip": 1},
        {"lora_1": {"on": True, "lora": "wet.safetensors", "strength": 0.5}, "lora_2": {"on": False, "lora": "off"}},
        {"lora_01": "stack.safetensors", "strength_01": 0.3, "lora_02": "None", "strength_02": 1},
    ) == [
        {"name": "stack", "strength": 0.3}, {"name": "wet", "strength": 0.5}, {"name": "ink", "strength": 0.8},
    ]  # fmt: skip
    assert comfy() == []
    assert comfy({"lora_name": ["x", 0], "strength_model": 1}) == []


def test_invokeai_s():
    loras = [{"model": {"name": "ink", "hash": "blake3:0"}, "weight": 0.75}, {"lora": {"model_name": "wet"}}]
    facts = {"positive_prompt": "a fox", "loras": loras}
    assert read({"invokeai_metadata": json.dumps(facts)})[1] == [{"name": "ink", "strength": 0.75}, {"name": "wet"}]


@pytest.mark.parametrize("as_text", [True, False])
def test_swarmui_s(as_text):
    names, weights = ["styles/ink", "wet"], ["0.8", "1"]
    facts = {
        "sui_image_params": {
            "prompt": "a fox", "loras": ",".join(names) if as_text else names,
            "loraweights": ",".join(weights) if as_text else weights,
        },
        "sui_models": [{"name": "styles/ink.safetensors", "param": "loras", "hash": f"0x{'ab' * 32}"}],
    }  # fmt: skip
    assert read({"parameters": json.dumps(facts)})[1] == [
        {"name": "ink", "strength": 0.8, "short_hash": "ab" * 32}, {"name": "wet"},
    ]  # fmt: skip


def test_fooocus_and_draw_things():
    fooocus = {"prompt": "a fox", "base_model": "x", "loras": [["ink.safetensors", 0.1, INK], ["wet.safetensors", 1]]}
    assert read({"parameters": json.dumps(fooocus)})[1] == [
        {"name": "ink", "strength": 0.1, "short_hash": INK}, {"name": "wet"},
    ]  # fmt: skip
    things = {"c": "a fox", "uc": "", "lora": [{"model": "ink_lora_f16.ckpt", "weight": 0.6}]}
    assert read({"parameters": json.dumps(things)})[1] == [{"name": "ink_lora_f16", "strength": 0.6}]


def test_ours_come_back_whole_and_read_as_a1111_s_elsewhere():
    uses = (
        LoraUse(name="ink", strength=0.8, start=0.2, sha256="5d" * 32, short_hash=INK),
        LoraUse(name="a, b:c <d>", strength=-1.0, short_hash=WET),
        LoraUse(name="old"),
    )
    texts = embed(a_record(prompt="a fox").model_copy(update={"loras": uses}))
    assert find_parameters(texts).parameters.loras == uses
    assert f'Lora hashes: "ink: {INK}, a bc d: {WET}"' in texts["parameters"]
    assert texts["parameters"].startswith("a fox <lora:ink:0.8> <lora:a bc d:-1> <lora:old:1>\n")
    prompt, loras = read({"parameters": texts["parameters"]})
    assert prompt == "a fox"
    assert [lora["name"] for lora in loras] == ["ink", "a bc d", "old"]
    assert "lora" not in embed(a_record())["parameters"].lower()


def test_what_cannot_be_used_is_left_out():
    found = [("ink", "x", None), ("", 1, None), (None, 1, None), ("None", 1, None), ("wet", True, None),
             ("far", float("inf"), None), ("strong", 11, None), ("ok.safetensors", None, "nothex"),
             ("ok", 0.5, None), ("a\nb", 1, None), ("n" * 300, 1, None)]  # fmt: skip
    assert list_loras(found) == [{"name": "ok", "strength": 1.0}]
    assert list_loras([]) is None
    assert len(list_loras((f"{n}", 1, None) for n in range(100))) == MAX_LORAS


def test_names_and_pairs():
    assert stem_of("a\\b/c.v2.safetensors") == "c.v2"
    assert stem_of("plain") == "plain"
    assert parse_pairs("a: 1, b: c: 2, nothing") == {"a": "1", "b: c": "2"}
    assert parse_pairs(None) == parse_pairs("") == {}


@pytest.mark.parametrize("entry", [3, "x", None, [[]], {"a": 1}, [[[]]], [{"model": 3}], [None]])
def test_entries_of_any_shape_do_not_cost_the_rest(entry):
    for texts in (
        {"invokeai_metadata": json.dumps({"positive_prompt": "a fox", "loras": entry})},
        {"parameters": json.dumps({"sui_image_params": {"prompt": "a fox", "loras": entry, "loraweights": entry},
                                   "sui_models": entry})},
        {"parameters": json.dumps({"prompt": "a fox", "base_model": "x", "loras": entry})},
        {"parameters": json.dumps({"c": "a fox", "uc": "", "lora": entry})},
    ):  # fmt: skip
        assert find_parameters(texts).parameters.prompt == "a fox"
