"""Problems that came with traces of others, to be measured by a model of one's own.

Belongs here: the two files of such a problem set in the data home. Does not belong here: reading the files of others
(:mod:`cot_assets.importing`), and what is sampled (:mod:`cot_assets.sampling.given_traces`).

``imports/NAME.parquet`` has a row per trace, ``imports/NAME.json`` the problem set's entry, which names the hash of the rows:
so a further import makes what was measured stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import polars as pl

from cot_assets.problems.sources import Mapped, ProblemSetError
from cot_assets.study import GIVEN, DataHome, ProblemSetEntry
from cot_assets.study.files import read_json, replacing, write_parquet
from cot_assets.study.rows import POLARS_ERRORS

#: Columns of the rows; ``verdict`` and ``answer`` are NULL where the source does not say.
SCHEMA = pl.Schema(
    dict.fromkeys(
        ("problem_id", "statement", "gold_answer", "level", "subject", "text", "answer", "verdict"),
        pl.String(),
    )
)


def write_given(home: DataHome, entry: ProblemSetEntry, rows: Sequence[dict[str, str | None]]) -> int:
    """The number of traces that the problem set then has: those of an earlier import stay.

    Raises:
        ProblemSetError: A problem is there already with another statement or gold answer, or judged in another way.
    """
    home.imports.mkdir(parents=True, exist_ok=True)
    path, described = home.imports / f"{entry.name}.parquet", home.imports / f"{entry.name}.json"
    frame = pl.DataFrame(rows, schema=SCHEMA)
    if path.exists():
        # There is none where an import was killed between the two files.
        before = read_json(described, ProblemSetEntry)
        if before is not None and before.answer_kind != entry.answer_kind:
            raise ProblemSetError(
                f"problem set {entry.name!r} has answers of kind {before.answer_kind!r}, not {entry.answer_kind!r}; "
                "name another one with --problem-set"
            )
        frame = pl.concat([read_given(home, entry.name), frame]).unique(maintain_order=True)
    same = frame.group_by("problem_id").agg(n=pl.struct("statement", "gold_answer").n_unique())
    if odd := same.filter(pl.col("n") > 1).sort("problem_id")["problem_id"].to_list():
        raise ProblemSetError(
            f"problem {odd[0]!r:.220} occurs twice in {entry.name!r}, with different statements or gold answers; name "
            "another problem set with --problem-set"
        )
    revision = hashlib.sha256(frame.write_ndjson().encode()).hexdigest()[:12]
    write_parquet(path, frame)
    with replacing(described) as fresh:
        fresh.write_text(entry.model_copy(update={"revision": revision}).model_dump_json(), encoding="utf-8")
    return frame.height


def read_given(home: DataHome, name: str) -> pl.DataFrame:
    """The rows of an imported problem set, in the order of the imports.

    Raises:
        ProblemSetError: They are not there.
    """
    path = home.imports / f"{name}.parquet"
    if not path.is_file():
        raise ProblemSetError(
            f"{path}: the traces of {name!r} are not there; `cot-assets import traces` brings them in"
        )
    try:
        return pl.read_parquet(path, glob=False)
    except POLARS_ERRORS as error:
        raise ProblemSetError(
            f"{path} is damaged ({str(error)[:200]}); move it away and import the files of {name!r} again"
        ) from error


def given_problems(entry: ProblemSetEntry, home: DataHome) -> list[Mapped]:
    """The problems of an imported problem set, each once."""
    rows = read_given(home, entry.source.removeprefix(GIVEN)).unique(
        "problem_id", keep="first", maintain_order=True
    )
    return [
        Mapped(row["problem_id"], row["statement"], row["gold_answer"], row["level"], row["subject"])
        for row in rows.iter_rows(named=True)
    ]
