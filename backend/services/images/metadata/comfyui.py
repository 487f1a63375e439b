"""ComfyUI's graph: the values stand in nodes, plain or as links to what other nodes give."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from backend.models.gallery import ReadResult
from backend.services.images.metadata.fields import build_result, guidance_of, parse_size
from backend.services.images.metadata.loras import list_loras, read_node
from backend.services.images.metadata.texts import Texts

_SAMPLER = re.compile(r"KSampler(?!Select)|SamplerCustom")
_HELPERS = ("guider", "noise", "sigmas")
"""Inputs of a custom sampler whose nodes hold what a plain one has itself."""
_LOADER_NAMES = ("unet_name", "ckpt_name", "gguf_name", "model_name")
_TEXT_NAMES = ("text", "user_prompt", "prompt", "t5xxl", "text_g", "value", "string", "populated_text", "wildcard_text",
               "clip_l", "text_l")  # fmt: skip
_NUMBER_NAMES = ("value", "int", "float", "number")
_NO_TEXTS = frozenset({"model", "clip", "vae", "image", "images", "samples", "latent", "latent_image", "mask", "noise"})
_DELIMITERS = ("delimiter", "separator")
_JOIN = re.compile(r"concat|combine|join|average", re.IGNORECASE)
_BETWEEN = ", "
"""Between texts whose node does not say what stands between them."""
_MAX_DEPTH = 50

Inputs = dict[str, Any]


def read(texts: Texts) -> ReadResult | None:
    """Reads the graph; None when there is none with a sampler."""
    if "prompt" not in texts:
        return None
    graph = Graph(json.loads(texts["prompt"]))
    sampler = graph.sampler()
    if sampler is None:
        return None
    latent = graph.inputs_with(sampler.get("latent_image"), "width") or {}
    nodes = graph.all_upstream(sampler.get("model"))
    loader = graph.upstream(sampler.get("model"), lambda inputs: bool(_model_of(inputs)))
    return build_result("comfyui", {
        "prompt": graph.text(sampler.get("positive", sampler.get("conditioning"))),
        "negative_prompt": graph.text(sampler.get("negative")),
        "width": graph.number(latent.get("width"), "width"),
        "height": graph.number(latent.get("height"), "height"),
        "num_inference_steps": graph.number(sampler.get("steps"), "steps"),
        "seed": graph.number(sampler.get("seed", sampler.get("noise_seed")), "seed", "noise_seed"),
        "guidance_scale": guidance_of(graph.number(sampler.get("cfg"), "cfg")),
        "model": _model_of(loader or {}),
        "loras": list_loras(found for inputs in nodes for found in read_node(inputs)),
    })  # fmt: skip


class Graph:
    """The nodes of a graph by their ids; links are lists of an id and the number of an output."""

    def __init__(self, nodes: Any) -> None:
        """Takes the nodes that are some; raises AttributeError for what is no graph."""
        self._nodes: dict[str, tuple[str, Inputs]] = {
            str(key): (str(node.get("class_type", "")), node["inputs"])
            for key, node in nodes.items()
            if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
        }

    def sampler(self) -> Inputs | None:
        """Returns the inputs of the first sampler, those of its helpers beside its own."""
        own = next((inputs for kind, inputs in self._nodes.values() if _SAMPLER.search(kind)), None)
        if own is None:
            return None
        sigmas = self.inputs_with(own.get("sigmas"), "steps")
        helpers = [sigmas if name == "sigmas" else self._inputs(own.get(name)) for name in _HELPERS]
        merged: Inputs = {}
        for inputs in (own, *helpers):
            merged = {**(inputs or {}), **merged}
        return merged

    def inputs_with(self, link: Any, name: str) -> Inputs | None:
        """Returns the inputs of the nearest node upstream that has one of this name."""
        return self.upstream(link, lambda inputs: name in inputs)

    def upstream(self, link: Any, wanted: Callable[[Inputs], bool]) -> Inputs | None:
        """Walks upstream from a link, nearest node first, to the first wanted one."""
        return next((inputs for inputs in self.all_upstream(link) if wanted(inputs)), None)

    def all_upstream(self, link: Any) -> Iterator[Inputs]:
        """Yields the inputs of all nodes upstream from a link, nearest node first."""
        queue, seen = [link], set()
        while queue:
            link = queue.pop(0)
            inputs = self._inputs(link)
            if inputs is None or str(link[0]) in seen:
                continue
            seen.add(str(link[0]))
            yield inputs
            queue += inputs.values()

    def number(self, value: Any, *names: str) -> Any:
        """Returns a plain value, or the first one upstream that can be meant; None when there is none.

        Args:
            value: What stands in a node.
            names: Names of inputs that hold such a value.
        """
        return self._number(value, names, frozenset())

    def _number(self, value: Any, names: tuple[str, ...], seen: frozenset[str]) -> Any:
        inputs = self._inputs(value)
        if inputs is None:
            return None if isinstance(value, list | dict | bool) else value
        if str(value[0]) in seen or len(seen) >= _MAX_DEPTH:
            return None
        seen |= {str(value[0])}
        named = [inputs[name] for name in (*names, *_NUMBER_NAMES) if name in inputs]
        for held in (*named, *(held for held in inputs.values() if self._inputs(held) is not None)):
            found = self._number(held, names, seen)
            if _is_number(found):
                return found
        plain = [held for held in inputs.values() if _is_number(held)]
        if names[0] in ("width", "height"):
            sizes = [size for held in inputs.values() if (size := parse_size(held))]
            if sizes:
                return sizes[0][names[0] == "height"]
        return plain[0] if len(plain) == 1 else None

    def text(self, value: Any) -> str | None:
        """Returns the text behind a conditioning or a string; joined in order where nodes join; None for none."""
        return self._text(value, frozenset()) or None

    def _text(self, value: Any, seen: frozenset[str]) -> str | None:
        if isinstance(value, str):
            return value
        inputs = self._inputs(value)
        if inputs is None or str(value[0]) in seen or len(seen) >= _MAX_DEPTH:
            return None
        kind, seen = self._nodes[str(value[0])][0], seen | {str(value[0])}
        if "ZeroOut" in kind:
            return None
        if _JOIN.search(kind):
            return self._joined(inputs, seen)
        links = (held for name, held in inputs.items() if name not in _NO_TEXTS and isinstance(held, list))
        for held in (*(inputs[name] for name in _TEXT_NAMES if name in inputs), *links):
            if found := self._text(held, seen):
                return found
        return None

    def _joined(self, inputs: Inputs, seen: frozenset[str]) -> str:
        between = next((inputs[name] for name in _DELIMITERS if isinstance(inputs.get(name), str)), _BETWEEN)
        names = sorted(name for name in inputs if name not in {*_NO_TEXTS, *_DELIMITERS})
        names.sort(key=lambda name: not name.endswith("_to"))  # what is joined from stands behind what it is joined to
        parts = (self._text(inputs[name], seen) for name in names if isinstance(inputs[name], str | list))
        return between.join(part for part in parts if part)

    def _inputs(self, link: Any) -> Inputs | None:
        """Returns the inputs of the node that a link leads to; None for what is no link."""
        if not isinstance(link, list) or not link:
            return None
        node = self._nodes.get(str(link[0]))
        return None if node is None else node[1]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _model_of(inputs: Inputs) -> str | None:
    return next((inputs[name] for name in _LOADER_NAMES if isinstance(inputs.get(name), str)), None)
