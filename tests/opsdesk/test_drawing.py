"""Files are drawn by a program of its own, so many at once, each in its turn."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from opsdesk import appeals
from opsdesk.appeals import Offered, evidence
from opsdesk.exhibits import Kind, NotNow, Read, draw, drawing, turns, unpacked
from opsdesk.models import Appeal
from shops.errors import Refused
from tests.factories import AT, make_cleared
from tests.opsdesk.files import jpeg, zipped

NOW = AT + timedelta(days=2)
HEADER = "penalty,channel,statement,evidence\n"


def test_no_more_are_drawn_at_once_than_the_machine_has_turns(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EVIDENCE_DRAWN_AT_ONCE = 2
    monkeypatch.setattr(turns, "WAITED", 120)
    real, running, most = subprocess.run, [], []

    def counted(*args: Any, **options: Any) -> Any:
        running.append(1)
        most.append(len(running))
        try:
            return real(*args, **options)
        finally:
            running.pop()

    monkeypatch.setattr(subprocess, "run", counted)

    def look(number: int) -> None:
        with evidence.looked_into([Offered("a.jpg", io.BytesIO(jpeg(number)))]):
            pass

    threads = [threading.Thread(target=look, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (6, 2)


@pytest.fixture
def one_turn(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.EVIDENCE_DRAWN_AT_ONCE, settings.FILES_ROOT = 1, str(tmp_path)
    monkeypatch.setattr(turns, "WAITED", 0)


def test_where_no_turn_is_free_the_officer_is_told_to_try_again(one_turn: None) -> None:
    with turns.a_turn(), pytest.raises(NotNow, match=r"^The desk is drawing other files just now"):
        turns.a_turn().__enter__()
    with turns.a_turn():
        pass


def test_a_turn_ends_with_the_program_that_draws_and_not_with_who_began_it(one_turn: None) -> None:
    with turns.a_turn() as held:
        program = subprocess.Popen(["sleep", "60"], pass_fds=[held])
    try:
        with pytest.raises(NotNow):
            turns.a_turn().__enter__()
    finally:
        program.kill()
        program.wait()
    with turns.a_turn():
        pass


@dataclass
class Drawing:
    """The desk's own drawing program at a file that never ends, until it is ended itself."""

    pid: int
    ended: Callable[[], Refused]


@pytest.fixture
def at_work(one_turn: None, tmp_path: Path) -> Iterator[Drawing]:
    os.mkfifo(tmp_path / "original")
    said: list[Refused] = []

    def look() -> None:
        try:
            draw(Read(Kind.PNG, "0" * 64, 1, tmp_path / "original"))
        except Refused as refusal:
            said.append(refusal)

    def ended() -> Refused:
        officer.join()
        return said[0]

    officer = threading.Thread(target=look)
    officer.start()
    with open(opened_to_be_read(tmp_path / "original", officer), "wb"):
        pid = next(
            pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if draws(pid, tmp_path)
        )
        yield Drawing(pid, ended)
        if not said:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        officer.join()


def opened_to_be_read(pipe: Path, officer: threading.Thread) -> int:
    while officer.is_alive():
        # Refused until somebody reads.
        with suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.02)
    pytest.fail("the program has ended before it read")


def draws(pid: int, directory: Path) -> bool:
    with suppress(OSError):
        return f"{directory}/original".encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_drawing_that_is_ended_from_outside_is_no_fault_of_the_file(
    at_work: Drawing, number: signal.Signals
) -> None:
    os.kill(at_work.pid, number)
    assert isinstance(at_work.ended(), NotNow)
    assert "ended from outside" in str(at_work.ended())


@pytest.mark.parametrize("number", [signal.SIGXCPU, signal.SIGSEGV, signal.SIGABRT])
def test_a_drawing_that_ends_over_its_file_is_the_fault_of_the_file(
    at_work: Drawing, number: signal.Signals
) -> None:
    os.kill(at_work.pid, number)
    assert "takes too long to draw" in str(at_work.ended())
    assert not isinstance(at_work.ended(), NotNow)


def test_a_drawing_of_which_the_time_is_over_says_so_itself() -> None:
    beside = Path(drawing.__file__).parent
    spend = f"import sys; sys.path.insert(0, {str(beside)!r}); import drawing"
    spend += "\ndrawing.bound(1)\nwhile True: pass"
    assert subprocess.run([sys.executable, "-c", spend]).returncode == -signal.SIGXCPU


def test_the_program_that_draws_sees_nothing_of_the_desks(at_work: Drawing) -> None:
    assert "DATABASE_URL" in os.environ
    assert Path(f"/proc/{at_work.pid}/environ").read_bytes() == b""


def test_the_program_that_draws_holds_the_turn_itself(at_work: Drawing, tmp_path: Path) -> None:
    opened = [Path(os.readlink(link)) for link in Path(f"/proc/{at_work.pid}/fd").iterdir()]
    assert tmp_path / "drawing" / "1" in opened
    assert tmp_path / "drawing" / turns.FIRST not in opened


def test_an_officer_has_his_turn_while_a_parcel_of_many_files_is_drawn(
    one_turn: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAITED", 10)
    over = threading.Event()

    def many() -> None:
        for _file in range(300):
            with turns.a_turn():
                if over.wait(0.2):
                    return

    parcel = threading.Thread(target=many)
    parcel.start()
    try:
        for _officer in range(3):
            with turns.a_turn():
                pass
        # Not once the parcel is done, but between two of its files.
        assert parcel.is_alive()
    finally:
        over.set()
        parcel.join()


@pytest.mark.django_db
def test_of_many_appeals_none_is_filed_and_no_row_blamed_while_all_turns_are_taken(one_turn: None) -> None:
    rows = f"{make_cleared()},mail,s,a.jpg\n"
    with (
        unpacked(io.BytesIO(zipped({"a.jpg": jpeg()}))) as parcel,
        turns.a_turn(),
        pytest.raises(NotNow, match="is drawing other files"),
    ):
        appeals.file_many((HEADER + rows).encode(), by=None, at=NOW, parcel=parcel)
    assert not Appeal.objects.exists()
