"""A PostgreSQL of the test session's own: started in a temporary folder, stopped at its end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from crm import PASSWORD, Server

from needs import absent


def _as_postgres() -> list[str]:
    """The server refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """PostgreSQL of the distribution; its absence skips, or fails where SEGMENT_LAB_POSTGRES is
    "required"."""
    if not find_spec("psycopg"):
        absent("postgres", "psycopg is not installed")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [
        Path(shutil.which("initdb") or "/none")
    ]
    if not found[-1].exists():
        absent(
            "postgres",
            "PostgreSQL is not installed (Debian: apt-get install postgresql)",
        )
    tools, folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="segment_lab_pg_"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if os.geteuid() == 0:
        for path in (folder, secret):
            shutil.chown(path, "postgres", "postgres")
    run = {"check": True, "capture_output": True, "cwd": folder}
    try:
        subprocess.run(
            [
                *_as_postgres(),
                str(tools / "initdb"),
                "-D",
                str(folder / "data"),
                "-U",
                "postgres",
                "--auth=scram-sha-256",
                f"--pwfile={secret}",
                "--locale=C.UTF-8",
                "-E",
                "UTF8",
            ],
            **run,
        )
        control = [
            *_as_postgres(),
            str(tools / "pg_ctl"),
            "-D",
            str(folder / "data"),
            "-w",
        ]
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=64MB"
        subprocess.run(
            [*control, "-l", str(folder / "log"), "-o", options, "start"], **run
        )
        try:
            yield Server(port)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
