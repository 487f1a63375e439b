from __future__ import annotations

import json

import pytest

from backend.services.images.metadata.comfyui import read

ENCODER = {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["30", 0]}}
GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {
        "seed": 42, "steps": 8, "cfg": 1.0, "model": ["11", 0], "positive": ["6", 0], "negative": ["7", 0],
        "latent_image": ["13", 0]}},
    "6": ENCODER,
    "7": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}},
    "11": {"class_type": "ModelSamplingAuraFlow", "inputs": {"shift": 3.0, "model": ["28", 0]}},
    "13": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 768, "batch_size": 1}},
    "28": {"class_type": "UNETLoader", "inputs": {"unet_name": "z.safetensors"}},
}  # fmt: skip
WHOLE = {"prompt": "a fox", "width": 1024, "height": 768, "num_inference_steps": 8, "seed": 42, "guidance_scale": 0.0,
         "model": "z.safetensors"}  # fmt: skip


def told(changes: dict[str, dict], **inputs: object) -> dict:
    sampler = {"class_type": "KSampler", "inputs": {**GRAPH["3"]["inputs"], **inputs}}
    result = read({"prompt": json.dumps({**GRAPH, "3": sampler, **changes})})
    assert result is not None
    return result.parameters.model_dump(exclude_none=True)


def node(kind: str, **inputs: object) -> dict:
    return {"class_type": kind, "inputs": inputs}


def test_a_zeroed_conditioning_is_no_negative_prompt():
    assert told({}) == WHOLE
    assert told({"7": node("CLIPTextEncode", text="blurry")}) == {**WHOLE, "negative_prompt": "blurry"}


@pytest.mark.parametrize(
    ("nodes", "seed"),
    [
        ({"40": node("Seed (rgthree)", seed=777)}, 777),
        ({"40": node("PrimitiveInt", value=777)}, 777),
        ({"40": node("Reroute", any=["41", 0]), "41": node("easy seed", seed=777, control="fixed")}, 777),
        ({"40": node("Something", a=1, b=2)}, None),
        ({"40": node("Loop", value=["40", 0])}, None),
        ({}, None),
    ],
)
def test_a_value_of_another_node_is_followed_and_what_is_not_found_is_left_out(nodes, seed):
    expected = {key: value for key, value in {**WHOLE, "seed": seed}.items() if value is not None}
    assert told(nodes, seed=["40", 0]) == expected


@pytest.mark.parametrize("resolution", ["1344x768", "1344 x 768 (16:9)", "1344×768"])
def test_a_size_that_is_picked_as_text(resolution):
    sizes = {
        "13": node("EmptyLatentImage", width=["41", 0], height=["41", 1]),
        "41": node("Picker", resolution=resolution),
    }
    found = told(sizes)
    assert (found["width"], found["height"]) == (1344, 768)


@pytest.mark.parametrize(
    ("guider", "expected"),
    [
        (node("BasicGuider", model=["11", 0], conditioning=["6", 0]), {}),
        (node("CFGGuider", model=["11", 0], positive=["6", 0], negative=["8", 0], cfg=4.0),
         {"guidance_scale": 3.0, "negative_prompt": "blurry"}),
    ],
)  # fmt: skip
def test_a_custom_sampler_has_its_values_in_its_helpers(guider, expected):
    graph = {
        **{key: value for key, value in GRAPH.items() if key != "3"},
        "8": node("CLIPTextEncode", text="blurry"),
        "16": node("KSamplerSelect", sampler_name="euler"),
        "17": node("BasicScheduler", scheduler="simple", steps=8, model=["11", 0]),
        "18": node("SplitSigmas", sigmas=["17", 0], step=4),
        "22": guider,
        "25": node("RandomNoise", noise_seed=42),
        "50": node("SamplerCustomAdvanced", noise=["25", 0], guider=["22", 0], sampler=["16", 0], sigmas=["18", 0],
                   latent_image=["13", 0]),
    }  # fmt: skip
    result = read({"prompt": json.dumps(graph)})
    assert result is not None
    known = {key: value for key, value in WHOLE.items() if key != "guidance_scale"}
    assert result.parameters.model_dump(exclude_none=True) == {**known, **expected}


@pytest.mark.parametrize(
    ("nodes", "prompt"),
    [
        ({"6": node("CLIPTextEncode", text=["70", 0]), "70": node("PrimitiveString", value="a wolf")}, "a wolf"),
        ({"6": node("ConditioningConcat", conditioning_from=["61", 0], conditioning_to=["62", 0]),
          "61": node("CLIPTextEncode", text="in snow"), "62": node("CLIPTextEncode", text="a wolf")},
         "a wolf, in snow"),
        ({"6": node("ConditioningCombine", conditioning_1=["62", 0], conditioning_2=["61", 0]),
          "61": node("CLIPTextEncode", text="in snow"), "62": node("CLIPTextEncode", text="a wolf")},
         "a wolf, in snow"),
        ({"6": node("CLIPTextEncode", text=["70", 0]),
          "70": node("StringConcatenate", string_a="a ", string_b=["71", 0], delimiter=""),
          "71": node("PrimitiveString", value="wolf")}, "a wolf"),
        ({"6": node("FluxGuidance", guidance=3.5, conditioning=["61", 0]),
          "61": node("CLIPTextEncodeFlux", clip_l="", t5xxl="a wolf", clip=["30", 0])}, "a wolf"),
        ({"6": node("CLIPTextEncode", text=["99", 0])}, None),
        ({"6": node("Loop", conditioning=["6", 0])}, None),
    ],
)  # fmt: skip
def test_texts_of_other_nodes_are_joined_in_order(nodes, prompt):
    assert told(nodes).get("prompt") == prompt


@pytest.mark.parametrize(
    "graph", [{}, {"1": node("SaveImage")}, {"1": node("KSampler")}, {"1": {"class_type": "KSampler"}}]
)
def test_a_graph_that_says_nothing_is_none(graph):
    assert read({"prompt": json.dumps(graph)}) is None
