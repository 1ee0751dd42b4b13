"""The command line: ``cot-assets demo | plan | run | import | models | status | grade | report | sql | export | rebuild | ui``.

Belongs here: the group of commands, and which errors become one line. Does not belong here: the
commands themselves, one module each, imported when they are called.
"""

from __future__ import annotations

import ast
import atexit
import gc
import importlib.util
import inspect
import io
import keyword
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from shutil import get_terminal_size
from textwrap import TextWrapper

import click

#: New objects after which Python looks for garbage: importing Dagster alone makes half a million, which stay.
_GARBAGE = 100_000
_MOST = 4000  #: characters of a note or an error
#: The module of every command, in the order of the help.
COMMANDS = {
    "demo": "demo", "plan": "plan", "run": "run", "import": "importing", "models": "models", "status": "status",
    "grade": "grade", "report": "report", "sql": "sql", "export": "exporting", "rebuild": "rebuild", "ui": "ui",
}  # fmt: skip


class Sentences(click.Group):
    """A group whose help has the first paragraph of each command's own, whole."""

    def said(self, name: str) -> str:
        """What a command says of itself."""
        return inspect.cleandoc(self.commands[name].help or "")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: D102 - of click
        told = {name: self.said(name).partition("\n\n")[0] for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl([(name, text.replace("\n", " ")) for name, text in told.items()])


class _Commands(Sentences):
    """Commands that are imported when they are called."""

    def said(self, name: str) -> str:
        """Read off the text of the command's module: to import them all takes seconds."""
        spec = importlib.util.find_spec(f"cot_assets.cli.{COMMANDS[name]}")
        assert spec is not None  # noqa: S101 - of this package
        tree = ast.parse(Path(str(spec.origin)).read_text(encoding="utf-8"))
        functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
        return next(ast.get_docstring(each) or "" for each in functions if each.name == _function(name))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        return getattr(importlib.import_module(f"cot_assets.cli.{COMMANDS[cmd_name]}"), _function(cmd_name))


def _function(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cot-assets", prog_name="cot-assets", help="Show the version.")
def cli() -> None:
    """Measure the potential of chain-of-thought prefixes: P(correct | prefix), as a Dagster data product.

    \b
    Data, runs and reports live in COT_ASSETS_HOME (default .cot-assets/).
    Your own models.toml, problem_sets.toml and protocols.toml go into the folder COT_ASSETS_CONFIG.
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with the character \b


def say(text: str, mark: str = "  ", *, err: bool = False) -> None:
    """Print a text behind a mark; on a screen its lines end at words, and all but the first are indented."""
    stream = sys.stderr if err else sys.stdout
    width = min(100, get_terminal_size().columns) if stream and stream.isatty() else sys.maxsize
    told = TextWrapper(width, mark, "    ", break_long_words=False, break_on_hyphens=False)
    first, *others = text.split("\n")
    lines = [told.fill(first)]
    told.initial_indent = mark if mark.isspace() else ""
    click.echo("\n".join([*lines, *map(told.fill, others)]), err=err)


def _safe(text: str) -> str:
    """The text as a terminal is given it: what files hold neither steers it nor fills it."""
    from cot_assets.warehouse.errors import printable

    return "\n".join(map(printable, text[:_MOST].split("\n"))) + "…" * (len(text) > _MOST)


def notes() -> Callable[..., None]:
    """Prints warnings as notes, each once: a run reads the configuration again at every stage."""
    said: set[str] = set()

    def note(message: Warning | str, *_: object, **__: object) -> None:
        if (text := str(message)) not in said:
            said.add(text)
            say(_safe(text), "Note: ", err=True)

    return note


def raise_no_warnings() -> None:
    """Have warnings be notes here and in processes of this one, also where Python was told to raise them."""
    sys.warnoptions[:] = [option for option in sys.warnoptions if not option.startswith("e")]
    os.environ["PYTHONWARNINGS"] = ",".join(sys.warnoptions)
    warnings.filters[:] = [entry for entry in warnings.filters if entry[0] != "error"]  # type: ignore[index]


def open_streams() -> None:
    """Have streams that were closed lead nowhere: Python has none then, and the next file that is opened takes their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def main() -> None:
    """Entry point: errors that a user can mend are one line, without a traceback."""
    from cot_assets.cli.running.stopping import stop

    open_streams()
    raise_no_warnings()
    warnings.showwarning = notes()
    stop.listen()
    gc.set_threshold(_GARBAGE)
    atexit.register(gc.freeze)  # Python would look through all of it again as it exits
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may have no arrows
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo(stop.line, err=True)
        sys.exit(stop.code)
    except Exception as error:
        if (line := _told(error)) is None:
            raise
        say(_safe(line), "Error: ", err=True)
        for note in getattr(error, "__notes__", ()):
            say(_safe(note), "", err=True)
        sys.exit(1)


def _told(error: Exception) -> str | None:
    """What a person can mend, in one line with the way out; None of a bug, which shows its traceback."""
    from cot_assets.warehouse.errors import is_of_no_room, reason

    kinds = {kind.__module__.split(".")[0] for kind in type(error).__mro__}
    if "cot_assets" in kinds:  # the package's own errors name the thing, the value and the way out
        return str(error)
    if isinstance(error, OSError):
        # Of the operating system: a disk that is full, a home that cannot be written.
        place = error.filename if isinstance(error.filename, str | bytes) else "the output, or the data home"
        return f"{os.fsdecode(place)}: {error.strerror or error}; mend it or choose another --output or COT_ASSETS_HOME"
    if kinds & {"sqlalchemy", "sqlite3"}:  # nothing but Dagster keeps records with them
        from cot_assets.study.home import DataHome

        said = reason(getattr(error, "orig", None) or error)[:300]
        return (
            f"{DataHome.from_environment().dagster}: Dagster's records there cannot be used ({said}). See that "
            "there is room, and that you may read and write all of it, and start again; if that does not help, move the folder away: only the "
            "history of runs is lost"
        )
    if is_of_no_room(error):
        return f"{reason(error)}. Make room and start again: nothing that was finished is lost"
    return None
