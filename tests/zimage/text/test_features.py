"""Features of prompts: encoded or given, and as many negative ones."""

from __future__ import annotations

import pytest
import torch
from zimage.text.features import FeatureReader


class Encoder:
    """Gives each prompt as many tokens as it has characters."""

    def encode(self, prompts, max_tokens):
        return [torch.ones(min(len(prompt), max_tokens), 4) for prompt in prompts]


@pytest.fixture
def reader() -> FeatureReader:
    return FeatureReader(Encoder(), 5, torch.device("cpu"), torch.float16)


def test_prompts_are_encoded_up_to_the_limit_and_typed(reader):
    one, long = reader.read(["abc", "abcdefgh"], None)
    assert (len(one), len(long), one.dtype) == (3, 5, torch.float16)
    assert len(reader.read("ab", None)) == 1


def test_given_features_are_taken_as_they_are(reader):
    given = torch.rand(7, 4)
    assert torch.equal(reader.read(None, [given])[0], given.half())


def test_one_negative_prompt_stands_for_all_and_none_is_empty(reader):
    assert [len(one) for one in reader.read_negative("ab", None, 3)] == [2, 2, 2]
    assert [len(one) for one in reader.read_negative(None, None, 2)] == [0, 0]
    assert [len(one) for one in reader.read_negative(["a", "bc"], None, 2)] == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((None, None), "not both"), (("a", [torch.zeros(1, 4)]), "not both"), (([], None), "no prompt")],
)
def test_either_prompts_or_features(reader, arguments, words):
    with pytest.raises(ValueError, match=words):
        reader.read(*arguments)


def test_as_many_negative_prompts(reader):
    with pytest.raises(ValueError, match="as many negative"):
        reader.read_negative(["a"], None, 2)
