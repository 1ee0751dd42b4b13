"""A Postgres server in a temporary folder, from the programs that a package of the system brings."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.extras import missing

USER, PASSWORD, DATABASE = "dagster", "not-a-secret", "dagster"


def _program(name: str) -> str:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return shutil.which(name) or (
        str(installed[-1]) if installed else missing(f"no {name}: apt-get install postgresql")
    )


@contextmanager
def postgres() -> Iterator[int]:
    """The port on which a new server listens on this machine, its database made; it ends with the block."""
    import psycopg2

    initdb, server = _program("initdb"), _program("postgres")
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))  # a user of its own must reach it
    as_user: list[str] = []
    if os.geteuid() == 0:  # as root it refuses to run
        user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    password = folder / "password"
    password.write_text(PASSWORD)
    data = folder / "data"
    made = [
        *as_user,
        initdb,
        "-D",
        str(data),
        "-U",
        USER,
        "-A",
        "scram-sha-256",
        "--pwfile",
        str(password),
        "--no-sync",
    ]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    command = [
        *as_user, server, "-D", str(data), "-k", str(folder), "-p", str(port), "-c", "listen_addresses=127.0.0.1",
        "-c", "fsync=off",
    ]  # fmt: skip
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        where = {"host": "127.0.0.1", "port": port, "user": USER, "password": PASSWORD, "dbname": "postgres"}
        for _ in range(100):
            try:
                connection = psycopg2.connect(**where)
                break
            except psycopg2.OperationalError:
                assert process.poll() is None, Path(log.name).read_text()
                time.sleep(0.1)
        else:
            raise AssertionError(Path(log.name).read_text())
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {DATABASE}")
        connection.close()
        yield port
    finally:
        process.send_signal(signal.SIGINT)  # ends its clients' sessions
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
        Path(log.name).unlink(missing_ok=True)
