"""Tokenizers and prompt templates of model folders, without torch or transformers.

Belongs here: encoding with offsets, decoding, rendering a prompt. Does not belong here: cutting traces
(:mod:`cot_assets.sampling.cuts`) and sampling.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from cot_assets.engines.base import Encoding, EngineError


class ModelTokenizer:
    """The ``tokenizer.json`` of a folder together with its special tokens and chat template."""

    def __init__(
        self,
        folder: Path,
        template: str = "chat",
        *,
        add_bos: bool = False,
        template_args: Mapping[str, Any] | None = None,
    ) -> None:
        """Load from ``folder``; ``template`` is 'chat' or a text with ``{statement}``.

        ``template_args`` are passed to a chat template, such as ``enable_thinking``.

        Raises :class:`EngineError` where the folder lacks what the template needs.
        """
        file = folder / "tokenizer.json"
        if not file.exists():
            raise EngineError(f"{folder} has no tokenizer.json; save the model with its fast tokenizer")
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises nothing narrower
            raise EngineError(f"{file} cannot be read: {error}; copy the model again") from error
        self._folder, self._template, self._template_args = folder, template, dict(template_args or {})
        self._settings = _read_json(folder / "tokenizer_config.json")
        self.bos = _token(self._settings.get("bos_token"))
        self.eos_token_ids = self._find_eos()
        bos_id = None if self.bos is None else self._tokenizer.token_to_id(self.bos)
        if add_bos and bos_id is None:
            raise EngineError(f"{folder}: add_bos is set, but tokenizer_config.json names no bos_token")
        self._head = (bos_id,) if add_bos and bos_id is not None else ()

    def _find_eos(self) -> tuple[int, ...]:
        """The ids that end a completion: those of generation_config.json, else the EOS token."""
        configured = _read_json(self._folder / "generation_config.json").get("eos_token_id")
        if isinstance(configured, int):
            return (configured,)
        if configured:
            return tuple(int(token) for token in configured)
        eos = _token(self._settings.get("eos_token"))
        token_id = None if eos is None else self._tokenizer.token_to_id(eos)
        if token_id is None:
            raise EngineError(
                f"{self._folder}: neither generation_config.json nor the tokenizer names an EOS"
            )
        return (token_id,)

    def encode(self, text: str) -> Encoding:
        """Token ids without special tokens, with offsets in characters."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Encoding(tuple(encoding.ids), tuple(encoding.offsets))

    def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
        """Text of token ids, special tokens left out unless they are asked for."""
        return self._tokenizer.decode(list(token_ids), skip_special_tokens=not with_special)

    @property
    def adds_bos(self) -> bool:
        """Whether encoding a text with special tokens, as servers do, puts the BOS before it."""
        ids = self._tokenizer.encode("a", add_special_tokens=True).ids
        return self.bos is not None and ids[:1] == [self._tokenizer.token_to_id(self.bos)]

    def render_prompt(self, statement: str) -> tuple[int, ...]:
        """Token ids of the prompt, the assistant's turn left open."""
        if self._template == "chat":
            return self.encode(self._chat(statement)).token_ids
        return self._head + self.encode(self._template.replace("{statement}", statement)).token_ids

    def _chat(self, statement: str) -> str:
        """The tokenizer's chat template with one user message and the generation prompt.

        The template comes with the weights, so it runs in jinja2's sandbox.
        """
        file = self._folder / "chat_template.jinja"
        source = file.read_text(encoding="utf-8") if file.exists() else self._settings.get("chat_template")
        if isinstance(source, list):  # several by name, of which one is for plain chat
            source = {t.get("name"): t.get("template") for t in source}.get("default")
        if not isinstance(source, str):
            raise EngineError(
                f"{self._folder} has no chat template; set `template` in models.toml to a text with {{statement}}"
            )
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        try:
            return environment.from_string(source).render(
                **self._template_args,
                messages=[{"role": "user", "content": statement}],
                add_generation_prompt=True,
                bos_token=self.bos or "",
                eos_token=_token(self._settings.get("eos_token")) or "",
            )
        except Exception as error:  # a template is a program: it may fail in any way
            raise EngineError(f"{self._folder}: the chat template cannot be rendered: {error}") from error


def _read_json(file: Path) -> Mapping[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    except ValueError as error:
        raise EngineError(f"{file} is not valid JSON: {error}; copy the model again") from error


def _token(value: object) -> str | None:
    """A special token as tokenizer_config.json writes it: a string, or a mapping with ``content``."""
    if isinstance(value, Mapping):
        return str(value["content"])
    return None if value is None else str(value)
