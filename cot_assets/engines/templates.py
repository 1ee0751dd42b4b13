"""Chat templates: programs that come with weights, rendered as transformers does, in a process of their own.

Belongs here: the sandbox, its bounds, and the process. Does not belong here: which template a model has and
what is made of the text (:mod:`cot_assets.engines.tokenizer`).

jinja2's sandbox keeps a template from the interpreter, but not from looping for ever or from filling the
memory. So it runs in a child that is ended after ``SECONDS`` and has ``MEMORY`` bytes. This module imports nothing of
the package: the child starts in a tenth of a second and serves all templates of this process.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Template, TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

SECONDS = 30.0  #: that one rendering may take, on a machine that has much else to do
MEMORY = 1 << 30  #: bytes of address space of the child
CHARACTERS = 1 << 20  #: that a template may add to what it was given


class TemplateFailedError(Exception):
    """A template cannot be rendered; the message says why."""


class _Generation(Extension):
    """``{% generation %}``, which marks what an assistant wrote, and prints it."""

    tags = {"generation"}  # noqa: RUF012 - as jinja2 declares it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_print"), [], [], body).set_lineno(line)

    def _print(self, caller: Any) -> str:
        return caller()


def _raise_exception(message: str) -> None:
    raise TemplateError(message)


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON without the escapes that jinja2's own filter makes for HTML."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


@cache
def _compiled(source: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(source)


def _rendered(source: str, variables: Mapping[str, Any]) -> str:
    """The text of a template; raises anything that a template can raise."""
    most = CHARACTERS + 8 * len(json.dumps(variables))
    parts: list[str] = []
    for part in _compiled(source).generate(**variables):
        most -= len(part)
        if most < 0:
            raise TemplateError("it writes without end")
        parts.append(part)
    return "".join(parts)


class _Child:
    """The process that renders; started when it is needed, ended when it takes too long."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def ask(self, question: bytes) -> bytes:
        """Its answer; empty where it died or was ended."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self.close()
                kept = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "SYSTEMROOT")  # no keys
                self._process = subprocess.Popen(
                    [sys.executable, "-m", __name__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={name: os.environ[name] for name in kept if name in os.environ},
                )
            process = self._process
            assert process.stdin is not None  # noqa: S101
            assert process.stdout is not None  # noqa: S101
            timer = threading.Timer(SECONDS, process.kill)
            timer.start()
            try:
                process.stdin.write(question + b"\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            except OSError:
                answer = b""
            finally:
                timer.cancel()
            if not answer:
                self.close()  # or the next one may ask a process that is just ending
            return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


_CHILD = _Child()
atexit.register(_CHILD.close)


def render(source: str, variables: Mapping[str, Any]) -> str:
    """The text of a chat template.

    Raises:
        TemplateFailedError: It is not a template, fails, or takes too much time, memory or room.
    """
    answer = _CHILD.ask(json.dumps([source, variables], default=str).encode())  # TOML has dates
    if not answer:
        raise TemplateFailedError(f"it took more than {SECONDS:g} s, or more memory than a template may")
    text, error = json.loads(answer)
    if error is not None:
        raise TemplateFailedError(error)
    return text


def _serve() -> None:
    """The child: a line with a template and its variables in, a line with text or error out."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            answer = [_rendered(*json.loads(line)), None]
        except Exception as error:  # noqa: BLE001 - a template is a program: it may fail in any way
            answer = [None, f"{type(error).__name__}: {error}"[:500]]
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    _serve()
