"""Prompts to features: a Qwen3 language model, of which only the layers that are used are loaded and run.

The features are what goes into the last layer, so that this layer and the final norm are left out. The model is causal,
hence a prompt's features do not depend on what follows: prompts are encoded one by one, without any padding.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from zimage.config import TextEncoderConfig
from zimage.config.inference import MAX_CAPTION_TOKENS
from zimage.quant.linear import Quantization
from zimage.residency.host_part import host_part_of_text_encoder
from zimage.residency.levels import WHOLE, Residency
from zimage.text.qwen3 import Qwen3Encoder
from zimage.text.tokenizer import PromptTokenizer
from zimage.utils.loader import load_tensors, rename_tensors
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.names.single_file import to_published
from zimage.weights.quantized import AnyTensor

logger = logging.getLogger(__name__)

DEFAULT_CACHE_BYTES = 64 * 2**20
_LAYER = re.compile(r"^layers\.(\d+)\.")


class PromptCache:
    """LRU cache of prompt features, bounded in bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._features: OrderedDict[tuple[int, ...], Tensor] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        """Number of cached prompts."""
        return len(self._features)

    def get(self, tokens: tuple[int, ...]) -> Tensor | None:
        """Returns cached features and marks them as most recent; None if absent."""
        features = self._features.get(tokens)
        if features is not None:
            self._features.move_to_end(tokens)
        return features

    def put(self, tokens: tuple[int, ...], features: Tensor) -> None:
        """Caches features, unless they alone exceed the bound."""
        if features.nbytes > self._max_bytes or tokens in self._features:
            return
        self._features[tokens] = features
        self.size_bytes += features.nbytes
        while self.size_bytes > self._max_bytes:
            _, dropped = self._features.popitem(last=False)
            self.size_bytes -= dropped.nbytes

    def clear(self) -> None:
        """Empties the cache."""
        self._features.clear()
        self.size_bytes = 0


class PromptEncoder:
    """Text encoder: chat template, tokenizer, language model and cache."""

    def __init__(self, model: Qwen3Encoder, tokenizer: PromptTokenizer, cache_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        """Wraps a model of `load_text_model`, whose output are the features."""
        self.model = model
        self.tokenizer = tokenizer
        self.cache = PromptCache(cache_bytes)
        self._n_staying = 0

    @property
    def width(self) -> int:
        """Width of the features."""
        return self.model.embed_tokens.embedding_dim

    def encode(self, prompts: Sequence[str], max_sequence_length: int = MAX_CAPTION_TOKENS) -> list[Tensor]:
        """Returns the features (tokens, width) of each prompt."""
        with self.staying():
            return [self._encode(tuple(self.tokenize(prompt, max_sequence_length))) for prompt in prompts]

    def encode_texts(self, texts: Sequence[str], max_sequence_length: int = MAX_CAPTION_TOKENS) -> list[Tensor]:
        """Returns the features (tokens, width) of each text as it is, without the template."""
        with self.staying():
            return [
                self._encode(tuple(self._cut(self.tokenizer.encode(text).ids, max_sequence_length))) for text in texts
            ]

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Keeps the model, once it is on the device, there till the end of several calls."""
        self._n_staying += 1
        try:
            yield
        finally:
            self._n_staying -= 1
            if not self._n_staying:
                self.model.release()

    def tokenize(self, prompt: str, max_sequence_length: int = MAX_CAPTION_TOKENS) -> list[int]:
        """Returns the token ids of a templated prompt, truncated to the limit."""
        return self._cut(self.tokenizer.encode(self.tokenizer.in_template(prompt)).ids, max_sequence_length)

    @staticmethod
    def _cut(tokens: list[int], max_sequence_length: int) -> list[int]:
        if len(tokens) > max_sequence_length:
            logger.warning("a prompt of %d tokens is cut to %d", len(tokens), max_sequence_length)
        return tokens[:max_sequence_length]

    @torch.inference_mode()
    def _encode(self, tokens: tuple[int, ...]) -> Tensor:
        features = self.cache.get(tokens)
        if features is None:
            features = self.model(torch.tensor([tokens]))[0]
            self.cache.put(tokens, features)
        return features.clone()  # what is remembered stays as it was, whatever the caller does


def load_text_model(
    folder: Path,
    *,
    dtype: torch.dtype,
    device: torch.device,
    compute_dtype: torch.dtype | None = None,
    quantization: Quantization | None = None,
    residency: Residency = WHOLE,
) -> Qwen3Encoder:
    """Loads a Qwen3 language model without last layer, final norm and head.

    Args:
        folder: `text_encoder/`.
        dtype: dtype of the weights.
        device: device of the weights.
        compute_dtype: dtype to compute in; default: `dtype`.
        quantization: what the matrices are held in; None for `dtype`.
        residency: what stays on the device.

    Raises:
        ConfigError: the folder holds another kind of model.
        WeightsError: files are missing or damaged, or do not fit.
    """
    config = TextEncoderConfig.from_file(folder / "config.json")
    tensors = to_published(open_checkpoint(folder))
    return build_text_model(
        config,
        folder,
        tensors,
        dtype=dtype,
        device=device,
        compute_dtype=compute_dtype,
        quantization=quantization,
        residency=residency,
    )


def build_text_model(
    config: TextEncoderConfig,
    source: Path,
    tensors: Mapping[str, AnyTensor],
    *,
    dtype: torch.dtype,
    device: torch.device,
    compute_dtype: torch.dtype | None = None,
    quantization: Quantization | None = None,
    residency: Residency = WHOLE,
) -> Qwen3Encoder:
    """Builds the model and fills it with tensors of a whole language model; see `load_text_model`.

    Args:
        config: of the whole language model.
        source: where the tensors are from, for messages.
        tensors: by published names, with or without the prefix of a language model.
        dtype: dtype of the weights.
        device: device of the weights.
        compute_dtype: dtype to compute in; default: `dtype`.
        quantization: what the matrices are held in; None for `dtype`.
        residency: what stays on the device.

    Raises:
        WeightsError: tensors are damaged, or do not fit.
    """
    with torch.device("meta"):
        model = Qwen3Encoder(config)
    on_host = host_part_of_text_encoder(model, residency, device)
    n_layers = len(model.layers)
    own = rename_tensors(tensors, lambda name: _name_in_model(name, n_layers))
    load_tensors(model, source, own, dtype=dtype, device=device, quantization=quantization, on_host=on_host)
    model.set_compute_dtype(compute_dtype)
    model.stream = None if on_host is None else on_host.stream(model, device)
    return model.eval().requires_grad_(requires_grad=False)


def _name_in_model(stored: str, n_layers: int) -> str | None:
    """Returns the name of a stored tensor in the model; None for last layer, final norm and head."""
    name = stored.removeprefix("model.")
    layer = _LAYER.match(name)
    beyond = layer is not None and int(layer.group(1)) >= n_layers
    return None if beyond or name in ("norm.weight", "lm_head.weight") else name
