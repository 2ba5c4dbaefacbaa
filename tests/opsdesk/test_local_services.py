from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from opsdesk import local_services
from opsdesk.local_places import LONGEST_SOCKET_DIRECTORY, ROLES, Place
from tests import databases

UP = (
    "import sys; from pathlib import Path; from opsdesk import local_services;"
    "print(local_services.up(Path(sys.argv[1]), fast=True))"
)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not below pytest's own: that is closed to the account that servers run as for root."""
    top = Path(tempfile.mkdtemp(prefix="opsdesk-test-"))
    top.chmod(0o755)
    yield top / "data"
    local_services.down(top / "data")
    shutil.rmtree(top)


def postmaster(data_dir: Path) -> int:
    return int((Place.at(data_dir).cluster / "postmaster.pid").read_text().split()[0])


def test_addresses_start_nothing_and_stay_the_same(data_dir: Path) -> None:
    first = local_services.addresses(data_dir)
    assert set(first) == {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"}
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(first["DATABASE_URL"])
    assert local_services.up(data_dir, fast=True) == first == local_services.addresses(data_dir)


def test_up_is_idempotent_and_down_stops_both(data_dir: Path) -> None:
    addresses = local_services.up(data_dir, fast=True)
    server = postmaster(data_dir)
    assert local_services.up(data_dir, fast=True) == addresses
    assert postmaster(data_dir) == server
    assert local_services.started_here(data_dir)
    local_services.down(data_dir)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(addresses["DATABASE_URL"])
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(addresses["REDIS_URL"]).ping()


def test_data_outlives_a_stop(data_dir: Path) -> None:
    addresses = local_services.up(data_dir, fast=True)
    with psycopg.connect(addresses["DATABASE_OWNER_URL"]) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 1 AS one")
    redis.Redis.from_url(addresses["REDIS_URL"]).set("kept", "1")
    local_services.down(data_dir)
    local_services.up(data_dir, fast=True)
    with psycopg.connect(addresses["DATABASE_OWNER_URL"]) as owner:
        assert owner.execute("SELECT one FROM kept").fetchone() == (1,)
    assert redis.Redis.from_url(addresses["REDIS_URL"]).get("kept") == b"1"


def test_the_application_has_no_ddl_and_the_owner_is_no_superuser(data_dir: Path) -> None:
    addresses = local_services.up(data_dir, fast=True)
    with psycopg.connect(addresses["DATABASE_URL"], autocommit=True) as application:
        for ddl in ("CREATE TABLE t ()", "CREATE SCHEMA s", "CREATE DATABASE d", "SET ROLE opsdesk_owner"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(ddl)
        application.execute("CREATE TEMPORARY TABLE staging ()")  # imports need it
    with psycopg.connect(addresses["DATABASE_OWNER_URL"]) as owner:
        owner.execute("CREATE TABLE t ()")
        assert owner.execute("SELECT current_setting('is_superuser')").fetchone() == ("off",)


def test_nobody_signs_in_without_the_password(data_dir: Path) -> None:
    addresses = local_services.up(data_dir, fast=True)
    for role in ROLES:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(addresses["DATABASE_URL"], user=role, password="wrong")


def test_passwords_and_sockets_are_closed_to_others(data_dir: Path) -> None:
    local_services.up(data_dir, fast=True)
    place = Place.at(data_dir)
    for role in ROLES:
        path = data_dir / "passwords" / role
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_uid == place.account.uid
        assert len(path.read_text()) >= 32
    for directory in (data_dir / "passwords", place.postgres, place.valkey, place.cluster):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_chinese_has_trigrams(data_dir: Path) -> None:
    addresses = local_services.up(data_dir, fast=True)
    with psycopg.connect(addresses["DATABASE_OWNER_URL"]) as owner:
        owner.execute("CREATE EXTENSION pg_trgm")
        assert owner.execute("SELECT cardinality(show_trgm('旗舰店')) > 0").fetchone() == (True,)


def test_socket_paths_stay_short_however_deep_the_data_lies(data_dir: Path) -> None:
    deep = data_dir / ("directory" * 12)
    addresses = local_services.up(deep, fast=True)
    try:
        place = Place.at(deep)
        assert len(str(place.socket_directory(place.postgres))) <= LONGEST_SOCKET_DIRECTORY
        psycopg.connect(addresses["DATABASE_URL"]).close()
        assert redis.Redis.from_url(addresses["REDIS_URL"]).ping()
    finally:
        local_services.down(deep)
        for home in (place.postgres, place.valkey):
            shutil.rmtree(place.socket_directory(home))


def test_six_at_once_make_one_cluster(data_dir: Path) -> None:
    six = [
        subprocess.Popen(
            [sys.executable, "-c", UP, str(data_dir)],
            cwd=databases.CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    said = [process.communicate(timeout=120)[0] for process in six]
    assert [process.returncode for process in six] == [0] * 6
    assert set(said) == {f"{local_services.addresses(data_dir)}\n"}


def test_a_half_made_cluster_is_made_again(data_dir: Path) -> None:
    local_services.addresses(data_dir)
    place = Place.at(data_dir)
    half_made = place.postgres / "data.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    psycopg.connect(local_services.up(data_dir, fast=True)["DATABASE_URL"]).close()


def test_it_comes_up_again_after_kill_9(data_dir: Path) -> None:
    addresses = local_services.up(data_dir, fast=True)
    os.kill(postmaster(data_dir), 9)
    local_services.up(data_dir, fast=True)
    psycopg.connect(addresses["DATABASE_URL"]).close()
