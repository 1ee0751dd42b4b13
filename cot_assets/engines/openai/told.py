"""What a server says of the models that it serves: their cards, and where it loaded them from.

Belongs here: which model an entry means, and the place of its files. Does not belong here: reading them
(:mod:`cot_assets.engines.weights.prepared`).

An entry that names no tokenizer takes that of the model which its server has loaded, from the same files: tokens are
needed where no server is (docs/decisions/served-tokenizers.md).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cot_assets.engines.base import EngineError
from cot_assets.engines.openai.answers import UnsoundAnswerError
from cot_assets.engines.openai.connection import Server
from cot_assets.study import ModelEntry
from cot_assets.study.entries import short

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def told_path(entry: ModelEntry) -> str:
    """The folder, GGUF file or hub name of the model that an entry's server has loaded.

    Raises:
        EngineError: No server is reached, or what it names is neither on this machine nor on the hub.
    """
    heard: list[str] = []
    for url in entry.endpoints:
        try:
            names = asyncio.run(_names(entry, url))
        except EngineError as error:
            heard.append(str(error))
            continue
        for name in names:
            if _is_here(Path(name)) or (_HUB_NAME.fullmatch(name) and not name.endswith(".gguf")):
                return name
        heard.append(
            f"{url} names {', '.join(map(short, names))}, which is neither a folder or GGUF file here nor a name on the hub"
        )
    raise EngineError(
        f"model {entry.name!r}: its tokenizer is not found ({'; '.join(heard)}); name folder, GGUF file or hub name in `path`"
    )


def _is_here(place: Path) -> bool:
    """Whether a place is this machine's too: a relative one is the server's own."""
    is_file = place.suffix == ".gguf" and place.is_file()
    return place.is_absolute() and (is_file or (place / "tokenizer.json").is_file())


async def _names(entry: ModelEntry, url: str) -> Sequence[str]:
    """What a server calls the model that it has loaded, the most exact first."""
    server = Server(entry, url)
    try:
        cards = await server.ask("GET", "models", read=cards_of, wait=server.settings.wait_at_start)
        card = card_of(cards, entry, server.url)
        try:
            loaded = (await server.ask("GET", "/props", read=dict, wait=0.0)).get("model_path")  # llama.cpp's
        except EngineError:
            loaded = None
    finally:
        await server.aclose()
    names = (loaded, card.get("root"), card["id"])
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and 0 < len(name) <= 1000))


def revision_of(card: Mapping[str, Any]) -> str:
    """A revision for a model whose weights nobody vouches for: a hash of what the server says of it."""
    said = [card.get("id"), card.get("root"), card.get("max_model_len")]
    said += [weights] if (weights := weights_of(card)) else []
    return f"unverified-{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]}"


def weights_of(card: Mapping[str, Any]) -> Mapping[str, object]:
    """What llama.cpp tells that weights under one name differ in: other quantizations, other models."""
    names, meta = ("n_params", "size", "n_vocab", "n_embd"), _meta(card)
    return {name: meta[name] for name in names if name in meta}


def context_of(card: Mapping[str, Any]) -> int | None:
    """Tokens of the context as the server names them, if it does."""
    for said in (card, _meta(card)):
        for name in ("max_model_len", "context_length", "n_ctx"):
            if isinstance(value := said.get(name), int) and value > 0:
                return value
    return None


def _meta(card: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = card.get("meta")
    return meta if isinstance(meta, dict) else {}


def card_of(cards: Mapping[str, dict[str, Any]], entry: ModelEntry, url: str) -> dict[str, Any]:
    """The card of an entry's model; raises :class:`EngineError` where it is not served."""
    name = entry.served_name
    if name is None and len(cards) == 1:
        return next(iter(cards.values()))
    if not cards:
        raise EngineError(
            f"model {entry.name!r}: {url} serves nothing yet; load a model there, then run again"
        )
    if name is None or name not in cards:
        wanted = "several models; name one in served_name" if name is None else f"no {name!r}"
        raise EngineError(
            f"model {entry.name!r}: {url} serves {wanted}; it serves: {', '.join(sorted(cards)[:20])}"
        )
    return cards[name]


def cards_of(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The models of a server by id."""
    data = answer.get("data")
    if not isinstance(data, list):
        raise UnsoundAnswerError("no list of models under data; is this the base URL?")
    return {card["id"]: card for card in data if isinstance(card, dict) and isinstance(card.get("id"), str)}
