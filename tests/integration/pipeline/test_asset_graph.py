"""The asset graph as one readable text, so that a change of it shows up in review as a diff.

After a wanted change: ``uv run python tests/integration/pipeline/test_asset_graph.py`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

SNAPSHOT = Path(__file__).with_name("asset_graph.txt")


def _render() -> str:
    from cot_assets.definitions import build_defs

    graph = build_defs().resolve_asset_graph()
    lines: list[str] = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.to_user_string()):
        node = graph.get(key)
        partitions = node.partitions_def
        names = ", ".join(partitions.partition_dimension_names) if hasattr(partitions, "partition_dimension_names") else getattr(partitions, "name", "none")  # fmt: skip
        checks = ", ".join(sorted(check.name for check in node.check_keys)) or "none"
        lines += [
            f"{key.to_user_string()}  (group {node.group_name})",
            f"    after       {', '.join(sorted(k.to_user_string() for k in node.parent_keys)) or 'nothing'}",
            f"    partitions  {names}",
            f"    pools       {', '.join(sorted(node.pools or ())) or 'none'}",
            f"    checks      {checks}",
        ]
    return "\n".join(lines) + "\n"


def test_asset_graph_is_the_recorded_one():
    assert _render() == SNAPSHOT.read_text(), (
        f"run `python {SNAPSHOT.parent.name}/{Path(__file__).name}` if wanted"
    )


def test_every_asset_links_to_the_code_of_its_room():
    from cot_assets.definitions import build_defs

    for node in build_defs().resolve_asset_graph().asset_nodes:
        (link,) = node.metadata["dagster/code_references"].code_references
        file, room = Path(link.file_path), node.group_name
        assert room in (file.parent.name, file.stem.replace("publishing", "report")), node.key
        assert 0 < link.line_number <= len(file.read_text().splitlines())


def test_every_conclusion_waits_for_the_rollouts():
    """Where steps of an engine wait for the pool, any order that the graph allows is taken."""
    from cot_assets.definitions import build_defs
    from cot_assets.orchestration.jobs import MODEL_BY_SET, PART_TAG

    graph = build_defs().resolve_asset_graph()
    concluded = [
        node.key
        for node in graph.asset_nodes
        if node.tags.get(PART_TAG) == "analysis" and node.partitions_def == MODEL_BY_SET
    ]
    assert len(concluded) > 10
    for key in concluded:
        assert "rollouts" in {above.to_user_string() for above in graph.get_ancestor_asset_keys(key)}, key


if __name__ == "__main__":
    SNAPSHOT.write_text(_render())
