"""The fast forward against diffusers' own: what makes trained weights valid."""

import pytest
import torch
from training.nano.layout import TransformerSizes, build_transformer
from training.nano.transformer.forward import forward, patchify, prepare_start, unpatchify


@pytest.fixture
def transformer():
    torch.manual_seed(0)
    model = build_transformer(TransformerSizes(dim=64, layers=2, refiner_layers=1), 32).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model.requires_grad_(False)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 24), (32, 16)])
@pytest.mark.parametrize("longest", [32, 64])
def test_transformer_equals_diffusers(transformer, height, width, longest):
    torch.manual_seed(1)
    lengths = (longest - 9, longest)
    captions = [torch.randn(length, 32) for length in lengths]
    features = torch.nn.utils.rnn.pad_sequence(captions, batch_first=True)
    real = torch.arange(longest) < torch.tensor(lengths)[:, None]
    latents, time = torch.randn(2, 16, height, width), torch.tensor([0.1, 0.8])
    expected = transformer([latent[:, None] for latent in latents], time, captions, return_dict=False)[0]
    output = forward(transformer, latents, time, features, real)
    assert float((output - torch.stack(list(expected))[:, :, 0]).abs().max()) < 1e-4


def test_lengths_that_diffusers_would_pad_are_refused(transformer):
    with pytest.raises(ValueError, match="multiples of 32"):
        forward(
            transformer,
            torch.zeros(1, 16, 6, 6),
            torch.zeros(1),
            torch.zeros(1, 32, 32),
            torch.ones(1, 32, dtype=torch.bool),
        )


def test_patchify_is_undone():
    latents = torch.randn(2, 16, 8, 12)
    assert torch.equal(unpatchify(patchify(latents), 8, 12), latents)


def test_prepared_transformer_predicts_zero(transformer):
    prepare_start(transformer)
    output = forward(
        transformer,
        torch.randn(1, 16, 16, 16),
        torch.zeros(1),
        torch.randn(1, 32, 32),
        torch.ones(1, 32, dtype=torch.bool),
    )
    assert float(output.abs().max()) == 0
