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
    assert counted.limit == 512
    assert counted.truncated == (counted.tokens > 512)


def test_models_that_cannot_count(counter, settings):
    with pytest.raises(UnknownModel):
        counter.count("a", "sdxl")
    with pytest.raises(ModelNotInstalled):
        counter.count("a", "z-image-turbo")
    with pytest.raises(ModelBroken):  # the fake folder has no tokenizer
        TokenCounter(Catalogue(settings)).count("a", "auto")
