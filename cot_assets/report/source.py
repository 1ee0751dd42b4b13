"""What a report reads: named queries and views of one problem set, through one function that runs SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import polars as pl

from cot_assets.study import Protocol
from cot_assets.warehouse.queries import find_query
from cot_assets.warehouse.reading import transform_sql

Row = dict[str, Any]
Read = Callable[[str, Mapping[str, Any]], pl.DataFrame]
Texts = Callable[[pl.DataFrame], pl.DataFrame]
_MANY_CUTS = 10_000


class ReportError(ValueError):
    """A report cannot be made from what it was given; the message names the thing and the way out."""


@dataclass(frozen=True)
class Source:
    """Rows of one problem set.

    Args:
        read: Runs one SELECT, ``$name`` in it bound, and returns its rows.
        problem_set: Name of the problem set.
        protocol: The protocol that it is bound to.
        is_imported: Its rollouts were published by others: how they were sampled is not in the protocol.
        texts: Adds ``text`` to rollouts that are named by shard, block_key and sample_index, and leaves out those whose
            text is not here. Without it no page shows what the model wrote.
        together: Makes reads in a block cheaper than they are one by one.
    """

    read: Read
    problem_set: str
    protocol: Protocol
    is_imported: bool = False
    texts: Texts | None = None
    together: Callable[[], AbstractContextManager[None]] = nullcontext

    def query(self, name: str, **values: Any) -> pl.DataFrame:
        """What ``cot-assets sql NAME`` shows for the problem set; ``values`` are further parameters."""
        query = find_query(name)
        given = self._given(values)
        return self.read(query.sql, {p.name: given.get(p.name, p.default) for p in query.parameters})

    def command(self, name: str, **values: Any) -> str:
        """The command that shows the same rows, for whom one problem set is all."""
        given = {**self._given(values), "problem_set": None}
        options = [
            f"-p {p.name}={given[p.name]}"
            for p in find_query(name).parameters
            if given.get(p.name) is not None and given[p.name] != p.default
        ]
        return " ".join(["cot-assets sql", name, *options])

    def _given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of queries: those given, and what the protocol says."""
        fraction = self.protocol.analysis.headline_fraction
        return {"problem_set": self.problem_set, "fraction": fraction, **values}

    def view(self, name: str, columns: str = "*", order: str = "ALL") -> pl.DataFrame:
        """The problem set's rows of a table or view."""
        sql = f'SELECT {columns} FROM "{name}" WHERE problem_set = $problem_set ORDER BY {order}'  # noqa: S608
        return self.read(sql, {"problem_set": self.problem_set})

    def transform(self, name: str, **values: Any) -> pl.DataFrame:
        """What a file of ``sql/transforms`` reads of the problem set."""
        return self.read(transform_sql(name), {"problem_set": self.problem_set, **values})

    def telling_rollouts(self) -> dict[tuple[str, str], list[Row]]:
        """By model and prefix the first rollouts that are correct, and the first others, with their provenance and text.

        Three of each; one where there are too many cuts to hold their texts in memory.
        """
        if self.texts is None:
            return {}
        n_cuts = self.view("trace_cuts", "count(*)").item()
        each = 3 if n_cuts <= _MANY_CUTS else 1
        found = self.texts(self.transform("telling_rollouts", each=each))
        return found.rows_by_key(["model", "prefix_id"], named=True, include_key=True)
