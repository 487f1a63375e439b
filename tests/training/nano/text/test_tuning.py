"""A tuned text encoder begins where the published one stands."""

import pytest
import torch
from training.nano.adopt import loud
from training.nano.layout import LEARNED_LAYERS, TextSizes, build_text_encoder
from training.nano.text.forward import encode_ids
from training.nano.text.published import Reader
from training.nano.text.tuning import Drafts, expect_loudness


@pytest.fixture
def published():
    """With drafting layers that attend to nothing, as training leaves them."""
    torch.manual_seed(0)
    model = build_text_encoder(TextSizes(hidden=64, intermediate=32, heads=1), 20).requires_grad_(False)
    for layer in list(model.layers)[LEARNED_LAYERS:]:
        layer.self_attn.o_proj.weight.zero_()
    return model


def test_drafts_of_loud_layers_are_read_as_the_published_ones(published):
    reader = Reader(torch.randn(256, 64), torch.randn(256))
    tuned = build_text_encoder(TextSizes(hidden=64, intermediate=32, heads=1), 20).requires_grad_(False)
    tuned.load_state_dict(loud(published.state_dict()))
    expect_loudness(tuned)
    ids = torch.arange(12)[None]
    wanted = reader(encode_ids(published, ids))
    read = Drafts(tuned, reader)(encode_ids(tuned, ids, LEARNED_LAYERS))
    torch.testing.assert_close(read, wanted, atol=1e-4, rtol=1e-4)
    assert float(wanted.std()) > 0.5
