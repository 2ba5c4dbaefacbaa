"""Where embedded services live and as whom: a data directory, an unprivileged account, programs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

CHECKOUT = Path(__file__).resolve().parent.parent
DATABASE = "opsdesk"
# The owner migrates; the application has no DDL and is no member of it; the administrator makes the two.
ADMINISTRATOR, OWNER, APPLICATION = ROLES = ("postgres", "opsdesk_owner", "opsdesk_app")
# sun_path holds 108 bytes (104 on macOS) and PostgreSQL appends "/.s.PGSQL.5432".
LONGEST_SOCKET_DIRECTORY = 85


class NotStarted(RuntimeError):
    """An embedded service could not be brought up; the text says what to do or where to look."""


@dataclass(frozen=True)
class Account:
    """Who the servers run as. PostgreSQL refuses root, so root lends them an unprivileged account."""

    uid: int
    gid: int

    @classmethod
    def for_servers(cls) -> Account:
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        for name in ("opsdesk", "postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise NotStarted("running as root, and there is no unprivileged account to run PostgreSQL as")

    def run(self, *command: str | Path, cwd: str | Path = "/") -> int:
        # Nothing is piped: a server would inherit the pipe and its reader would wait for ever.
        lent = self.uid != os.geteuid()
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.call(
            [str(part) for part in command],
            cwd=cwd,
            env={**env, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            user=self.uid if lent else None,
            group=self.gid if lent else None,
            extra_groups=[] if lent else None,
        )

    def reaches(self, path: Path) -> bool:
        return self.run("test", "-x", path) == 0

    def own(self, path: Path, mode: int) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)


@dataclass(frozen=True)
class Place:
    """One data directory and the account its servers run as."""

    root: Path
    account: Account

    @classmethod
    def at(cls, data_dir: Path | None) -> Place:
        account = Account.for_servers()
        given = data_dir or os.environ.get("OPSDESK_DATA")
        return cls(Path(given).resolve() if given else _default_directory(account), account)

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def cluster(self) -> Path:
        return self.postgres / "data"

    def socket_directory(self, home: Path) -> Path:
        if len(os.fsencode(home)) <= LONGEST_SOCKET_DIRECTORY:
            return home
        name = "opsdesk-" + hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / name

    @property
    def valkey_socket(self) -> Path:
        return self.socket_directory(self.valkey) / "valkey.sock"

    def url(self, role: str, database: str = DATABASE) -> str:
        # The directory as a query: django-environ lower-cases a host, libpq and psycopg read this form too.
        host = quote(str(self.socket_directory(self.postgres)))
        return f"postgresql://{role}:{self.password(role)}@:5432/{database}?host={host}"

    def password(self, role: str) -> str:
        return (self.root / "passwords" / role).read_text()

    def prepare(self) -> None:
        """Directories and passwords, before anything runs. Only under the lock."""
        if not self.account.reaches(self.root):
            raise NotStarted(
                f"{self.root} is closed to the account the servers run as; name another place in OPSDESK_DATA"
            )
        passwords = self.root / "passwords"
        homes = (self.postgres, self.valkey)
        for directory in (passwords, *homes, *(self.socket_directory(home) for home in homes)):
            if not directory.exists():
                directory.mkdir(mode=0o700)
                self.account.own(directory, 0o700)
            elif directory.stat().st_uid != self.account.uid:
                raise NotStarted(f"{directory} belongs to another account; name another in OPSDESK_DATA")
        for role in ROLES:
            if not (passwords / role).exists():
                new = passwords / f".{role}"
                new.touch(mode=0o600)
                new.write_text(secrets.token_hex(24))
                self.account.own(new, 0o600)
                new.rename(passwords / role)

    @contextmanager
    def locked(self) -> Iterator[None]:
        if not self.root.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o755)  # whatever the umask: the servers' account has to pass through
        # Python opens with O_CLOEXEC, so the servers never inherit the lock.
        with open(self.root / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _default_directory(account: Account) -> Path:
    inside = CHECKOUT / ".data"
    if inside.exists():
        home = inside / "postgres"
        usable = account.reaches(inside) and os.access(inside, os.W_OK)
        usable = usable and (not home.exists() or home.stat().st_uid == account.uid)
    else:
        usable = account.reaches(CHECKOUT) and os.access(CHECKOUT, os.W_OK)
    if usable:
        return inside
    if os.geteuid() == 0:
        state = Path("/var/lib")
    else:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    # Two checkouts never share data, even where they have one name.
    return state / "opsdesk" / f"{CHECKOUT.name}-{hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:8]}"


def program(place: Place, package: str, inside: str, name: str) -> Path:
    """A server's program: the package's own, a copy where its account can't read that, or the system's."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        found = shutil.which(name)
        if found is None:
            raise NotStarted(f"no {name}: install the package {package}, or give DATABASE_URL and REDIS_URL")
        return Path(found).resolve()
    home = Path(spec.origin).parent
    if place.account.reaches(home / inside / name):
        return home / inside / name
    # A home closed to others: copy, keeping the layout that the libraries' RPATH counts on.
    stamp = f"{home}{(home / inside / name).stat().st_mtime_ns}"
    copy = place.root / "programs" / f"{package}-{hashlib.sha256(stamp.encode()).hexdigest()[:10]}"
    if not copy.exists():
        copy.parent.mkdir(exist_ok=True)
        copy.parent.chmod(0o755)
        half_made = copy.with_suffix(".new")
        shutil.rmtree(half_made, ignore_errors=True)
        top = inside.split("/")[0]
        shutil.copytree(home / top, half_made / package / top)
        libraries = home.with_name(f"{package}.libs")
        if libraries.exists():
            shutil.copytree(libraries, half_made / libraries.name)
        for directory in (half_made, half_made / package):
            directory.chmod(0o755)
        half_made.rename(copy)
    return copy / package / inside / name
