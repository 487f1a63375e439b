"""Settings of the model's parts and of a request; unknown keys are errors."""

from zimage.config.inference import InferenceSettings
from zimage.config.model import SchedulerConfig, TransformerConfig, VaeConfig
from zimage.config.text_encoder import TextEncoderConfig

__all__ = ["InferenceSettings", "SchedulerConfig", "TextEncoderConfig", "TransformerConfig", "VaeConfig"]
