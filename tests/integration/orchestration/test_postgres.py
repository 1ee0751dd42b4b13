"""Deployed as docs/deployment.md says: a model is measured, and web server and daemon work, with a real Postgres."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from support.extras import needs
from support.lab import Lab
from support.postgres import DATABASE, PASSWORD, USER, postgres

from cot_assets.cli.status import status as show_status
from cot_assets.orchestration.instance import LOCATION, InstanceError, open_instance, prepare_instance
from cot_assets.study import DataHome

needs("dagster_postgres", "postgres")
pytestmark = pytest.mark.heavy

PAGE = Path(__file__).parents[3] / "docs" / "deployment.md"
_COMMAND = str(Path(sys.executable).parent / "cot-assets")
_RUNS = "{ runsOrError { ... on Runs { results { jobName status } } } }"
_DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } } }"
#: What a click in the launchpad sends: the run is queued, and the daemon starts it.
_LAUNCH = f"""mutation {{ launchRun(executionParams: {{
    selector: {{ repositoryName: "__repository__", repositoryLocationName: "{LOCATION}", jobName: "load_problems" }}
    executionMetadata: {{ tags: [{{ key: "dagster/partition", value: "sums" }}] }} runConfigData: {{}}
}}) {{ __typename ... on PythonError {{ message }} }} }}"""


def storage_of_the_page(port: int) -> dict[str, Any]:
    """The settings that the page shows, for a server on this machine."""
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    settings = yaml.safe_load(block)
    where = settings["storage"]["postgres"]["postgres_db"]
    assert (where["username"], where["db_name"]) == (USER, DATABASE)
    where |= {"hostname": "127.0.0.1", "port": port}
    return settings


def ask(port: int, query: str) -> Any:
    """The answer of the web server's GraphQL."""
    origin = f"http://127.0.0.1:{port}"
    request = urllib.request.Request(
        f"{origin}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json", "Origin": origin}
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A study whose Dagster keeps its records as the page says."""
    lab = Lab(tmp_path)
    lab.write_sums(n=1)
    lab.write_script("small", problem_sets=["sums"])
    with postgres() as port, lab.environment(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_POSTGRES_PASSWORD", PASSWORD)
        prepare_instance(lab.home)
        with (lab.home.dagster / "dagster.yaml").open("a") as settings:
            settings.write(yaml.safe_dump(storage_of_the_page(port)))
        yield lab


def runs(port: int) -> list[tuple[str, str]]:
    """Job and status of all runs, by the web server."""
    found = ask(port, _RUNS)["runsOrError"]["results"]
    return sorted((run["jobName"], run["status"]) for run in found)


def wait_for(what: Callable[[], object], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        with suppress(OSError):  # it is starting
            if what():
                return
        assert process.poll() is None, log.read_text()[-3000:]
        time.sleep(1)
    raise AssertionError(log.read_text()[-3000:])


def test_a_study_whose_records_are_in_postgres(lab: Lab) -> None:
    measured = lab.bring_up_to_date([("small", "sums")])
    assert lab.table("potentials").height > 0
    assert lab.bring_up_to_date([("small", "sums")]) == [], "what was made is known"
    status = CliRunner().invoke(show_status, ["--format", "json"], catch_exceptions=False)
    states = {(row["model"], row["state"]) for row in json.loads(status.stdout)}
    assert states == {("small", "fresh"), ("", "fresh")}
    assert not (lab.home.dagster / "history").exists(), "SQLite keeps nothing"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    log = lab.root / "ui.log"
    with log.open("wb") as output:
        ui = subprocess.Popen([_COMMAND, "ui", "--port", str(port)], stdout=output, stderr=output)
    try:
        wait_for(lambda: runs(port), ui, log)
        before = runs(port)
        assert len(before) == len(measured)
        assert {status for _, status in before} == {"SUCCESS"}
        assert ask(port, _LAUNCH)["launchRun"] == {"__typename": "LaunchRunSuccess"}
        wait_for(lambda: runs(port) == sorted([*before, ("load_problems", "SUCCESS")]), ui, log)
        daemons = ask(port, _DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        assert all(each["healthy"] for each in daemons if each["required"]), daemons
    finally:
        ui.send_signal(signal.SIGINT)
        ui.wait(60)


def test_a_database_that_is_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DAGSTER_HOME", "COT_ASSETS_HOME"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("DAGSTER_POSTGRES_PASSWORD", PASSWORD)
    home = DataHome(tmp_path / "home")
    prepare_instance(home)
    with (home.dagster / "dagster.yaml").open("a") as settings:
        settings.write(yaml.safe_dump(storage_of_the_page(1)))
    with pytest.raises(InstanceError, match="Is the database up") as caught, open_instance(home):
        pass
    assert PASSWORD not in str(caught.value)
