from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from urllib.parse import urlencode

from opsdesk import roles
from shops.models import Shop
from tests import databases

# One write a line, also where Python's output is unbuffered: two processes share the pipe.
PLAIN = r"import os, signal; os.write(1, b'child %d\n' % os.getpid()); signal.pause()"
# Says who it is, and leaves a child of its own that will not hear of ending.
STUBBORN = r"""
import os, signal
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(1, b"grandchild %d\n" % os.getpid())
else:
    os.write(1, b"child %d\n" % os.getpid())
while True:
    signal.pause()
"""
SUPERVISE = """
import sys
from opsdesk.supervisor import Supervisor
Supervisor({"one": [sys.executable, "-c", sys.argv[1]]}, say=lambda line: print(line, flush=True)).run()
"""


@contextmanager
def started(*command: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """All that it starts inherits its standard output: that ends when the last of them has ended."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=databases.CHECKOUT, env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def line(process: subprocess.Popen[str], pattern: str) -> str:
    """The first match of `pattern` in what it prints."""
    assert process.stdout is not None
    patience = threading.Timer(60, process.kill)  # a test that hangs says nothing
    patience.start()
    try:
        for text in process.stdout:
            if found := re.search(pattern, text):
                return found.group(1)
    finally:
        patience.cancel()
    raise AssertionError(f"ended without printing {pattern}")


def test_a_child_that_dies_comes_back() -> None:
    with started("-c", SUPERVISE, PLAIN) as one:
        first = line(one, r"^child (\d+)")
        os.kill(int(first), signal.SIGKILL)
        assert line(one, r"(one ended \(status -9\))")
        assert line(one, r"^child (\d+)") != first
        one.terminate()
        one.communicate(timeout=20)


def test_sigterm_ends_children_and_their_stubborn_children() -> None:
    with started("-c", SUPERVISE, STUBBORN) as one:
        line(one, r"^grandchild (\d+)")
        one.terminate()
        one.communicate(timeout=20)  # reads to the end: the last that could write is gone
        assert one.returncode == 0


def test_children_go_when_their_supervisor_is_killed() -> None:
    with started("-c", SUPERVISE, PLAIN) as one:
        line(one, r"^child (\d+)")
        one.kill()
        one.communicate(timeout=20)


def test_serve_prints_the_address_then_a_sign_in_for_each_role_and_ctrl_c_ends_all(committed_db) -> None:
    # With a shop in it the database needs no demonstration data.
    Shop.objects.create(code="S1", name="S1", name_key="s1", status=Shop.Status.NORMAL)
    with started("manage.py", "serve", env={**committed_db.env, "PORT": "0", "WEB_WORKERS": "1"}) as desk:
        base = line(desk, r"^opsdesk: (http://127\.0\.0\.1:\d+/)$")
        sign_ins = [line(desk, r"^sign in: (\w+ [\w-]+ \S+)$").split() for _ in roles.ROLES]
        assert [role for role, _, _ in sign_ins] == list(roles.ROLES)

        _, username, password = sign_ins[0]
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar := CookieJar()))
        browser.open(f"{base}admin/login/")
        token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
        form = {"username": username, "password": password, "csrfmiddlewaretoken": token, "next": "/admin/"}
        with browser.open(f"{base}admin/login/", urlencode(form).encode()) as home:
            assert home.url == f"{base}admin/"

        desk.send_signal(signal.SIGINT)
        desk.communicate(timeout=30)
        assert desk.returncode == 0


def test_serve_refuses_in_production(committed_db) -> None:
    env = {**committed_db.env, "DEBUG": "0", "SECRET_KEY": "x" * 50, "ALLOWED_HOSTS": "desk.example"}
    done = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=databases.CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "own supervisor" in done.stderr
