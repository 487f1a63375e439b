"""The Z-Image model family, without web, queue or globals."""

from zimage.autoencoder import AutoencoderKL
from zimage.pipeline import PipelineOutput, StepEvent, ZImagePipeline
from zimage.scheduler import FlowMatchEulerDiscreteScheduler
from zimage.transformer import ZImageTransformer2DModel

__all__ = [
    "AutoencoderKL",
    "FlowMatchEulerDiscreteScheduler",
    "PipelineOutput",
    "StepEvent",
    "ZImagePipeline",
    "ZImageTransformer2DModel",
]
__version__ = "0.1.0"
