"""Parameters in images of other programs.

A1111's text, ComfyUI's graph, InvokeAI's and SwarmUI's JSON, from PNG text chunks or EXIF's UserComment. No pixel is
decoded, so that a huge image cannot fill the memory.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from PIL import Image
from pydantic import ValidationError

from backend.models.gallery import ReadParameters, ReadResult
from backend.models.recipe import MAX_SEED
from backend.services.errors import NoParameters
from backend.services.images.metadata.own import COMMON_KEYWORD, OWN_KEYWORD

MAX_PIXELS = 16 * 2**20
_MAX_TEXT = 2**20
_USER_COMMENT, _EXIF_IFD = 0x9286, 0x8769
_MAX_LINE = 4096
"""Longest line of A1111's settings; the pattern takes minutes for a megabyte."""
_PAIR = re.compile(r'(\w[\w /-]{0,63}):[ \t]*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
_KSAMPLERS = re.compile(r"KSampler|SamplerCustom")

Texts = Mapping[str, str]


def read_parameters(file: BinaryIO) -> ReadResult:
    """Reads the parameters of a PNG, JPEG or WebP.

    Raises:
        NoParameters: It is no such image, or has none.
    """
    return find_parameters(read_texts(file))


def find_parameters(texts: Texts) -> ReadResult:
    """Parses the parameters in the texts of an image.

    Raises:
        NoParameters: There are none.
    """
    for read in (_own, _invokeai, _swarmui, _a1111, _comfyui):
        try:
            found = read(texts)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ValidationError):
            continue
        if found is not None:
            return found
    raise NoParameters("This picture carries no parameters that are known here.")


