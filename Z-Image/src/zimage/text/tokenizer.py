"""Prompts to tokens: a model's chat template and its tokenizer."""

from __future__ import annotations

import json
import lzma
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zimage.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Template
    from tokenizers import Encoding, Tokenizer

TEMPLATE_FILE, SETTINGS_FILE, TOKENIZER_FILE = "chat_template.jinja", "tokenizer_config.json", "tokenizer.json"
EMBEDDED = "qwen3-tokenizer.json.xz"
QWEN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{{ '<|im_start|>assistant\\n' }}"  # an expression: a template's last line break is dropped
)
SPECIAL_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")


class PromptTokenizer:
    """A tokenizer and the template that a prompt is put into: one message of a user, to be answered with thinking."""

    def __init__(self, tokenizer: Tokenizer, template: Template) -> None:
        self._tokenizer = tokenizer
        self._template = template

    @property
    def n_tokens(self) -> int:
        """Size of the vocabulary, added tokens included."""
        return self._tokenizer.get_vocab_size(with_added_tokens=True)

    def in_template(self, prompt: str) -> str:
        """Returns the text that is tokenized."""
        messages = [{"role": "user", "content": prompt}]
        return self._template.render(messages=messages, add_generation_prompt=True, enable_thinking=True)

    def encode(self, text: str) -> Encoding:
        """Tokenizes a text that is in its template, to ids and offsets in characters."""
        return self._tokenizer.encode(text, add_special_tokens=True)


def load_embedded_tokenizer() -> PromptTokenizer:
    """Loads Qwen3's tokenizer, which comes with the library: files of weights alone bring none."""
    from tokenizers import Tokenizer

    packed = resources.files("zimage.assets").joinpath(EMBEDDED).read_bytes()
    return _in_template(Tokenizer.from_str(lzma.decompress(packed).decode()), QWEN_TEMPLATE, {})


def load_tokenizer(folder: Path) -> PromptTokenizer:
    """Loads a tokenizer; templates run in a sandbox.

    Raises:
        ConfigError: a file is missing or damaged; the message names it.
    """
    from tokenizers import Tokenizer

    file = folder / TOKENIZER_FILE
    if not file.is_file():
        raise ConfigError(f"{file} does not exist")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain Exception
        raise ConfigError(f"{file} is damaged: {error}") from error
    settings = _read_settings(folder / SETTINGS_FILE)
    template = _read_template(folder, settings)
    try:
        loaded = _in_template(tokenizer, template, settings)
        loaded.in_template("")
    except Exception as error:  # what a template may do wrong has no end, and no common base
        raise ConfigError(f"the chat template of {folder} is damaged: {error}") from error
    return loaded


def _in_template(tokenizer: Tokenizer, template: str, settings: dict[str, Any]) -> PromptTokenizer:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    tokenizer.no_truncation()
    tokenizer.no_padding()
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {name: _content(settings.get(name)) for name in SPECIAL_TOKENS}
    return PromptTokenizer(tokenizer, environment.from_string(template))


def _read_settings(file: Path) -> dict[str, Any]:
    try:
        settings = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file} cannot be read as JSON: {error}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{file} must hold a JSON object")
    return settings


def _read_template(folder: Path, settings: dict[str, Any]) -> str:
    file = folder / TEMPLATE_FILE
    try:
        text = file.read_text("utf-8") if file.is_file() else _named_template(settings.get("chat_template"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    if not isinstance(text, str):
        raise ConfigError(f"{folder} has no chat template, neither in {TEMPLATE_FILE} nor in {SETTINGS_FILE}")
    return text


def _named_template(template: object) -> object:
    """Returns the default of several templates."""
    if not isinstance(template, list):
        return template
    named = [one for one in template if isinstance(one, dict) and one.get("name") == "default"]
    return named[0].get("template") if named else None


def _content(token: object) -> object:
    return token.get("content") if isinstance(token, dict) else token
