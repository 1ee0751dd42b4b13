"""Ids that an OpenAI-compatible server offers.

Belongs here: asking for the list, and which ids are trusted. Does not belong here: sampling (:mod:`cot_assets.engines.openai`).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import httpx

from cot_assets.engines.base import EngineError
from cot_assets.engines.openai.connection import Server
from cot_assets.study import NAME, ModelEntry

_SECONDS, _BYTES, _MOST = 5.0, 1 << 20, 100
#: What a name on the hub or of a server looks like; nothing that a path, a terminal or SQL could take for more.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:[/:@][A-Za-z0-9][A-Za-z0-9._-]*){0,4}")


def look_for_served(entry: ModelEntry) -> tuple[dict[str, dict[str, Any]], str]:
    """The ids of a server as models by name, and what is wrong with others; of several servers those of the first to answer.

    Raises:
        OSError: No server can be asked, or none gives a sound answer, which says nothing of what they serve.
    """
    ids, url = _ids(entry)
    models: dict[str, dict[str, Any]] = {}
    refused = len(ids[_MOST:])
    for served in ids[:_MOST]:
        name = _name(entry.name, served) if isinstance(served, str) else None
        if name is None:
            refused += 1
        else:
            models[name] = {"served_name": served}
    problem = f"model {entry.name!r}: {url} serves {refused} ids that are left out: more than {_MOST}, or of "
    return models, f"{problem}characters that a name cannot have" if refused else ""


def _ids(entry: ModelEntry) -> tuple[list[Any], str]:
    """What the first endpoint that gives a sound answer serves, and which one that is."""
    refusals: list[str] = []
    for url in entry.endpoints:
        try:
            server = Server(entry.model_copy(update={"discover": False}), url)
            return [card["id"] for card in json.loads(_answer(server))["data"]], url
        except (EngineError, httpx.HTTPError, ValueError, KeyError, TypeError, RecursionError) as error:
            refusals.append(f"{url} does not say which models it serves ({str(error)[:200]})")
    raise OSError("; ".join(refusals))


def _answer(server: Server) -> bytes:
    """The server's list of models, within bounds of time and size."""
    headers = {"Accept-Encoding": "identity", **server.authorization}
    content = b""
    with (
        httpx.Client(timeout=_SECONDS, follow_redirects=False, headers=headers) as client,
        client.stream("GET", f"{server.url}/models") as answer,
    ):
        answer.raise_for_status()
        for part in answer.iter_bytes():
            content += part
            if len(content) > _BYTES:
                raise ValueError(f"its answer is longer than {_BYTES:,} bytes")
    return content


def _name(entry: str, served: str) -> str | None:
    """The name of a model for an id, None where the id is not to be trusted."""
    if len(served) > 200 or not _ID.fullmatch(served) or ".." in served:
        return None
    plain = re.sub(r"[/:@]", "-", served)
    # Two ids that are told apart by these characters only must not become one model.
    mark = "" if plain == served else f"-{hashlib.sha256(served.encode()).hexdigest()[:4]}"
    name = f"{entry}.{plain}{mark}"
    return name if NAME.fullmatch(name) else None
