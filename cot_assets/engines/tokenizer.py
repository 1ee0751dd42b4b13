"""Tokenizers and prompt templates of model folders, without torch or transformers.

Belongs here: encoding with offsets, decoding, rendering a prompt. Does not belong here: cutting traces
(:mod:`cot_assets.sampling.cuts`) and sampling.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from cot_assets.engines.base import Encoding, EngineError
from cot_assets.engines.hub import TOKENIZER_FILES
from cot_assets.engines.templates import TemplateFailedError, render
from cot_assets.study import ModelEntry

#: Put before a text that goes on from another, where a tokenizer would begin it with a blank of its own.
_ANCHORS = ("\n", ".", "a", "0")


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
        # A file that was saved in the middle of training cuts and pads all that it encodes.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._folder, self._template, self._template_args = folder, template, dict(template_args or {})
        self._settings = _read_json(folder / "tokenizer_config.json")
        self.bos = _token(self._settings.get("bos_token"))
        self.eos_token_ids = self._find_eos()
        bos_id = None if self.bos is None else self._tokenizer.token_to_id(self.bos)
        if add_bos and bos_id is None:
            raise EngineError(f"{folder}: add_bos is set, but tokenizer_config.json names no bos_token")
        self._bos_id, self._needs_bos = bos_id, add_bos
        self.revision = self._revision()
        self._begins_with_blank = bool(self._anchored("1", _ANCHORS[0]) != self.encode("1"))
        model = _configuration(folder)
        #: Tokens that the model was made for, None where its folder does not say.
        self.context = stated_context(folder)
        highest = max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
        #: Ids below this are tokens; a model's own figure counts those that pad its vocabulary.
        self.vocabulary = max(highest + 1, _count(model.get("vocab_size")) or 0)

    @classmethod
    def of(cls, entry: ModelEntry, folder: Path) -> ModelTokenizer:
        """The tokenizer of an entry, whose files lie in ``folder``."""
        return cls(folder, entry.template, add_bos=entry.add_bos, template_args=entry.template_args)

    def _revision(self) -> str:
        """First 12 hex digits of a SHA-256 over what makes tokens of a statement, and what ends a completion."""
        prompting = json.dumps(
            [self._template, self._needs_bos, self._template_args], sort_keys=True, default=str
        )
        whole = hashlib.sha256(prompting.encode())
        for name in TOKENIZER_FILES:
            if (file := self._folder / name).exists():
                whole.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
        return whole.hexdigest()[:12]

    def _find_eos(self) -> tuple[int, ...]:
        """The ids that end a completion: those of generation_config.json, else the EOS token."""
        configured = _read_json(self._folder / "generation_config.json").get("eos_token_id")
        ids = configured if isinstance(configured, list) else [] if configured is None else [configured]
        if strange := [token for token in ids if not isinstance(token, int)]:
            raise EngineError(
                f"{self._folder / 'generation_config.json'}: eos_token_id holds {strange[0]!r:.80}, which is not a token id"
            )
        if ids:
            return tuple(ids)
        eos = _token(self._settings.get("eos_token"))
        token_id = None if eos is None else self._tokenizer.token_to_id(eos)
        if token_id is None:
            raise EngineError(
                f"{self._folder}: neither generation_config.json nor the tokenizer names an EOS"
            )
        return (token_id,)

    def encode(self, text: str) -> Encoding:
        """Token ids of a text from its beginning, without special tokens, with offsets in characters."""
        try:
            encoding = self._tokenizer.encode(text, add_special_tokens=False)
        except TypeError:
            raise EngineError(
                f"{self._folder}: {text[:80]!a} holds half a surrogate pair, which is no text: mend problem or template"
            ) from None
        return Encoding(tuple(encoding.ids), tuple(encoding.offsets))

    def encode_after(self, text: str) -> Encoding:
        """Token ids of a text that goes on from another.

        Without the blank that some tokenizers put before the beginning of a text: at a seam it would be part of
        what was written.
        """
        if self._begins_with_blank:
            for anchor in _ANCHORS:
                if (found := self._anchored(text, anchor)) is not None:
                    return found
        return self.encode(text)

    def _anchored(self, text: str, anchor: str) -> Encoding | None:
        """What an encoding of both holds after the anchor; None where a token spans the seam."""
        both, size = self.encode(anchor + text), len(anchor)
        n_before = sum(end <= size for _, end in both.offsets)
        if any(start < size for start, _ in both.offsets[n_before:]):
            return None
        offsets = tuple((start - size, end - size) for start, end in both.offsets[n_before:])
        return Encoding(both.token_ids[n_before:], offsets)

    def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
        """Text of token ids, special tokens left out unless they are asked for."""
        return self._tokenizer.decode(list(token_ids), skip_special_tokens=not with_special)

    @property
    def adds_bos(self) -> bool:
        """Whether encoding a text with special tokens, as servers do, puts the BOS before it."""
        ids = self._tokenizer.encode("a", add_special_tokens=True).ids
        return self.bos is not None and ids[:1] == [self._tokenizer.token_to_id(self.bos)]

    def render_prompt(self, statement: str) -> tuple[int, ...]:
        """Token ids of the prompt, the assistant's turn left open, with one BOS at most."""
        is_chat = self._template == "chat"
        text = self._chat(statement) if is_chat else self._template.replace("{statement}", statement)
        ids = self.encode(text).token_ids
        if self._bos_id is not None:
            n_bos = next((i for i, token in enumerate(ids) if token != self._bos_id), len(ids))
            if n_bos or self._needs_bos:
                ids = (self._bos_id, *ids[n_bos:])
        return ids

    @property
    def has_chat_template(self) -> bool:
        """Whether the folder has a chat template, used or not."""
        return self._chat_template() is not None

    def _chat_template(self) -> str | None:
        file = self._folder / "chat_template.jinja"
        source = file.read_text(encoding="utf-8") if file.exists() else self._settings.get("chat_template")
        if isinstance(source, list):  # several by name, of which one is for plain chat
            named = {t.get("name"): t.get("template") for t in source if isinstance(t, Mapping)}
            source = named.get("default")
        return source if isinstance(source, str) else None

    def _chat(self, statement: str) -> str:
        """The tokenizer's chat template with one user message and the generation prompt."""
        source = self._chat_template()
        if source is None:
            raise EngineError(
                f"{self._folder} has no chat template; set `template` in models.toml to a text with {{statement}}"
            )
        special = {name: _token(v) or "" for name, v in self._settings.items() if name.endswith("_token")}
        common = {"bos_token": "", "eos_token": "", **special, "tools": None, "documents": None}
        common |= {**self._template_args, "add_generation_prompt": True}
        problem = ""
        # Some templates take a message's content in parts, as those of models that see images.
        for content in (statement, [{"type": "text", "text": statement}]):
            try:
                text = render(source, {**common, "messages": [{"role": "user", "content": content}]})
            except TemplateFailedError as error:
                problem = problem or f"the chat template cannot be rendered: {error}"
            else:
                is_printed_list = content is not statement and str(content) in text
                if not is_printed_list and any(form in text for form in _forms(statement)):
                    return text
                problem = problem or (
                    f"the statement does not stand in the prompt that the chat template renders, {text[:200]!r}"
                )
        raise EngineError(
            f"{self._folder}: {problem}; set `template` in models.toml to a text with {{statement}}"
        )


