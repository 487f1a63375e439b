"""The tokenizer: byte-level BPE, a chat template, and registers at its end.

The text encoder is causal, so tokens that follow the prompt have seen all of it. The chat
template therefore ends its generation prompt with register tokens, learned queries (as in
MetaQueries, arXiv 2504.06256) in which the encoder gathers what the picture should show:
one for the whole scene, then one for each cell of a 4 x 4 grid over the picture.
The template also trims the prompt and lowers its case.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

from training.nano.dataset.captions.source import is_chinese
from training.nano.dataset.scenes import CELLS

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
REGISTERS = tuple(f"<|register_{index}|>" for index in range(1 + CELLS * CELLS))
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + ' ' + (message['content'] | trim | lower) + '<|im_end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '" + "".join(REGISTERS) + "' }}{% endif %}"
)


def training_pieces(captions: Iterable[str], chinese_words: Iterable[str]) -> Iterator[str]:
    """What the merges are learned from.

    English words stand with the space before them. Chinese text is given character by
    character, so that merges never bind a thing's name to its neighbours; only the words
    named here may become one token.
    """
    for caption in captions:
        text = " " + caption.lower()
        yield "".join(" " if is_chinese(character) else character for character in text)
        yield from (character for character in text if is_chinese(character))
    for word in chinese_words:
        yield from [word] * 200


def train_merges(pieces: Iterable[str], vocab_size: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Learns the byte-level vocabulary (without special tokens) and its merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _pieces_of_words()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(pieces, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [(left, right) for left, right in model["merges"]]


def extend_merges(
    vocab: dict[str, int], merges: Sequence[tuple[str, str]], pieces: Iterable[str], vocab_size: int
) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Goes on merging where a vocabulary ended; what it has keeps its numbers and its merges."""
    vocab, merges = dict(vocab), list(merges)
    segment = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    segment.pre_tokenizer = _pieces_of_words()
    counts = Counter(word for piece in pieces for word, _ in segment.pre_tokenizer.pre_tokenize_str(piece))
    words = [([token.value for token in segment.model.tokenize(word)], count) for word, count in counts.items()]
    pairs: Counter[tuple[str, str]] = Counter()
    where: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for index, (tokens, count) in enumerate(words):
        for pair in pairwise(tokens):
            pairs[pair] += count
            where[pair].add(index)
    while len(vocab) < vocab_size and pairs:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        vocab.setdefault("".join(best), len(vocab))
        merges.append(best)
        for index in where.pop(best):
            tokens, count = words[index]
            merged = _merge(tokens, best)
            pairs.subtract({pair: count * number for pair, number in Counter(pairwise(tokens)).items()})
            for pair in pairwise(merged):
                pairs[pair] += count
                where[pair].add(index)
            words[index] = (merged, count)
        del pairs[best]
    return vocab, merges


def _merge(tokens: Sequence[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for token in tokens:
        if merged and (merged[-1], token) == pair:
            merged[-1] += token
        else:
            merged.append(token)
    return merged


def _pieces_of_words() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(" ", behavior="merged_with_next"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )


def build_tokenizer(vocab: dict[str, int], merges: list[tuple[str, str]]) -> Qwen2Tokenizer:
    """A Qwen2 tokenizer with our vocabulary, special tokens and chat template."""
    tokenizer = Qwen2Tokenizer(vocab=vocab, merges=merges, model_max_length=1024)
    tokenizer.add_special_tokens({"additional_special_tokens": [*SPECIAL_TOKENS[1:], *REGISTERS]})
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def byte_vocabulary() -> dict[str, int]:
    """The 256 byte symbols alone."""
    return {symbol: index for index, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}


def as_chat(prompt: str) -> str:
    """What the chat template makes of a prompt, without a tokenizer at hand."""
    return "<|im_start|> " + prompt.strip().lower() + "<|im_end|>" + "".join(REGISTERS)
