"""Databases for tests: a migrated template for each state of the code, cloned in a tenth of a second."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from opsdesk import local_services

CHECKOUT = Path(__file__).resolve().parent.parent
# Any number that nothing else uses: of several test processes one migrates, the others wait.
BUILDING = 7_306_002
TEMPLATE, CLONE = "template_", "clone_"

_count = itertools.count(1)


def fingerprint() -> str:
    """Names the state of what `migrate` looks at."""
    digest = hashlib.sha256()
    for pattern in (
        "*/migrations/*.py",
        "*/models.py",
        "*/models/*.py",
        "opsdesk/grants.py",
        "opsdesk/roles.py",
        "opsdesk/settings.py",
        "opsdesk/management/commands/migrate.py",
        "requirements.txt",
    ):
        for path in sorted(CHECKOUT.glob(pattern)):
            digest.update(str(path.relative_to(CHECKOUT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def address(url: str, database: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def environment(database: str) -> dict[str, str]:
    """What a subprocess needs to work on that database, and on this test process's part of Valkey."""
    names = ("DATABASE_URL", "DATABASE_OWNER_URL")
    return {**os.environ, **{name: address(os.environ[name], database) for name in names}}


class Cluster:
    """The test cluster, as its administrator."""

    def __init__(self, data_dir: Path) -> None:
        url = local_services.administrator_url(data_dir)
        self.connection = psycopg.connect(url, autocommit=True)

    def _do(self, statement: str, name: str, **names: str) -> None:
        parts = {key: sql.Identifier(value) for key, value in {"name": name, **names}.items()}
        self.connection.execute(sql.SQL(statement).format(**parts))

    def _known(self, prefix: str) -> list[str]:
        rows = self.connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]
        )
        return [name for (name,) in rows]

    def template(self) -> str:
        """The migrated template for the code as it is, made where it isn't there yet."""
        name = TEMPLATE + fingerprint()
        self.connection.execute("SELECT pg_advisory_lock(%s)", [BUILDING])
        try:
            if name not in self._known(TEMPLATE):
                self._build(name)
            # When it was last used, so that those of an older state can go.
            self.connection.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(name), sql.Literal(str(self._now()))
                )
            )
            self._sweep(keep=name)
        finally:
            self.connection.execute("SELECT pg_advisory_unlock(%s)", [BUILDING])
        return name

    def _now(self) -> int:
        row = self.connection.execute("SELECT extract(epoch FROM now())::bigint").fetchone()
        assert row is not None
        return int(row[0])

    def _build(self, name: str) -> None:
        unfinished = f"unfinished_{name}"
        self.drop(unfinished)
        self._do("CREATE DATABASE {name} OWNER {owner}", unfinished, owner=local_services.OWNER)
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=CHECKOUT,
            env=environment(unfinished),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"migrate failed in the test database:\n{done.stderr}")
        self._do("ALTER DATABASE {name} RENAME TO {final}", unfinished, final=name)
        # Nobody connects to it, or it could not be cloned.
        self._do("ALTER DATABASE {name} ALLOW_CONNECTIONS false", name)

    def _sweep(self, keep: str) -> None:
        """Templates that nobody used for an hour, and the clones of test processes that are gone."""
        for name in self._known(CLONE):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(name.split("_")[1]), 0)
                continue
            self.drop(name)
        stale = self.connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND datname <> %s"
            " AND coalesce(shobj_description(oid, 'pg_database'), '0')::bigint < %s",
            [TEMPLATE, keep, self._now() - 3600],
        ).fetchall()
        for (name,) in stale:
            self.drop(name)

    def clone(self, template: str) -> str:
        name = f"{CLONE}{os.getpid()}_{next(_count)}"
        self._do(
            "CREATE DATABASE {name} TEMPLATE {template} OWNER {owner}",
            name,
            template=template,
            owner=local_services.OWNER,
        )
        return name

    def drop(self, name: str) -> None:
        self._do("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name)
