"""What a pipeline does with LoRAs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zimage.adapters.lora import ActiveLora, Lora
from zimage.adapters.lora_stack import LoraStack
from zimage.transformer import ZImageTransformer2DModel


class TakesLoras:
    """A pipeline whose transformer takes LoRAs.

    Attributes:
        transformer: S3-DiT.
    """

    transformer: ZImageTransformer2DModel
    _loras: LoraStack | None = None

    def load_lora(self, path: str | Path) -> Lora:
        """Loads a LoRA for the transformer, of any dialect that is read; see `zimage.adapters.lora`.

        It acts once it is set, fills memory as long as it is referred to, and serves until the transformer is replaced.

        Raises:
            LoraError: the file is missing, damaged, for other models, or of a kind that is not read.
        """
        return Lora.load(path, self.transformer, self.transformer.config)

    def set_loras(self, loras: Sequence[ActiveLora]) -> None:
        """Replaces the LoRAs that act, in milliseconds; none for the model as it is, to the last bit.

        Raises:
            LoraError: one was loaded for another transformer.
        """
        self._lora_stack.set(loras)

    def fuse_loras(self) -> None:
        """Adds the LoRAs that act to the weights, so that they take no time; see `LoraStack.fuse`.

        Raises:
            ConfigError: one acts at some steps only.
            LoraError: a weight is quantised.
        """
        self._lora_stack.fuse()

    def unfuse_loras(self) -> None:
        """Brings the original weights back, bit for bit; the LoRAs act beside them again."""
        self._lora_stack.unfuse()

    @property
    def _lora_stack(self) -> LoraStack:
        model = self.transformer
        if self._loras is None or self._loras.model is not model:
            self._loras = LoraStack(model, model.device, model.activation_dtype)
        return self._loras
