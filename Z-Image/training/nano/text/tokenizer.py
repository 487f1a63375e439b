"""The tokenizer: byte-level BPE, a chat template, and registers at its end.

The text encoder is causal, so tokens that follow the prompt have seen all of it. The chat
template therefore ends its generation prompt with register tokens, learned queries (as in
MetaQueries, arXiv 2504.06256) in which the encoder gathers what the picture should show:
one for the whole scene, then one for each cell of a 4 x 4 grid over the picture.
The template also trims the prompt and lowers its case.
"""

import json
from collections.abc import Iterable, Iterator

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

from training.nano.dataset.scenes import CELLS

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
REGISTERS = tuple(f"<|register_{index}|>" for index in range(1 + CELLS * CELLS))
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + ' ' + (message['content'] | trim | lower) + '<|im_end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '" + "".join(REGISTERS) + "' }}{% endif %}"
)


def is_chinese(character: str) -> bool:
    """True for CJK ideographs."""
    return "\u4e00" <= character <= "\u9fff"


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
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(" ", behavior="merged_with_next"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(pieces, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [(left, right) for left, right in model["merges"]]


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
