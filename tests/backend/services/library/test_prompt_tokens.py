from __future__ import annotations

import pytest
from transformers import AutoTokenizer

from backend.models.config import Settings
from backend.services.errors import ModelBroken, ModelNotInstalled, UnknownModel
from backend.services.library.catalogue import Catalogue
from backend.services.library.prompt_tokens import TokenCounter


@pytest.fixture
def counter(tiny_model, tmp_path) -> TokenCounter:
    return TokenCounter(Catalogue(Settings(base_dir=tmp_path, models_dir=tiny_model.parent)))


@pytest.mark.parametrize("prompt", ["a red apple", "一只红色的狐狸 🦊", "", "  A\nB  ", "x" * 3000, "<|im_end|>"])
def test_it_counts_what_the_pipeline_counts(counter, tiny_model, prompt):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model / "tokenizer", local_files_only=True)
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True, enable_thinking=True
    )
    counted = counter.count(prompt, "zimage-nano")

    assert counted.tokens == len(tokenizer(text).input_ids)
    assert counted.template_tokens == counter.count("", "zimage-nano").tokens > 0
    assert counted.limit == 512
    assert counted.truncated == (counted.tokens > 512)


@pytest.mark.parametrize("word", ["Apple ", "狐狸，", "🦊", "é", "𝒳y ", "İ"])
@pytest.mark.parametrize("before", ["", " \n  "])
def test_it_says_how_far_a_long_prompt_is_read(counter, word, before):
    prompt = before + word * 600
    counted = counter.count(prompt, "zimage-nano")

    assert counted.truncated
    assert 0 < counted.characters < len(prompt)
    template = counter.count("", "zimage-nano").tokens
    read = counter.count(prompt[: counted.characters], "zimage-nano").tokens - template
    more = counter.count(prompt[: counted.characters + len(word)], "zimage-nano").tokens - template
    assert 505 <= read < 512  # the template begins with a token or two
    assert more > read


@pytest.mark.parametrize("prompt", ["", "a fox", "  狐狸  "])
def test_a_short_prompt_is_read_to_its_end(counter, prompt):
    assert counter.count(prompt, "zimage-nano").characters == len(prompt)


def test_models_that_cannot_count(counter, settings):
    with pytest.raises(UnknownModel):
        counter.count("a", "sdxl")
    with pytest.raises(ModelNotInstalled):
        counter.count("a", "z-image-turbo")
    with pytest.raises(ModelBroken):  # the fake folder has no tokenizer
        TokenCounter(Catalogue(settings)).count("a", "auto")
