"""Fingerprints: what a partition's contents depend on, as one short hash.

Belongs here: the hashes. Does not belong here: comparing them (:mod:`cot_assets.orchestration.wanted`) and
storing them (each materialization carries its own as data version).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from cot_assets.engines.revision import entry_revision
from cot_assets.study import Config

#: Raised when a change of the code should make every partition stale; sampling is reused where it fits.
CODE_VERSION = 1


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]


def problem_set_fingerprint(config: Config, problem_set: str) -> str:
    """Of the problem set's entry and, where it is a local file, that file's contents."""
    entry = config.problem_set(problem_set)
    source = Path(entry.source).expanduser()
    content = hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else None
    return _hash([CODE_VERSION, entry.model_dump(mode="json", exclude={"protocol"}), content])


def model_fingerprint(config: Config, model: str, problem_set: str) -> str:
    """Of the model's revision and prompting, the problem set and the protocol."""
    entry = config.model(model)
    prompting = [
        entry.engine, entry.dtype, entry.quantization, entry.template, entry.add_bos, entry.template_args,
    ]  # fmt: skip
    protocol = config.protocol_of(problem_set)
    problems = problem_set_fingerprint(config, problem_set)
    return _hash(
        [CODE_VERSION, entry_revision(entry), prompting, problems, protocol.name, protocol.protocol_hash]
    )


def transfer_fingerprint(reader: str, writers: Mapping[str, str]) -> str:
    """Of the reader's fingerprint and its writers' by name."""
    return _hash([reader, dict(writers)])


def comparison_fingerprint(models: Mapping[str, str]) -> str:
    """Of the transfer fingerprints of all models that a comparison shows, by name."""
    return _hash(dict(models))
