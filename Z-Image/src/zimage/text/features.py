"""The features of prompts, as a pipeline gets them: from texts or given, for each image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zimage.text.encoder import PromptEncoder

Prompts = tuple[str | Sequence[str] | None, Sequence[Tensor] | None]
"""Prompts, or their features."""


@dataclass(frozen=True)
class FeatureReader:
    """Encodes prompts, or takes their features, for a transformer.

    Attributes:
        encoder: of prompts.
        max_tokens: of a prompt, template included.
        device: of the features.
        dtype: of the features.
    """

    encoder: PromptEncoder
    max_tokens: int
    device: torch.device
    dtype: torch.dtype

    def read_both(self, prompts: Prompts, negatives: Prompts | None, times: int) -> tuple[list[Tensor], list[Tensor]]:
        """Returns features of all prompts and, if they are asked for, of negative ones, each so many times in a row.

        The encoder is brought to the device once for all.

        Raises:
            ValueError: prompts and features are both given or both missing, or negative ones are too few or too many.
        """
        with self.encoder.staying():
            positive = self.read(*prompts)
            negative = [] if negatives is None else self.read_negative(*negatives, len(positive))
        repeated = [[feature for feature in features for _ in range(times)] for features in (positive, negative)]
        return repeated[0], repeated[1]

    def read(self, prompt: str | Sequence[str] | None, embeds: Sequence[Tensor] | None) -> list[Tensor]:
        """Returns features (L, cap_feat_dim) of each prompt.

        Raises:
            ValueError: both or neither are given, or there is no prompt.
        """
        if (prompt is None) == (embeds is None):
            raise ValueError("either prompts or their embeds are needed, not both")
        if embeds is not None:
            features = [given.to(self.device) for given in embeds]
        else:
            features = self.encoder.encode([prompt] if isinstance(prompt, str) else list(prompt or ()), self.max_tokens)
        if not features:
            raise ValueError("there is no prompt")
        return [one.to(self.dtype) for one in features]

    def read_negative(
        self, prompt: str | Sequence[str] | None, embeds: Sequence[Tensor] | None, n_prompts: int
    ) -> list[Tensor]:
        """Returns features of the negative prompt of each prompt; one stands for all, and none is an empty one.

        Raises:
            ValueError: there are not as many as prompts.
        """
        if prompt is None and embeds is None:
            prompt = ""
        features = self.read([prompt] * n_prompts if isinstance(prompt, str) else prompt, embeds)
        if len(features) != n_prompts:
            raise ValueError(f"{n_prompts} prompts need as many negative ones, got {len(features)}")
        return features
