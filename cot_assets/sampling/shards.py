"""Shards: Parquet files of finished batches of blocks, the only place where sampled text is kept.

Belongs here: writing a batch so that it is there whole or not at all, finding out which blocks are
there, setting damaged files aside. Does not belong here: what is sampled and why.

A shard is named by a hash of its bytes: Parquet's own checksums leave out the footer, where a flipped bit
changes types and names of columns.
"""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from cot_assets.sampling.plan import Purpose
from cot_assets.study import manifest
from cot_assets.study.files import DAMAGED, flush_folder, write_parquet
from cot_assets.study.manifest import Manifest, file_hash
from cot_assets.warehouse.publish import SHARD_COLUMNS

_ARROW = {pl.String(): pa.string(), pl.Int32(): pa.int32(), pl.List(pl.Int32()): pa.list_(pa.int32())}
SCHEMA = pa.schema([pa.field(name, _ARROW[kind], nullable=False) for name, kind in SHARD_COLUMNS.items()])
_SAMPLED_WITH = b"sampled_with"
_SET_ASIDE = b"set_aside"
_ASIDE = ".aside"  #: Parquet as well, under a name that no reader of shards looks for


class ShardsInUseError(RuntimeError):
    """Another process samples the same model; the message names it."""


class ShardWriteError(OSError):
    """A shard cannot be written; the message says where and why. Shards that are there are untouched."""


class DamagedShardWarning(UserWarning):
    """A shard's bytes are not those that its name is a hash of; its blocks will be sampled again."""


