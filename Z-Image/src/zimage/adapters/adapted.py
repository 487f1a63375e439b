"""What is put beside the transformer of a pipeline: ControlNets, LoRAs, compiled code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zimage.adapters.controlnet import ControlNet
from zimage.adapters.lora import ActiveLora, Lora
from zimage.adapters.lora_stack import LoraStack
from zimage.placement import Placement
from zimage.quant.linear import make_compilable
from zimage.transformer import ZImageTransformer2DModel


class Adapted:
    """A pipeline whose transformer takes ControlNets and LoRAs, and can be compiled."""

    transformer: ZImageTransformer2DModel
    _placement: Placement | None
    _loras: LoraStack | None = None

    def load_controlnet(self, path: str | Path) -> ControlNet:
        """Loads a ControlNet for the transformer, its matrices quantised as those are; see `ControlNet.load`.

        It fills memory as long as it is referred to, and serves until the transformer is replaced.
        """
        quantization = None if self._placement is None else self._placement.quantization
        return ControlNet.load(path, self.transformer, quantization)

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

    def compile(self, *, dynamic: bool = True, backend: str = "inductor") -> None:
        """Compiles the transformer block at the next call; one code serves all, streamed ones too. See `warm_up`.

        Products of quantised matrices that cannot be compiled become others; `uncompile` leaves them. While LoRAs act
        beside the weights, blocks run as if they were not compiled; fused ones keep the compiled code.

        Args:
            dynamic: one code for all image sizes and caption lengths; otherwise one for each.
            backend: backend of torch.compile.
        """
        self._lora_stack.pause()
        make_compilable(self.transformer)
        for block in self.transformer.blocks():
            block.compile(fullgraph=True, dynamic=dynamic, backend=backend)
        self._lora_stack.rest()

    def uncompile(self) -> None:
        """Reverts `compile`."""
        self._lora_stack.pause()
        for block in self.transformer.blocks():
            block._compiled_call_impl = None  # noqa: SLF001 — torch has no other way back
        self._lora_stack.rest()
