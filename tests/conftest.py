"""The ground under every test: real PostgreSQL and real Valkey, their own, and the desk's real roles.

`db`            a rolled-back transaction, as the application's database role.
`committed_db`  a database of the test's own, for what has to commit: races, workers, the browser.
`worker`        real queue workers on it.
`live_desk`     the real web server on it: its base URL.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import django.conf
import pytest
import redis
from django.utils import translation

from opsdesk import local_services, supervisor
from tests import databases

if django.conf.settings.configured:
    # They would hold the development database's address.
    raise pytest.UsageError("Django's settings were read too early: unset DJANGO_SETTINGS_MODULE.")

DATA = local_services.tests_data_dir()
FILES = DATA / "files" / str(os.getpid())


# Every test process holds the servers; the last to let go stops them.
local_services.addresses(DATA)
_holding = (DATA / ".in-use").open("w")
fcntl.flock(_holding, fcntl.LOCK_SH)


def _own_part_of_valkey() -> IO[str]:
    """The lock on a numbered database of Valkey that no other living test process uses."""
    for number in range(1, int(local_services.VALKEY_SETTINGS["databases"])):
        part = (DATA / f".valkey-{number}").open("w")
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return part
        part.close()
    raise pytest.UsageError("too many test processes at once")


_part = _own_part_of_valkey()

# Before anything reads Django's settings. Whatever the caller's environment says, tests use their own.
for _name in ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "STATIC_ROOT", "CONN_MAX_AGE"):
    os.environ.pop(_name, None)
os.environ.update(local_services.up(DATA, fast=True))
os.environ["REDIS_URL"] = os.environ["REDIS_URL"].replace("db=0", f"db={_part.name.rpartition('-')[2]}")
os.environ["OPSDESK_DATA"] = os.environ["OPSDESK_TEST_DATA"] = str(DATA)
os.environ["FILES_ROOT"] = str(FILES)
os.environ["DJANGO_SETTINGS_MODULE"] = "opsdesk.settings"
assert django.conf.settings.DATABASES  # read now: pytest-django takes Django from here
# Not handed on: the processes of pytest-xdist begin here too, with addresses of their own.
del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_unconfigure() -> None:
    shutil.rmtree(FILES, ignore_errors=True)
    fcntl.flock(_holding, fcntl.LOCK_UN)
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(_holding, fcntl.LOCK_EX | fcntl.LOCK_NB)
        local_services.down(DATA)


@pytest.fixture(autouse=True)
def begins_in_english() -> Iterator[None]:
    """A request leaves its reader's language behind; no test begins in that of another.

    A test that has a parameter of a fixture's name does without the fixture: this one is called as none is.
    """
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def cluster() -> Iterator[databases.Cluster]:
    cluster = databases.Cluster(DATA)
    yield cluster
    cluster.connection.close()


@pytest.fixture(scope="session")
def migrated(cluster: databases.Cluster) -> str:
    """The name of the migrated template."""
    return cluster.template()


def _point_at(database: str) -> None:
    """Both aliases at that database, in this thread and in those that start from now on."""
    from django.db import connections

    for alias in connections:
        connections[alias].close()
        connections.settings[alias]["NAME"] = connections[alias].settings_dict["NAME"] = database


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, cluster: databases.Cluster, migrated: str, django_db_blocker
) -> Iterator[None]:
    """In place of pytest-django's own: a clone, migrated by our command, reached as the application."""
    clone = cluster.clone(migrated)
    with django_db_blocker.unblock():
        _point_at(clone)
    yield
    with django_db_blocker.unblock():
        _point_at("postgres")
    cluster.drop(clone)


@dataclass
class CommittedDatabase:
    """A test's own database; `env` is the environment for its subprocesses."""

    name: str
    env: dict[str, str]


@pytest.fixture
def committed_db(
    request, django_test_environment: None, cluster, migrated, django_db_blocker, monkeypatch
) -> Iterator[CommittedDatabase]:
    """A fresh clone, and an empty queue. What the test commits is committed; afterwards it's all gone."""
    from django.db import connections

    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        raise pytest.UsageError("committed_db and a rolled-back transaction exclude each other")
    before = connections.settings["default"]["NAME"]
    clone = cluster.clone(migrated)
    env = databases.environment(clone)
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        monkeypatch.setenv(name, env[name])
    with redis.Redis.from_url(env["REDIS_URL"]) as valkey:
        valkey.flushdb()
    with django_db_blocker.unblock():
        _point_at(clone)
        try:
            yield CommittedDatabase(clone, env)
        finally:
            _point_at(before)
            cluster.drop(clone)


@dataclass
class Workers:
    """Starts real queue workers; those still running are ended after the test."""

    env: dict[str, str]
    running: list[subprocess.Popen] = field(default_factory=list)

    def _command(self, *more: str) -> list[str]:
        worker = [sys.executable, "manage.py", "rqworker", "default"]
        return [*worker, "--worker-class", "opsdesk.worker.Worker", *more]

    def burst(self, seconds: float = 120) -> str:
        """Work off what is queued and return what the worker printed."""
        done = subprocess.run(
            self._command("--burst"),
            cwd=databases.CHECKOUT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self, **env: str) -> subprocess.Popen:
        """A worker that goes on until the test ends or kills it."""
        process = supervisor.start(
            self._command("--verbosity", "0"), env={**self.env, **env}, cwd=databases.CHECKOUT
        )
        self.running.append(process)
        return process


@pytest.fixture
def worker(committed_db: CommittedDatabase) -> Iterator[Workers]:
    workers = Workers(committed_db.env)
    yield workers
    supervisor.end(workers.running)


@pytest.fixture
def wsgi() -> str:
    """What `live_desk` serves; a test that needs a damaged desk names its own."""
    return "opsdesk.wsgi"


@pytest.fixture
def live_desk(committed_db: CommittedDatabase, wsgi: str) -> Iterator[str]:
    """The web server as `serve` runs it, on a free port: `http://127.0.0.1:PORT`."""
    # The socket is made here and handed over: no race for the port, and early requests wait in its queue.
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        os.set_inheritable(listener.fileno(), True)
        server = supervisor.start(
            [
                *(sys.executable, "-m", "gunicorn", wsgi, "--no-control-socket"),
                *("--workers", "2", "--threads", "4", "--log-level", "warning"),
                *("--bind", f"fd://{listener.fileno()}"),
            ],
            env=committed_db.env,
            cwd=databases.CHECKOUT,
            pass_fds=[listener.fileno()],
        )
    try:
        with urllib.request.urlopen(f"{base}/admin/login/", timeout=60) as answer:
            assert answer.status == 200
        yield base
    finally:
        supervisor.end([server])
