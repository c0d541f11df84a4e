"""A PostgreSQL of the tests' own: Debian's programs, an unprivileged user, a folder that goes away again."""

import os
import secrets
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

USER = "nobody"  # root may not start PostgreSQL


class Postgres:
    """A server that listens on a socket in its folder alone; everything in it is lost at the end."""

    def __init__(self) -> None:
        newest = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self._programs = newest
        self._temporary = tempfile.TemporaryDirectory(prefix="csirtlab-postgres-")
        self.folder = Path(self._temporary.name)
        self._data = self.folder / "state"
        self._password = secrets.token_hex(8)
        self._numbers = count(1)

    def __enter__(self) -> Self:
        self.folder.chmod(0o711)  # the hub's service, under a uid of its own, gets as far as the socket
        if os.geteuid() == 0:
            subprocess.run(["chown", USER, self.folder], check=True)
        password = self.folder / "password"
        password.write_text(self._password)
        password.chmod(0o644)
        self._run(
            "initdb", "-D", self._data, "-U", "csirtlab", "--pwfile", password, "--auth=scram-sha-256", "-E", "UTF8",
            "--locale=C", "--no-sync",
        )  # fmt: skip
        password.unlink()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")
        self._temporary.cleanup()

    def start(self) -> None:
        # No waiting for the disk: nobody keeps what is in here.
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-l", self.folder / "log", "-o", options, "-w", "start")

    def restart(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "fast", "-w", "stop")
        self.start()

    def database(self, like: str = "template1") -> str:
        """Make a database, a copy of ``like`` (an address, or a name), and return its address."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            template = sql.Identifier(like.partition("?")[0].rpartition("/")[2])
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template)
            connection.execute(statement)
        return self._address(name)

    def _address(self, database: str) -> str:
        return f"postgresql://csirtlab:{self._password}@/{database}?host={self.folder}"

    def _run(self, program: str, *words: str | Path) -> None:
        done = subprocess.run(
            [self._programs / program, *words],
            cwd="/", capture_output=True, text=True, check=False,
            user=USER if os.geteuid() == 0 else None, group="nogroup" if os.geteuid() == 0 else None,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
