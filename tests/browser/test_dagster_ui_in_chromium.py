"""The Dagster UI as `cot-assets ui` serves it, in a real browser: runs, clicks, launchpad, metadata, failures, report.

One data home, one web server with its daemon, the embedded engine on a handful of small problems. Steps wait for what a
person would wait for. COT_ASSETS_SCREENSHOTS names a folder that pictures are written to.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import pytest
from support.configuration import write_sections

from cot_assets.definitions import build_defs
from cot_assets.orchestration.instance import open_instance
from cot_assets.orchestration.runs import execute
from cot_assets.orchestration.staleness import Unit
from cot_assets.orchestration.state import ensure_partitions
from cot_assets.study import DataHome

#: Runs start one after the other, as the daemon takes them from its queue.
pytestmark = [pytest.mark.browser, pytest.mark.heavy]

MODEL, SETS = "demo-weak", [f"set{i}" for i in range(1, 5)]
_LIMIT_MS, _LOOK_AGAIN_MS = 180_000, 6_000
_LOOK = "ops:\n  quick_look:\n    config: {model: demo-weak, problem_set: set1, problems: 2, n: 16, protocol: tiny}\n"


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the UI of a data home in which the command line has loaded and reported one problem set."""
    root = tmp_path_factory.mktemp("ui")
    home, config = DataHome(root / "home"), root / "config"
    tiny = {"n": 16, "traces_per_problem": 1, "max_cuts": 2, "search_problems": 0}
    write_sections(config / "protocols.toml", {"tiny": {"extends": "quick", "sampling": tiny}})
    small = {"extends": "demo", "protocol": "tiny", "generator": {"per_cell": [1, 0, 0, 0]}}
    write_sections(config / "problem_sets.toml", {name: {**small, "seed": i} for i, name in enumerate(SETS)})
    variables = {
        "COT_ASSETS_HOME": str(home.root), "COT_ASSETS_CONFIG": str(config), "COT_ASSETS_SENSOR_SECONDS": "3600",
        "COT_ASSETS_REPORTS": "", "DAGSTER_HOME": str(home.dagster),
    }  # fmt: skip
    with mock.patch.dict(os.environ, variables):
        with open_instance(home) as instance:
            ensure_partitions(instance, [MODEL], SETS)
            definitions = build_defs()
            execute(definitions, instance, Unit("load_problems", "set1"), assets=["problems"])
            execute(definitions, instance, Unit("compare_models", "set1"), assets=["report"])
        with socket.socket() as port:
            port.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{port.getsockname()[1]}"
        command = [sys.executable, "-m", "cot_assets.cli", "ui", "--port", address.rpartition(":")[2]]
        with (root / "ui.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                _wait_until_it_answers(address, process, root / "ui.log")
                yield address
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(60)


def _wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _LIMIT_MS / 1000
    while True:
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)


@pytest.fixture
def page(chromium: Any, ui: str) -> Iterator[Any]:
    page = chromium.new_page(base_url=ui, viewport={"width": 1440, "height": 900})
    page.set_default_timeout(_LIMIT_MS)
    yield page
    page.close()


def _open(page: Any, path: str) -> None:
    page.goto(path, wait_until="domcontentloaded")


