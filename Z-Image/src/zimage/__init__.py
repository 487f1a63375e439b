"""The Z-Image model family, without web, queue or globals.

Models and pipeline are imported on first use: `zimage.config` and the headers of weights need no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zimage.adapters.controlnet import ControlNet
    from zimage.adapters.controls import Control
    from zimage.autoencoder import AutoencoderKL
    from zimage.outputs import PipelineOutput, StepEvent
    from zimage.pipeline import ZImagePipeline
    from zimage.scheduler import FlowMatchEulerDiscreteScheduler
    from zimage.transformer import ZImageTransformer2DModel

__all__ = [
    "AutoencoderKL",
    "Control",
    "ControlNet",
    "FlowMatchEulerDiscreteScheduler",
    "PipelineOutput",
    "StepEvent",
    "ZImagePipeline",
    "ZImageTransformer2DModel",
]
__version__ = "0.1.0"

_MODULES = {
    "AutoencoderKL": "zimage.autoencoder",
    "Control": "zimage.adapters.controls",
    "ControlNet": "zimage.adapters.controlnet",
    "FlowMatchEulerDiscreteScheduler": "zimage.scheduler",
    "PipelineOutput": "zimage.outputs",
    "StepEvent": "zimage.outputs",
    "ZImagePipeline": "zimage.pipeline",
    "ZImageTransformer2DModel": "zimage.transformer",
}


def __getattr__(name: str) -> object:
    """Imports the module of an exported name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """Lists the exported names too."""
    return sorted({*globals(), *__all__})
