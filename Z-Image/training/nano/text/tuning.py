"""Teaches a published text encoder to understand more, so that its transformer reads what it is used to.

All layers that Z-Image reads learn at once, from where they are: a plain caption is read rightly from the first step
on. Heads on the learned layers' registers tell things apart sooner than the drafts alone would.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, mse_loss
from transformers import Qwen2Tokenizer, Qwen3Model

from training.loop.average import Average
from training.loop.checkpoints import load_checkpoint, save_atomically
from training.loop.log import Log
from training.loop.optimisers import Optimisers, split_parameters
from training.loop.precision import fast_products
from training.loop.run import Run
from training.loop.team import Team
from training.nano.dataset.captions.source import CaptionSource, Example
from training.nano.dataset.latents import load_cache
from training.nano.dataset.material import read_items
from training.nano.layout import LEARNED_LAYERS, LOUDNESS
from training.nano.sampling import tokenize
from training.nano.text.codes import build_codes
from training.nano.text.drafts import CHECKPOINT as FINISHED
from training.nano.text.drafts import normed
from training.nano.text.forward import encode_ids, split_tokens
from training.nano.text.published import END, Published, Reader
from training.nano.text.reading import EPS, quieten
from training.nano.text.training import (
    CHECKPOINT_EVERY_S,
    build,
    caption_source,
    draw_by_length,
    heads_loss,
    load_text_encoder,
    report_labels,
)

RATE = 0.01  # Muon's
WORDS_A_CAPTION = 2
READ_WEIGHT, WORD_WEIGHT = 1.0, 0.1
TEST_CAPTIONS, TEST_SEED = 300, 424_242


class Drafts(nn.Module):
    """The drafting layers' feed-forward parts, read as the published transformer reads them."""

    def __init__(self, model: Qwen3Model, reader: Reader) -> None:
        super().__init__()
        layers = list(model.layers)[LEARNED_LAYERS : model.config.num_hidden_layers - 1]
        self.mlps = nn.ModuleList(layer.mlp for layer in layers)
        self.read = reader

    def forward(self, x: Tensor) -> Tensor:
        """What is read from tokens (..., hidden) of the learned layers, (..., 256)."""
        x = LOUDNESS * x
        for mlp in self.mlps:
            x = x + mlp(normed(x))
        return linear(normed(x), self.read.weight, self.read.bias)


def expect_loudness(model: Qwen3Model) -> None:
    """Lets the learned layers' norms see loud tokens as they will see quiet ones, whose size is near their epsilon."""
    for layer in list(model.layers)[:LEARNED_LAYERS]:
        for norm in (layer.input_layernorm, layer.post_attention_layernorm):
            norm.variance_epsilon = EPS / LOUDNESS**2


def reading_losses(drafts: Drafts, tokens: Tensor, words: Tensor, wanted: Tensor, published: Published) -> Tensor:
    """Shares of the variance of ends, scenes, cells and words that are not read as wanted, (4,)."""
    read = drafts(tokens).float()
    own = drafts(words[torch.randperm(len(words))[: WORDS_A_CAPTION * len(tokens)]]).float()
    parts = (slice(0, END), slice(END, END + 1), slice(END + 1, None))
    errors = [mse_loss(read[:, part], wanted[:, part]) for part in parts]
    errors.append(mse_loss(own, published.words.expand_as(own)))
    return torch.stack(errors) / published.spread[[0, 1, 2, 2]]


def tune_text_encoder(adopted: dict[str, Any], work: Path, seconds: float, seed: int, team: Team) -> None:
    """Trains for a given time, resuming from `text.safetensors`; every save makes a finished text encoder."""
    torch.manual_seed(seed)
    items = read_items(work)
    tokenizer, model, heads = build(work, items)
    targets = build_codes(load_cache(work))
    published = Published(adopted.get("teacher", adopted), CaptionSource(items, seed), targets)
    expect_loudness(model)
    drafts = Drafts(model, published.reader)
    both = nn.ModuleDict({"model": model, "heads": heads})
    matrices, rest = split_parameters(both, ("embed_tokens", "heads"))
    optimisers = Optimisers.build(matrices, rest, muon_lr=RATE, adam_lr=0.15 * RATE, team=team)
    log = Log(work / "text.csv")
    run = Run(both, optimisers, Average(both, 0.99), work / "text.safetensors", log, team, seed)
    source = caption_source(work, items, run.seed)
    batches = draw_by_length(source.draw, tokenizer, source.random)
    for _ in run.lasting(seconds):
        examples, ids, lengths = next(batches)
        scenes = [example.scene for example in examples]
        wanted = published.wanted(scenes)
        with fast_products():
            features = encode_ids(model, ids, LEARNED_LAYERS)
            tokens, words = split_tokens(features, lengths, END)
            losses = reading_losses(drafts, tokens, words, wanted, published)
        loss, values = heads_loss(heads, tokens[:, END:].float(), scenes, targets)
        loss = loss + READ_WEIGHT * losses[:3].sum() + WORD_WEIGHT * losses[3]
        values |= dict(zip(("end", "scene", "cells", "words"), losses.detach(), strict=True))
        if run.advance(loss, values, decay=0.6, save_every_s=CHECKPOINT_EVERY_S):
            finish(work, published)


@torch.no_grad()
def finish(work: Path, published: Published) -> None:
    """Writes the averaged text encoder as the transformer's stage expects it, and says how well it is read."""
    tokenizer, model, _ = load_text_encoder(work)
    source = caption_source(work, read_items(work), TEST_SEED)
    quieten(model, LOUDNESS)
    share = explained(model, tokenizer, [source.draw() for _ in range(TEST_CAPTIONS)], published)
    print(f"of captions never seen {share:.3f} of the variance is read as wanted", flush=True)
    report_labels(work)
    reader = {"weight": published.reader.weight, "bias": published.reader.bias}
    step = load_checkpoint(work / "text.safetensors")["step"]
    save_atomically({"model": model.state_dict(), **reader, "explained": share, "step": step}, work / FINISHED)


def explained(model: Qwen3Model, tokenizer: Qwen2Tokenizer, examples: Sequence[Example], published: Published) -> float:
    """Share of the cells' variance that is read as wanted."""
    errors = []
    for example in examples:
        ids, lengths = tokenize(tokenizer, [example.caption])
        tokens, _ = split_tokens(published.reader(encode_ids(model, ids)), lengths, END)
        errors.append((tokens - published.wanted([example.scene]))[:, END + 1 :].square().mean())
    return 1 - float(torch.stack(errors).mean() / published.spread[-1])