def _forms(statement: str) -> tuple[str, ...]:
    """A statement as a prompt may hold it: as it is, or in JSON."""
    plain = statement.strip()
    return plain, json.dumps(plain, ensure_ascii=False)[1:-1], json.dumps(plain)[1:-1]


def _read_json(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    except (ValueError, RecursionError) as error:
        raise EngineError(f"{file} is not valid JSON: {error}; copy the model again") from error
    if not isinstance(found, dict):
        raise EngineError(f"{file} holds a {type(found).__name__}, not an object; copy the model again")
    return found


def _configuration(folder: Path) -> Mapping[str, Any]:
    model = _read_json(folder / "config.json")
    of_text = model.get("text_config")  # models of text and images have several
    return {**model, **(of_text if isinstance(of_text, dict) else {})}


def stated_context(folder: Path) -> int | None:
    """Tokens that a folder's model was made for, None where it does not say."""
    model, names = _configuration(folder), ("max_position_embeddings", "n_positions", "seq_length")
    return next((n for name in names if (n := _count(model.get(name)))), None)


def _token(value: object) -> str | None:
    """A special token as tokenizer_config.json writes it: a string, or a mapping with ``content``."""
    if isinstance(value, Mapping):
        return str(value.get("content"))
    return value if isinstance(value, str) else None


def _count(value: object) -> int | None:
    """A positive number of something, None for anything else."""
    return value if isinstance(value, int) and value > 0 else None
