"""What daemon, server of code and web server say: all of it in a file of the data home, errors in a sentence each.

Belongs here: the file, and what an error in it comes to. Does not belong here: the processes that write it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from cot_assets.warehouse.errors import printable

_COLOR = re.compile(r"\x1b\[[\d;]*m")
#: How Dagster and this process begin a record: moment, logger, level, message, before which a run tells of itself.
_RECORD = re.compile(
    r"\d{4}-\d\d-\d\d [\d:,]+ (?:[+-]\d{4} )?- \S+ - ([A-Z]+) - (?:.* [A-Z]+_FAILURE - )?(.*)"
)
_RAISED = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception|Failure|Exit): (.+)")
_CONSEQUENCE = "Not executing."  #: how Dagster's record of a step ends that waited for one that failed
_MOST = 500  #: characters of a sentence


class Log:
    """The file ``ui.log`` of a folder, begun anew; the one before is ``ui.before.log``."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "ui.log"
        if self.place.exists():
            self.place.replace(folder / "ui.before.log")
        self._handler = logging.FileHandler(
            self.place, encoding="utf-8"
        )  # of the web server, in this process
        self._handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
        logging.getLogger().addHandler(self._handler)
        self.file = self.place.open("ab")  #: what other processes write to
        self._reader = self.place.open(encoding="utf-8", errors="replace")
        self._rest = self._told = self._raised = ""
        self._said = set[str]()

    def errors(self) -> Iterator[str]:
        """The errors that came since the last time, each once: the last exception that one names, else its message."""
        came = self._reader.read()
        *lines, self._rest = (self._rest + came).split("\n")
        for line in (_COLOR.sub("", line) for line in lines):
            if head := _RECORD.match(line):
                yield from self._finished()
                self._told = _shown(head[2]) if head[1] in ("ERROR", "CRITICAL") else ""
            elif raised := _RAISED.match(line):
                self._raised = _shown(raised[1])
                self._told = self._told and self._raised
        if not came:
            yield from self._finished()

    def _finished(self) -> Iterator[str]:
        told, self._told = self._told, ""
        if told and told not in self._said and not told.endswith(_CONSEQUENCE):
            self._said.add(told)
            yield told

    def end(self, what: str) -> str:
        """What has happened, what was raised last before it, and where more is said."""
        for _ in self.errors():
            pass
        return f"{what}{self._raised and f': {self._raised}'}; {self.place} has more"

    def close(self) -> None:
        """Write no more."""
        logging.getLogger().removeHandler(self._handler)
        for each in (self._handler, self._reader, self.file):
            each.close()


def _shown(text: str) -> str:
    return printable(text.strip())[:_MOST]