def _keep(page: Any, name: str) -> None:
    if folder := os.environ.get("COT_ASSETS_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def _materialize(page: Any, asset: str, problem_set: str | None) -> None:
    """Click through the dialog: all models, and one problem set or all."""
    _open(page, f"/assets/{asset}?view=partitions")
    page.get_by_role("button", name=re.compile("Materialize")).first.click()
    if problem_set is not None:
        page.get_by_role("button", name="All", exact=True).first.click()
        page.get_by_text("Select a partition or create one").last.click()
        page.get_by_title(problem_set, exact=True).last.click()
        page.get_by_text("Partition selection").click()  # closes the list
    else:
        page.get_by_role("button", name="All", exact=True).last.click()
    page.get_by_role("button", name=re.compile("Launch")).last.click()
    page.get_by_text("Launch runs to materialize").wait_for(state="hidden")


def _fill_in(page: Any, config: str) -> None:
    """Open the launchpad of a quick look."""
    job = "/locations/cot_assets.definitions/jobs/look_at_model/playground"
    _open(page, f"{job}/setup?mode=default&config={quote(config)}")
    page.get_by_text("set1").first.wait_for()


def _launch(page: Any) -> None:
    """Launch what the launchpad holds, and go to its run."""
    page.get_by_role("button", name="Launch Run").click()
    page.wait_for_url("**/runs/**")


def _wait_for_partition(page: Any, asset: str, partition: str) -> None:
    """Open the partition's page until it shows a materialization: Dagster counts it, but shows it on the next look only."""
    from playwright.sync_api import TimeoutError as NotYet

    deadline = time.monotonic() + _LIMIT_MS / 1000
    while time.monotonic() < deadline:
        _open(page, f"/assets/{asset}?view=partitions&partition={quote(partition)}")
        with suppress(NotYet):
            page.get_by_text("Materialized", exact=True).wait_for(timeout=_LOOK_AGAIN_MS)
            return
    raise AssertionError(f"{asset} of {partition} is not there: {page.inner_text('body')}")


def test_runs_of_the_command_line_are_where_all_others_are(page: Any) -> None:
    for path, shown in (
        ("/locations/cot_assets.definitions/jobs/load_problems/runs", "problem_set: set1"),
        ("/overview/activity/timeline?groupBy=job", "load_problems"),
        ("/jobs", "load_problems"),
    ):
        _open(page, path)
        page.get_by_text(shown).first.wait_for()
        assert "No runs" not in page.inner_text("body"), path


def test_a_partition_is_materialized_by_clicking_and_says_how(page: Any) -> None:
    _materialize(page, "traces", "set1")
    _wait_for_partition(page, "traces", f"{MODEL}|set1")
    text = page.inner_text("body")
    assert re.search(r"share_correct\s+(0|1|0\.\d{1,3})\s", text), text
    assert re.search(r"engine\s+openvino [\d.]+, \w+ on \w+", text), text
    assert not re.search(r"\d\.\d{9}|EngineInfo|None\b.*=", text), "Python and long digits are not for people"
    _open(page, "/assets/traces?view=checks&checkDetail=audit")
    page.get_by_text(re.compile(r"audited blocks are what the model writes")).first.wait_for()


def test_a_backfill_of_four_runs_goes_through(page: Any) -> None:
    _materialize(page, "problems", None)
    for name in SETS:
        _wait_for_partition(page, "problems", name)
    _open(page, "/runs?view=backfills")
    page.get_by_text("4 partitions").first.wait_for()


def test_the_launchpad_takes_a_quick_look(page: Any) -> None:
    _fill_in(page, _LOOK)
    page.get_by_text("problem_set").first.click()
    for said in ("How many of its problems", "Rollouts per prefix", "A protocol in protocols.toml"):
        page.get_by_text(said).first.wait_for()
    _launch(page)
    page.get_by_text("Success", exact=True).first.wait_for()
    _open(page, "/assets/quick_look?view=events")
    page.get_by_text("tiny, n = 16").wait_for()
    rows = page.locator("table").first.inner_text()
    assert rows.startswith("picture"), "the picture comes first"
    assert "0.333" in rows or re.search(r"0\.\d{3}\b", rows), "potentials can be read at once"
    page.get_by_text("[Show Markdown]").first.click()
    picture = page.locator("img[src^='data:image/png']")
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") > 200
    _keep(page, "dagster-quick-look")


def test_a_failed_step_is_its_sentence(page: Any) -> None:
    _fill_in(page, _LOOK.replace(MODEL, "demo-wek"))
    _launch(page)
    page.get_by_text("Failure", exact=True).first.wait_for()
    said = page.get_by_text(re.compile("no model named 'demo-wek' is configured; known: .*demo-weak")).first
    said.wait_for()
    assert "Error occurred while executing op" not in page.inner_text("body")


def test_the_report_is_a_link_that_opens_and_commands_nothing(page: Any) -> None:
    _wait_for_partition(page, "report", "set1")
    link = page.get_by_role("link", name="/reports/set1/index.html").first
    with page.expect_popup() as opened:
        link.click()
    report = opened.value
    report.wait_for_load_state()
    assert "set1" in report.title()
    assert report.evaluate("origin") == "null", "a script in it has no access to the UI"
    report.close()


def test_the_graph_reads_as_the_method(page: Any) -> None:
    _open(page, "/asset-groups")
    for group in ("curves", "patterns", "rates", "transfer", "report"):
        page.get_by_text(group, exact=True).last.wait_for()
    _keep(page, "dagster-graph")
    _open(page, "/assets/spikes")
    page.get_by_text(re.compile("rises of potential: the paper's insights")).first.wait_for()
