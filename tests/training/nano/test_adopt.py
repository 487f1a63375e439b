"""Starting from published weights."""

import torch
from training.nano.adopt import embeddings_for, loud
from training.nano.layout import LOUDNESS, TextSizes, build_text_encoder
from training.nano.text.reading import quieten


def test_a_loud_encoder_made_quiet_again_is_the_published_one():
    torch.manual_seed(0)
    model = build_text_encoder(TextSizes(hidden=64, intermediate=32, layers=6, heads=1), 20).requires_grad_(False)
    published = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(loud(published))
    assert float(model.embed_tokens.weight.std()) > 10 * float(published["embed_tokens.weight"].std())
    quieten(model, LOUDNESS)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, published[name])


def test_new_tokens_start_between_their_parts():
    adopted = {"tokens": ["a", "b", "c"], "text_encoder": {"embed_tokens.weight": torch.eye(3)}}
    rows = embeddings_for(["a", "b", "ab", "c", "abc"], adopted, {"ab": ("a", "b"), "abc": ("ab", "c")})
    assert rows[2].tolist() == [0.5, 0.5, 0]
    assert rows[4].tolist() == [0.25, 0.25, 0.5]
    assert torch.equal(rows[[0, 1, 3]], torch.eye(3))
