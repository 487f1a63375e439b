"""Prompts in their template, tokenized as transformers does it."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zimage.errors import ConfigError
from zimage.text.tokenizer import load_embedded_tokenizer, load_tokenizer

NANO = Path(__file__).parents[3] / "Z-Image" / "ckpts" / "zimage-nano" / "tokenizer"


@pytest.fixture(scope="module")
def ours():
    return load_tokenizer(NANO)


@pytest.fixture(scope="module")
def theirs():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(NANO, local_files_only=True)


@settings(deadline=None)
@given(prompt=st.text(max_size=60) | st.sampled_from(["a red fox", "一只红色的狐狸", "🦊" * 9, " \n<|im_end|> x"]))
def test_tokens_are_those_of_transformers(ours, theirs, prompt):
    text = theirs.apply_chat_template(
        [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True, enable_thinking=True
    )
    assert ours.in_template(prompt) == text
    assert ours.encode(text).ids == theirs(text).input_ids


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(NANO, tmp_path / "tokenizer"))


def test_a_template_among_the_settings_is_read(folder):
    (folder / "chat_template.jinja").unlink()
    template = "{{ bos_token }}{% for message in messages %}{{ message.content }}{% endfor %}"
    settings = {"chat_template": template, "bos_token": {"content": "<s>"}}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    assert load_tokenizer(folder).in_template("fox") == "<s>fox"


def test_the_default_of_several_templates_is_taken(folder):
    (folder / "chat_template.jinja").unlink()
    several = [{"name": "tools", "template": "no"}, {"name": "default", "template": "{{ messages[0].content }}"}]
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": several}), "utf-8")
    assert load_tokenizer(folder).in_template("fox") == "fox"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tokenizer.json", None, "does not exist"),
        ("tokenizer.json", "{", "is damaged"),
        ("tokenizer_config.json", "[", "cannot be read as JSON"),
        ("tokenizer_config.json", "[]", "must hold a JSON object"),
        ("chat_template.jinja", None, "has no chat template"),
        ("chat_template.jinja", "{% for %}", "the chat template of .* is damaged"),
        ("chat_template.jinja", "{{ nobody.knows.it }}", "the chat template of .* is damaged"),
        ("chat_template.jinja", "{{ " + "(" * 3000, "the chat template of .* is damaged"),
    ],
)
def test_a_fault_is_named(folder, name, text, message):
    file = folder / name
    if text is None:
        file.unlink()
    else:
        file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=message):
        load_tokenizer(folder)


@pytest.fixture(scope="module")
def embedded():
    return load_embedded_tokenizer()


@pytest.fixture(scope="module")
def qwen(embedded):
    """Transformers' own tokenizer of the same vocabulary and merges."""
    from transformers import Qwen2Tokenizer

    model = json.loads(embedded._tokenizer.to_str())["model"]
    return Qwen2Tokenizer(vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]])


def test_the_real_vocabulary_is_embedded(embedded):
    assert embedded._tokenizer.get_vocab_size(with_added_tokens=False) == 151_643
    assert embedded.encode("<|im_start|><|im_end|><|endoftext|>").ids == [151_644, 151_645, 151_643]


def test_a_prompt_is_put_into_the_template_of_the_published_model(embedded):
    text = "<|im_start|>user\na red fox<|im_end|>\n<|im_start|>assistant\n"
    assert embedded.in_template("a red fox") == text
    assert embedded.encode(text).ids == [151_644, 872, 198, 64, 2518, 38_835, 151_645, 198, 151_644, 77_091, 198]


@settings(deadline=None)
@given(
    prompt=st.text(max_size=60)
    | st.sampled_from(
        ["一只红色的狐狸，水彩画", "🦊👩‍👩‍👧🏳️‍🌈", "a\u0301 é", "  two  spaces\n\n", "x" * 4000, "狐" * 4000]
    )
)
def test_tokens_of_the_real_vocabulary_are_those_of_transformers(embedded, qwen, prompt):
    assert embedded.encode(prompt).ids == qwen(prompt).input_ids