@contextlib.contextmanager
def open_picture(file: BinaryIO) -> Iterator[Image.Image]:
    """Opens a PNG, JPEG or WebP of a bounded size; translates Pillow's errors.

    Raises:
        NoParameters: It is no such image, is too large, or is damaged.
    """
    try:
        file.seek(0)
        with Image.open(file, formats=["PNG", "JPEG", "WEBP"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise NoParameters(f"The picture has more than {MAX_PIXELS // 2**20} megapixels.")
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoParameters("This is no PNG, JPEG or WebP, or it is damaged.") from error


def read_texts(file: BinaryIO) -> dict[str, str]:
    """Returns the texts of an image by keyword.

    Raises:
        NoParameters: It is no such image.
    """
    with open_picture(file) as image:
        texts = {str(k): v for k, v in image.info.items() if isinstance(v, str) and len(v) <= _MAX_TEXT}
        # a PNG's getexif() would decode the image, and its words stand in text chunks anyway
        comment = None if image.format == "PNG" else image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if isinstance(comment, bytes) and len(comment) <= 2 * _MAX_TEXT:
        texts.setdefault(COMMON_KEYWORD, _decode_comment(comment))
    return texts


def _decode_comment(comment: bytes) -> str:
    code, text = comment[:8], comment[8:]
    return text.decode("utf-16-be" if code.startswith(b"UNICODE") else "utf-8", "replace").strip("\0")


def _own(texts: Texts) -> ReadResult | None:
    if OWN_KEYWORD not in texts:
        return None
    own = json.loads(texts[OWN_KEYWORD])
    return _result("zimage", {**own, "negative_prompt": own.get("negative_prompt") or None})


def _invokeai(texts: Texts) -> ReadResult | None:
    if "invokeai_metadata" not in texts:
        return None
    facts = json.loads(texts["invokeai_metadata"])
    model = facts.get("model")
    return _result("invokeai", {
        **_renamed(facts, prompt="positive_prompt", negative_prompt="negative_prompt", width="width", height="height",
                   num_inference_steps="steps", seed="seed"),
        "guidance_scale": _guidance(facts.get("cfg_scale")),
        "model": model.get("name") if isinstance(model, dict) else model,
    })  # fmt: skip


def _swarmui(texts: Texts) -> ReadResult | None:
    text = texts.get(COMMON_KEYWORD, "")
    if not text.lstrip().startswith("{"):
        return None
    facts = json.loads(text)["sui_image_params"]
    return _result("swarmui", {
        **_renamed(facts, prompt="prompt", negative_prompt="negativeprompt", width="width", height="height",
                   num_inference_steps="steps", seed="seed", model="model"),
        "guidance_scale": _guidance(facts.get("cfgscale")),
    })  # fmt: skip


def _a1111(texts: Texts) -> ReadResult | None:
    text = texts.get(COMMON_KEYWORD, "").strip()
    words, _, last = text.rpartition("\n")
    if "Steps:" not in last or len(last) > _MAX_LINE:
        return None
    facts = {key.strip(): _unquoted(value.strip()) for key, value in _PAIR.findall(last)}
    if "Steps" not in facts:
        return None
    prompt, _, negative = words.partition("\nNegative prompt:")
    if prompt.startswith("Negative prompt:"):
        prompt, negative = "", prompt.removeprefix("Negative prompt:")
    width, _, height = facts.get("Size", "").partition("x")
    return _result("a1111", {
        "prompt": prompt.strip(), "negative_prompt": negative.strip() or None, "width": width or None,
        "height": height or None, "num_inference_steps": facts["Steps"], "seed": facts.get("Seed"),
        "guidance_scale": _guidance(facts.get("CFG scale")), "shift": facts.get("Shift"),
        "model": facts.get("Model"),
    })  # fmt: skip


def _comfyui(texts: Texts) -> ReadResult | None:
    if "prompt" not in texts:
        return None
    graph = json.loads(texts["prompt"])
    sampler = next((node for node in graph.values() if _KSAMPLERS.search(node["class_type"])), None)
    if sampler is None:
        return None
    inputs = sampler["inputs"]
    latent = _follow(graph, inputs.get("latent_image"), lambda node: "width" in node["inputs"])
    loader = _follow(graph, inputs.get("model"), lambda node: bool(_model_of(node)))
    return _result("comfyui", {
        "prompt": _text_of(_follow(graph, inputs.get("positive"), lambda node: bool(_text_of(node)))),
        "negative_prompt": _text_of(_follow(graph, inputs.get("negative"), lambda node: bool(_text_of(node)))),
        "width": latent["inputs"].get("width") if latent else None,
        "height": latent["inputs"].get("height") if latent else None,
        "num_inference_steps": inputs.get("steps"),
        "seed": inputs.get("seed", inputs.get("noise_seed")),
        "guidance_scale": _guidance(inputs.get("cfg")),
        "model": _model_of(loader),
    })  # fmt: skip


Node = dict[str, Any]


def _follow(graph: dict[str, Node], link: Any, wanted: Callable[[Node], bool]) -> Node | None:
    """Walks a graph upstream from a link, nearest node first, to the first wanted one."""
    queue, seen = [link], set()
    while queue:
        link = queue.pop(0)
        if not isinstance(link, list) or not link or str(link[0]) in seen:
            continue
        seen.add(str(link[0]))
        node = graph.get(str(link[0]))
        if node is None:
            continue
        if wanted(node):
            return node
        queue += node["inputs"].values()
    return None


def _text_of(node: Node | None) -> str | None:
    text = node["inputs"].get("text") if node else None
    return text if isinstance(text, str) and text else None


def _model_of(node: Node | None) -> str | None:
    inputs = node["inputs"] if node else {}
    name = inputs.get("unet_name") or inputs.get("ckpt_name")
    return name if isinstance(name, str) else None


def _renamed(facts: Mapping[str, Any], **names: str) -> dict[str, Any]:
    return {ours: facts.get(theirs) for ours, theirs in names.items()}


def _guidance(cfg_scale: Any) -> float | None:
    """The others count CFG from 1; ours is guidance = CFG − 1."""
    return None if cfg_scale is None else max(0.0, float(cfg_scale) - 1)


def _unquoted(value: str) -> str:
    return str(json.loads(value)) if value.startswith('"') else value


def _result(source: Any, facts: Mapping[str, Any]) -> ReadResult:
    known = {name: facts.get(name) for name in ReadParameters.model_fields if facts.get(name) is not None}
    parameters = ReadParameters.model_validate(known)
    seed, scale = parameters.seed, parameters.guidance_scale
    if seed is not None and not 0 <= seed <= MAX_SEED:
        parameters = parameters.model_copy(update={"seed": None})
    if scale is not None and not math.isfinite(scale):
        parameters = parameters.model_copy(update={"guidance_scale": None})
    return ReadResult(source=source, parameters=parameters)
