"""The fast forward against transformers' own: what makes trained weights valid."""

import torch
from training.nano.layout import TextSizes, build_text_encoder
from training.nano.text.forward import encode_ids


def test_text_encoder_equals_transformers():
    torch.manual_seed(0)
    model = (
        build_text_encoder(TextSizes(hidden=64, intermediate=96, layers=3, heads=2), 50).eval().requires_grad_(False)
    )
    ids, mask = torch.randint(0, 50, (2, 12)), torch.ones(2, 12, dtype=torch.long)
    mask[1, 7:] = 0
    expected = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states[-2]
    output = encode_ids(model, ids)
    torch.testing.assert_close(output[0], expected[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(output[1, :7], expected[1, :7], atol=1e-5, rtol=0)