class ShardStore:
    """The shards of one model and purpose: ``<shards>/<purpose>s/<model>/*.parquet``."""

    def __init__(self, shards: Path, purpose: Purpose, model: str) -> None:
        self._root, self.folder = shards, shards / f"{purpose}s" / model
        self.folder.mkdir(parents=True, exist_ok=True)
        self._blocks: dict[str, str] = {}  #: shard by key, of the files that were entered
        self._entered: set[Path] = set()
        self._left_out: set[tuple[str, str]] = set()  #: key and shard of what was set aside
        self._origins: dict[str, str | None] = {}
        self._manifest = Manifest(self.folder / manifest.NAME, self.folder)
        self.sampled_with = ""  #: what an engine says of itself, kept with each shard that is written

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store against other processes; raises :class:`ShardsInUseError` at once.

        The lock goes with the process that holds it, however that ends.
        """
        lock, holder = filelock.FileLock(self.folder / ".lock"), self.folder / ".holder"
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            who = holder.read_text() if holder.exists() else "unknown"
            raise ShardsInUseError(
                f"{self.folder.name}: process {who} samples this model already; "
                "wait for it to finish or stop it, then start again: nothing sampled is lost"
            ) from error
        try:
            holder.write_text(str(os.getpid()))
            for left in self.folder.glob("*.tmp"):  # by a process that was killed while it wrote
                left.unlink()
            yield
        finally:
            lock.release()

    def write(self, rows: Sequence[dict[str, object]]) -> Path:
        """Write one batch: temporary name, flush to disk, rename to the hash. Returns its path.

        Raises :class:`ShardWriteError` where the disk is full or the folder cannot be written.
        """
        said = {_SAMPLED_WITH: self.sampled_with.encode()} if self.sampled_with else {}
        if n_aside := sum(1 for _ in self.folder.glob(f"*{_ASIDE}")):
            # Blocks that are sampled again may come out the same, and must not get the name of the file they were set
            # aside from.
            said[_SET_ASIDE] = str(n_aside).encode()
        schema = SCHEMA.with_metadata(said) if said else SCHEMA
        # Arrow itself would import pandas to look at Python's values.
        table = pl.DataFrame(list(rows), schema=dict(SHARD_COLUMNS)).to_arrow().cast(schema)
        temporary = self.folder / f"{os.getpid()}.tmp"
        try:
            with temporary.open("wb") as file:
                pq.write_table(table, file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            digest = file_hash(temporary)
            target = self.folder / f"{digest}.parquet"
            temporary.rename(target)
            self._manifest.add(target, digest)
            self._manifest.save()
        except OSError as error:
            way_out = "Get the right to write there" if isinstance(error, PermissionError) else "Make room"
            raise ShardWriteError(
                error.errno,
                f"{len(rows):,} rollouts cannot be written to {self.folder}: {error.strerror or error}. {way_out} "
                "and start again: what is in shards is kept, only these rollouts are sampled again",
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        flush_folder(self.folder)
        return target

    def _is_whole(self, file: Path, *, is_thorough: bool = False) -> bool:
        """Whether a file's bytes are those of its name; one that is damaged is renamed and warned about."""
        if not is_thorough and self._manifest.is_unchanged(file):
            return True
        # A link to nowhere, a folder of that name; what is called after its bytes, but is no Parquet.
        with suppress(FileNotFoundError, IsADirectoryError, pl.exceptions.PolarsError):
            if file_hash(file) == file.stem and SHARD_COLUMNS.items() <= pl.read_parquet_schema(file).items():
                self._manifest.add(file, file.stem)
                return True
        aside = file.with_suffix(DAMAGED)
        with suppress(FileNotFoundError):  # another process was faster
            file.rename(aside)
        warnings.warn(
            f"shard {file} is damaged: its bytes, or its columns, are not those that were written; kept as {aside.name}, "
            "its blocks are sampled again",
            DamagedShardWarning,
            stacklevel=3,
        )
        return False

    def _keys(self, file: Path) -> Sequence[str]:
        """Blocks of a file, none where it is not whole."""
        if not self._is_whole(file):
            return ()
        return (
            pl.read_parquet(file, columns=["block_key"], glob=False)["block_key"]
            .unique(maintain_order=True)
            .to_list()
        )

    def lost(self, expected: Iterable[str] = (), *, is_thorough: bool = False) -> list[str]:
        """Names of files that should be there and are not, or no more; forgotten afterwards.

        Args:
            expected: Names of files that somebody counts on, besides those that were seen before.
            is_thorough: Read every file, also where nothing about it has changed.
        """
        names = {*self._manifest.names, *expected}
        before = {file.name for file in self.folder.glob("*.parquet")}
        whole = {name for name in before if self._is_whole(self.folder / name, is_thorough=is_thorough)}
        gone = sorted((names | before) - whole)
        for name in gone:
            self._manifest.drop(name)
        self._manifest.save()
        return gone

    def index(self) -> Mapping[str, str]:
        """Shard by key of all blocks in whole files; files that are new or have changed are verified."""
        present, aside = sorted(self.folder.glob("*.parquet")), self._aside()
        if aside != self._left_out or not self._entered <= set(present):
            self._blocks, self._entered, self._left_out = {}, set(), aside
        if new := [file for file in present if file not in self._entered]:
            for file in new:
                shard = str(file.relative_to(self._root))
                for key in self._keys(file):
                    if (key, shard) not in aside:
                        self._blocks.setdefault(key, shard)
            self._entered |= set(new)
            self._manifest.save()
        return self._blocks

    def origin(self, shard: str) -> str | None:
        """What sampled a shard's blocks, None where the shard does not say."""
        if shard not in self._origins:
            said = (pq.read_schema(self._root / shard).metadata or {}).get(_SAMPLED_WITH)
            self._origins[shard] = None if said is None else said.decode()
        return self._origins[shard]

    def origins(self) -> Iterator[str]:
        """What sampled the shards that are here, each once."""
        told = (
            self.origin(str(file.relative_to(self._root))) for file in sorted(self.folder.glob("*.parquet"))
        )
        yield from dict.fromkeys(said for said in told if said is not None)

    def _aside(self) -> set[tuple[str, str]]:
        """Key and shard of the blocks that were set aside."""
        names = [file.stem.split("-") for file in self.folder.glob(f"*{_ASIDE}")]
        of_shard = str(self.folder.relative_to(self._root) / "{}.parquet")
        return {(key, of_shard.format(stem)) for key, stem in names}

    def set_aside(self, keys: Collection[str]) -> None:
        """Have blocks count as missing from now on; their rows are kept in files of their own, and in the shard."""
        for (key, shard), block in self.read(keys).group_by("block_key", "shard", maintain_order=True):
            write_parquet(self.folder / f"{key}-{Path(str(shard)).stem}{_ASIDE}", block.drop("shard"))

    def completions(self, prefixes: Collection[str]) -> Iterator[tuple[str, str, list[list[int]]]]:
        """Of the blocks of these prefixes: prefix_id, block_key and token ids by sample; file by file."""
        wanted, columns = list(prefixes), ["prefix_id", "block_key", "sample_index", "token_ids"]
        for shard in dict.fromkeys(self.index().values()):
            rows = pl.read_parquet(self._root / shard, columns=columns, glob=False)
            rows = rows.filter(pl.col("prefix_id").is_in(wanted)).sort("sample_index")
            for (prefix, key), block in rows.group_by("prefix_id", "block_key", maintain_order=True):
                yield str(prefix), str(key), block["token_ids"].to_list()

    def read(self, keys: Collection[str]) -> pl.DataFrame:
        """Rows of the blocks ``keys`` with their ``shard``, a block that was written twice only once."""
        no_rows = pl.DataFrame(schema=dict(SHARD_COLUMNS)).with_columns(shard=pl.lit("", pl.String))
        return pl.concat([no_rows, *self.parts(keys)])

    def parts(self, keys: Iterable[str]) -> Iterator[pl.DataFrame]:
        """:meth:`read`, shard by shard."""
        index, wanted = self.index(), defaultdict[str, list[str]](list)
        for key in set(keys) & index.keys():
            wanted[index[key]].append(key)
        for shard, blocks in sorted(wanted.items()):
            rows = pl.read_parquet(self._root / shard, glob=False).filter(pl.col("block_key").is_in(blocks))
            yield rows.with_columns(shard=pl.lit(shard))


def with_texts(shards: Path, rollouts: pl.DataFrame, most: int) -> pl.DataFrame:
    """The rollouts whose text is in a shard, in their order, with its beginning and end as ``text``.

    Args:
        shards: The folder of all shards.
        rollouts: Has shard, block_key and sample_index.
        most: Characters of a text.
    """
    key, text = ["block_key", "sample_index"], pl.col("text")
    n, head = text.str.len_chars(), 2 * most // 3
    parts = text.str.head(head), n - most, text.str.tail(most - head)
    short = pl.when(n > most).then(pl.format("{} ⟨… {} characters not shown …⟩ {}", *parts)).otherwise(text)
    found = [rollouts.clear().select("shard", *key, text=pl.lit("", pl.String))]
    for (shard,), wanted in rollouts.group_by("shard"):
        if (path := shards / str(shard)).is_file():
            texts = pl.scan_parquet(path, glob=False).select(
                pl.lit(shard, pl.String).alias("shard"), *key, text
            )
            texts = texts.join(wanted.lazy().select(key), on=key, how="semi").with_columns(text=short)
            found.append(texts.collect())
    return rollouts.join(pl.concat(found), on=["shard", *key], maintain_order="left")
