"""Captions are batched with others that are about as long."""

from itertools import cycle, islice
from random import Random

import pytest
from training.nano.dataset.captions.source import Example
from training.nano.dataset.scenes import UNSPECIFIED, Scene
from training.nano.text import training
from training.nano.text.tokenizer import build_tokenizer, byte_vocabulary
from training.nano.text.training import LONGEST, LengthBuckets, draw_by_length

LENGTHS = (3, 9, 20, 44, 70, 400)


@pytest.fixture
def draw():
    captions = cycle("x" * length for length in LENGTHS)
    return lambda: Example(next(captions), Scene(0, 0, 1, UNSPECIFIED))


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(byte_vocabulary(), [])


def test_a_batch_pads_to_one_length_and_every_length_comes(draw, tokenizer):
    buckets = LengthBuckets(draw, tokenizer)
    seen = set()
    for _ in range(60):
        examples, ids, lengths = buckets.take(4)
        assert len(examples) == len(ids) == len(lengths) == 4
        padded = {-(-length // 32) for length in lengths.tolist()}
        assert len(padded) == 1
        seen |= {len(example.caption) for example in examples}
    assert seen == set(LENGTHS) - {400}


def test_batches_have_about_as_many_tokens_however_long_their_captions_are(draw, tokenizer, monkeypatch):
    monkeypatch.setattr(training, "POOL", 60)
    monkeypatch.setattr(training, "TOKENS_A_BATCH", 600)
    batches = list(islice(draw_by_length(draw, tokenizer, Random(0)), 40))
    for examples, ids, lengths in batches:
        assert ids.numel() <= 600
        assert ids.shape == (len(examples), int(lengths.max()))
        assert int(lengths.max()) <= LONGEST
    assert {len(example.caption) for examples, _, _ in batches for example in examples} == set(LENGTHS) - {400}
