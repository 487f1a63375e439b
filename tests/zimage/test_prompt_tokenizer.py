"""Prompts in their template, tokenized as transformers does it."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zimage.errors import ConfigError
from zimage.prompt_tokenizer import load_tokenizer

NANO = Path(__file__).parents[2] / "Z-Image" / "ckpts" / "zimage-nano" / "tokenizer"


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


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tokenizer.json", None, "does not exist"),
        ("tokenizer.json", "{", "is damaged"),
        ("tokenizer_config.json", "[", "cannot be read as JSON"),
        ("tokenizer_config.json", "[]", "must hold a JSON object"),
        ("chat_template.jinja", None, "has no chat template"),
        ("chat_template.jinja", "{% for %}", "the chat template of .* is damaged"),
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
