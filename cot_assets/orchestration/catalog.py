"""What the assets have in common in Dagster's catalog: rooms, owners, tags, code versions, links to code.

Belongs here: attributes that follow from where an asset is defined. Does not belong here: what an asset does.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any, cast

import dagster as dg

from cot_assets.orchestration.assets.defining import code_of
from cot_assets.orchestration.jobs import PART_TAG, part_of
from cot_assets.orchestration.partitions import BY_PROBLEM_SET, PROBLEM_SETS
from cot_assets.orchestration.triggers import STALE
from cot_assets.warehouse.reading import sql_folder

OWNERS = ["team:cot-assets"]


def code_version(asset: str, version: str | None) -> str:
    """The version that an author raises (``code_version`` of the asset), and a hash of the asset's SQL."""
    files = sorted(sql_folder().glob(f"*/{asset}.sql"))
    content = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:8]
    return f"{version or 1}-{content}" if files else f"{version or 1}"


def catalogued(assets: Iterable[dg.AssetsDefinition], room: str) -> list[dg.AssetsDefinition]:
    """The assets in the group of their room, with what the catalog says of them."""
    return [each for asset in assets for each in dg.map_asset_specs(_catalogued(asset, room), [asset])]


def _catalogued(asset: dg.AssetsDefinition, room: str) -> Callable[[dg.AssetSpec], dg.AssetSpec]:
    has_engine = bool(asset.op.pool)
    code = code_of(inspect.unwrap(cast("Any", asset.op.compute_fn).decorated_fn))

    def catalogued_spec(spec: dg.AssetSpec) -> dg.AssetSpec:
        spec = spec.replace_attributes(group_name=room)
        part = part_of(spec)
        tags = {
            **{name: value for name, value in spec.tags.items() if not name.startswith("dagster/kind/")},
            PART_TAG: part,
            "cost": "gpu" if has_engine else "cpu",
            "measure": room,
        }
        return spec.replace_attributes(
            owners=OWNERS,
            tags=tags,
            metadata={**code, **spec.metadata},
            code_version=code_version(spec.key.to_user_string(), spec.code_version),
            automation_condition=STALE if part == "analysis" and not has_engine else None,
        )

    return catalogued_spec


def after_all(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetDep]:
    """Dependencies on every asset that no other depends on, for what is made of all of them."""
    specs = [spec for asset in assets for spec in asset.specs]
    inner = {dep.asset_key for spec in specs for dep in spec.deps}
    return [
        dg.AssetDep(spec.key)
        if spec.partitions_def == PROBLEM_SETS
        else dg.AssetDep(spec.key, partition_mapping=BY_PROBLEM_SET)
        for spec in specs
        if spec.key not in inner and spec.partitions_def is not None
    ]
