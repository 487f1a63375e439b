"""Prompts to tokens: a model's chat template and its tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zimage.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import Template
    from tokenizers import Encoding, Tokenizer

TEMPLATE_FILE, SETTINGS_FILE, TOKENIZER_FILE = "chat_template.jinja", "tokenizer_config.json", "tokenizer.json"
SPECIAL_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")


class PromptTokenizer:
    """A tokenizer and the template that a prompt is put into: one message of a user, to be answered with thinking."""

    def __init__(self, tokenizer: Tokenizer, template: Template) -> None:
        self._tokenizer = tokenizer
        self._template = template

    def in_template(self, prompt: str) -> str:
        """Returns the text that is tokenized."""
        messages = [{"role": "user", "content": prompt}]
        return self._template.render(messages=messages, add_generation_prompt=True, enable_thinking=True)

    def encode(self, text: str) -> Encoding:
        """Tokenizes a text that is in its template, to ids and offsets in characters."""
        return self._tokenizer.encode(text, add_special_tokens=True)


def load_tokenizer(folder: Path) -> PromptTokenizer:
    """Loads a tokenizer; templates run in a sandbox.

    Raises:
        ConfigError: a file is missing or damaged; the message names it.
    """
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from tokenizers import Tokenizer

    file = folder / TOKENIZER_FILE
    if not file.is_file():
        raise ConfigError(f"{file} does not exist")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain Exception
        raise ConfigError(f"{file} is damaged: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    settings = _read_settings(folder / SETTINGS_FILE)
    text = _read_template(folder, settings)
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {name: _content(settings.get(name)) for name in SPECIAL_TOKENS}
    try:
        return PromptTokenizer(tokenizer, environment.from_string(text))
    except TemplateError as error:
        raise ConfigError(f"the chat template of {folder} is damaged: {error}") from error


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
        text = file.read_text("utf-8") if file.is_file() else settings.get("chat_template")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    if not isinstance(text, str):
        raise ConfigError(f"{folder} has no chat template, neither in {TEMPLATE_FILE} nor in {SETTINGS_FILE}")
    return text


def _content(token: object) -> object:
    return token.get("content") if isinstance(token, dict) else token
