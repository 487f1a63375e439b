"""The repeated block through the real compiler: one code for every block, size and caption, with equal predictions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from zimage.transformer import ZImageTransformer2DModel

from tests.zimage.peers import TINY, TOLERANCE, both_transformers, largest_difference

COMPILER = os.environ.get("CXX", "g++")
CASES = [((8, 16), 20), ((12, 16), 40), ((6, 10), 70)]

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # the compiler's own
    pytest.mark.skipif(shutil.which(COMPILER) is None, reason=f"torch.compile needs {COMPILER}"),
]


@pytest.fixture
def _compiler_of_its_own(tmp_path, monkeypatch) -> Iterator[None]:
    """Compiles anew, in this process, beside no code of other tests, and leaves none behind."""
    torch.compiler.reset()
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    with torch._inductor.config.patch(compile_threads=1):
        yield
    torch.compiler.reset()


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(shape[-1]))


@torch.inference_mode()
def predictions(model: ZImageTransformer2DModel) -> list[Tensor]:
    time = torch.tensor([0.3])
    return [model([noise(16, 1, *size)], time, [noise(length, 24)])[0][0] for size, length in CASES]


@pytest.mark.slow
@pytest.mark.usefixtures("_compiler_of_its_own")
def test_one_code_serves_every_block_and_size_and_gives_the_same():
    model = both_transformers(**TINY)[1]
    expected = predictions(model)
    for block in model.blocks():
        block.compile(fullgraph=True, dynamic=True)
    with torch._dynamo.config.patch(error_on_recompile=True):  # a second code would be an error
        given = predictions(model)
    assert largest_difference(given, expected) <= TOLERANCE
