"""A small OpenAI-compatible server in a thread, which misbehaves as it is told.

Belongs here: real HTTP on a real port. Does not belong here: a model; completions count
upwards, or are drawn from one generator that starts with the server. A real vLLM server is in ``tests/vllm``.
"""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

EOS = 2


def text_of(ids: list[int]) -> str:
    """The text of ids from 3 to 96 in the byte-level tokenizer of :mod:`support.vocabularies`."""
    return "".join(chr(ord("!") - 3 + i) for i in ids)


class Misbehavior(Exception):  # noqa: N818 - an instruction
    """Answer with this status, body and headers instead; status 0: hang up; ``drip``: seconds before each byte."""

    def __init__(self, status: int, body: str | bytes = "{}", *, drip: float = 0.0, **headers: str) -> None:
        self.status, self.body, self.drip, self.headers = status, body, drip, headers


class TinyServer:
    """``before`` is called with each request's body and number, and may raise :class:`Misbehavior`.

    ``after`` may change the answer that is about to be sent, given the request's body.
    """

    def __init__(self, *, takes_ids: bool = True, takes_extras: bool = True, takes_n: bool = True) -> None:
        self.takes_ids, self.takes_extras, self.takes_n = takes_ids, takes_extras, takes_n
        self.returns_ids = True
        self.models: list[dict[str, Any]] = [{"id": "tiny", "root": "tiny", "owned_by": "tests"}]
        self.before: Callable[[dict[str, Any], int], None] = lambda body, number: None
        self.after: Callable[[dict[str, Any], dict[str, Any]], None] = lambda answer, body: None
        self.bodies: list[dict[str, Any]] = []  #: of completions, in the order in which they came
        self.headers: list[dict[str, str]] = []
        self.now = self.most = 0  #: requests being answered
        self.lock = threading.Lock()
        self.connections: set[socket.socket] = set()
        self.pause = 0.0  #: seconds that an answer takes
        self.tokens: list[int] | None = None  #: what /tokenize answers, if there is one
        self.meaning: Callable[[list[int]], str] | None = None  #: the same of /detokenize
        self.seed: int | None = None  #: of the generator that all completions are drawn from
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def is_up(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        self._random = random.Random(self.seed)
        handler = type("Handler", (_Handler,), {"tiny": self})
        self._server = _HTTPServer(("127.0.0.1", self.port), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            with self.lock:
                for connection in self.connections:
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        prompt, n = body["prompt"], body["n"] if self.takes_n else 1
        if isinstance(prompt, list) and not self.takes_ids:
            raise Misbehavior(400, '{"error": "prompt must be a string"}')
        if "return_token_ids" in body and not self.takes_extras:
            raise Misbehavior(400, '{"error": "unknown field"}')
        budget = body["max_tokens"]
        length, is_done = min(budget, 5), budget > 5
        choices: list[dict[str, Any]] = []
        for index in reversed(range(n)):
            ids = [self._random.randrange(10, 60) for _ in range(length)]
            text = text_of(ids)
            choice = {"text": text, "finish_reason": "stop" if is_done else "length", "index": index}
            if self.returns_ids and body.get("return_token_ids"):
                choice |= {"token_ids": [*ids, *[EOS] * is_done], "prompt_token_ids": prompt}
            choices.append(choice)
        return {
            "choices": choices,
            "usage": {
                "prompt_tokens": len(prompt.encode() if isinstance(prompt, str) else prompt),
                "completion_tokens": n * (length + is_done),
            },
        }


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: clients that hang up in mid-request are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    tiny: ClassVar[TinyServer]
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        with self.tiny.lock:
            self.tiny.connections.add(self.connection)

    def finish(self) -> None:
        with self.tiny.lock:
            self.tiny.connections.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, *args: object) -> None:
        """Quiet."""

    def _send(
        self, status: int, body: str | bytes, headers: dict[str, str] | None = None, drip: float = 0.0
    ) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content_Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        with suppress(OSError):  # who asked may have gone
            for start in range(0, len(content), 1 if drip else len(content) or 1):
                time.sleep(drip)
                self.wfile.write(content[start : start + 1] if drip else content)

    def do_GET(self) -> None:
        self.tiny.headers.append(dict(self.headers))
        if self.path == "/v1/models":
            self._send(200, json.dumps({"data": self.tiny.models}))
        else:
            self._send(404, "nothing here")

    def do_POST(self) -> None:
        tiny = self.tiny
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tokenize" and tiny.tokens is not None:
            return self._send(200, json.dumps({"tokens": tiny.tokens}))
        if self.path == "/detokenize" and tiny.meaning is not None:
            return self._send(200, json.dumps({"prompt": tiny.meaning(body["tokens"])}))
        if "tokenize" in self.path:
            return self._send(404, "nothing here")
        with tiny.lock:
            tiny.bodies.append(body)
            tiny.headers.append(dict(self.headers))
            number = len(tiny.bodies)
            tiny.now += 1
            tiny.most = max(tiny.most, tiny.now)
        try:
            tiny.before(body, number)
            time.sleep(tiny.pause)
            answer = tiny.complete(body)
            tiny.after(answer, body)
            status, text, headers, drip = 200, json.dumps(answer), dict[str, str](), 0.0
        except Misbehavior as wanted:
            status, text, headers, drip = wanted.status, wanted.body, wanted.headers, wanted.drip
        finally:
            with tiny.lock:
                tiny.now -= 1
        if status:
            self._send(status, text, headers, drip)
        else:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
