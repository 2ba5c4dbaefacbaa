"""What files may cost: all is asked before the dear part, and that is bounded for the whole machine."""

from __future__ import annotations

import io
import struct
import subprocess
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
import time_machine

from opsdesk import appeals
from opsdesk.appeals import Offered, evidence
from opsdesk.exhibits import ParcelRefused, unpacked
from shops.errors import NotAllowed, Refused
from tests.factories import AT, make_appeal, make_cleared, make_evidence, make_user
from tests.opsdesk.files import jpeg, zipped

NOW = AT + timedelta(days=2)
HEADER = "penalty,channel,statement,evidence\n"


@pytest.fixture(autouse=True)
def two_days_later() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Called as often as a file is drawn."""
    run = Mock(wraps=subprocess.run)
    monkeypatch.setattr(subprocess, "run", run)
    return run


def offered(*contents: bytes) -> list[Offered]:
    return [Offered(f"{n}.jpg", io.BytesIO(content)) for n, content in enumerate(contents, start=1)]


# What is asked before anything is drawn


@pytest.mark.django_db
def test_more_files_than_fit_are_refused_before_any_is_drawn(settings: Any, drawn: Mock) -> None:
    settings.EVIDENCE_MAX_FILES = 2
    files = [jpeg(n) for n in range(3)]
    with pytest.raises(Refused, match="at most 2 files"):
        appeals.add(make_appeal().pk, evidence=offered(*files), by=None, at=NOW)
    with pytest.raises(Refused, match="at most 2 files"):
        make_appeal(evidence=offered(*files))
    assert not drawn.called


@pytest.mark.django_db
def test_a_file_that_is_no_good_refuses_the_others_before_any_is_drawn(settings: Any, drawn: Mock) -> None:
    settings.EVIDENCE_MAX_MB = settings.EVIDENCE_FILM_MAX_MB = 1
    appeal = make_appeal()
    for wrong in (b"x", bytes(2 << 20), jpeg()):
        with pytest.raises(Refused, match=r"“2\.jpg”"):
            appeals.add(appeal.pk, evidence=offered(jpeg(), wrong), by=None, at=NOW)
    assert not drawn.called


@pytest.mark.django_db
def test_nothing_is_drawn_for_an_appeal_that_is_over_or_an_item_that_is_none(drawn: Mock) -> None:
    appeal = make_appeal()
    with pytest.raises(Refused, match="no such item"):
        appeals.add(appeal.pk, evidence=offered(jpeg()), item=9, by=None, at=NOW)
    appeals.withdraw(appeal.pk, reason="rang", by=None, at=NOW)
    with pytest.raises(appeals.AlreadyOver):
        appeals.add(appeal.pk, evidence=offered(jpeg()), by=None, at=NOW)
    assert not drawn.called


@pytest.mark.django_db
def test_nothing_is_drawn_for_an_appeal_that_can_not_be_filed(drawn: Mock) -> None:
    penalty, late = make_cleared(), make_cleared(at=AT - timedelta(days=60))
    with pytest.raises(appeals.TooLate):
        make_appeal(late, evidence=offered(jpeg()))
    admitted = {"channel": "mail", "statement": "s", "evidence": offered(jpeg()), "by": None, "at": NOW}
    with pytest.raises(Refused, match="in time"):
        appeals.admit_late(penalty=penalty, reason="r", **admitted)
    with pytest.raises(Refused, match="Say why"):
        appeals.admit_late(penalty=late, reason=" ", **admitted)
    with pytest.raises(NotAllowed):
        make_appeal(evidence=offered(jpeg()), by=make_user("auditor"))
    assert not drawn.called


@pytest.mark.django_db
def test_nothing_is_drawn_while_a_row_of_many_is_wrong(drawn: Mock) -> None:
    rows = f"{make_cleared()},mail,s,a.jpg\nP99999999,mail,s,\n"
    with unpacked(io.BytesIO(zipped({"a.jpg": jpeg()}))) as parcel, pytest.raises(Refused, match="no case"):
        appeals.file_many((HEADER + rows).encode(), by=None, at=NOW, parcel=parcel)
    assert not drawn.called


@pytest.mark.django_db
def test_a_row_that_names_thousands_of_files_is_refused_before_they_are_looked_for() -> None:
    rows = f"{make_cleared()},mail,s,{'a.jpg;' * 20_000}\n"
    with pytest.raises(appeals.FileOfAppealsRefused, match="at most 30 files") as refusal:
        appeals.file_many((HEADER + rows).encode(), by=None, at=NOW)
    assert len(refusal.value.rows) == 1


@pytest.mark.django_db
def test_what_all_rows_together_would_keep_is_bounded(settings: Any, drawn: Mock) -> None:
    settings.EVIDENCE_PARCEL_MAX_UNPACKED_MB = 1
    rows = "".join(f"{make_cleared()},mail,s,a.jpg\n" for _row in range(3))
    large = jpeg() + bytes(400 << 10)
    with unpacked(io.BytesIO(zipped({"a.jpg": large}))) as parcel, pytest.raises(Refused, match="than 1 MB"):
        appeals.file_many((HEADER + rows).encode(), by=None, at=NOW, parcel=parcel)
    assert not drawn.called


@pytest.mark.django_db
def test_what_is_struck_makes_no_endless_room(settings: Any) -> None:
    settings.EVIDENCE_MAX_FILES = 1
    appeal = make_appeal()
    for number in range(evidence.MOST_EVER):
        appeals.strike(make_evidence(appeal, jpeg(number)).token, reason="r", by=None, at=NOW)
    with pytest.raises(Refused, match="at most 3 files with those that were struck: 3 have come"):
        make_evidence(appeal, jpeg(9))
    appeals.add(appeal.pk, text="words are welcome", by=None, at=NOW)


# Unpacking


@pytest.mark.parametrize("count", [30_000, 400_000])
def test_the_list_of_a_zip_is_not_read_without_bound(count: int) -> None:
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    one = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    listed = (one + b"a") * count
    if count < 0xFFFF:
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(listed), len(local), 0)
    else:
        end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(listed), len(local))
        end += struct.pack("<4sLQL", b"PK\6\7", 0, len(local) + len(listed), 1)
        end += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, *[0xFFFF] * 2, *[0xFFFFFFFF] * 2, 0)
    archive = io.BytesIO(local + listed + end)
    tracemalloc.start()
    try:
        with pytest.raises(ParcelRefused, match="At most 200 files at once"), unpacked(archive):
            pass
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
