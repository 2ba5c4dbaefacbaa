"""Long lists are written by a worker, once, for the person who asked for them alone."""

from __future__ import annotations

import os
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.urls import reverse

from opsdesk import jobs
from shops import outgoing, sql
from shops.models import Alliance, Export
from tests.clients import client_of, signed_in
from tests.exporting import ask, content, read_csv, read_xlsx
from tests.factories import AT, DOUYIN, WECHAT, make_enrollment, make_proposal, make_shop, make_user

MINE = "/admin/shops/export/"


def an_export(by: User, **values: Any) -> Export:
    """All shops' codes and names, asked for and left to a worker."""
    given = {
        "source": "shops.shop",
        "query": "",
        "columns": ["code", "name"],
        "format": "csv",
        "language": "en",
    }
    return outgoing.ask(**{**given, **values}, by=by, at=AT)


def written(export: Export) -> Export:
    outgoing.write(export.pk, at=AT)
    export.refresh_from_db()
    return export


def test_a_long_list_is_written_by_a_worker_and_fetched(committed_db, worker, monkeypatch) -> None:
    monkeypatch.setattr(outgoing, "AT_ONCE", 2)
    for number in range(5):
        make_enrollment(make_shop(code=f"A{number}"), DOUYIN if number else WECHAT)
    client = client_of("auditor", "zh-hans")
    chosen = {"alliance__id__exact": Alliance.objects.get(code=DOUYIN).pk}
    answer = ask(client, "/admin/shops/enrollment/export/", chosen, format="xlsx")
    assert (answer.status_code, answer["Location"]) == (302, MINE)
    waiting = client.get(MINE).content.decode()
    assert 'data-refresh="2"' in waiting and "等待中" in waiting
    worker.burst()
    export = Export.objects.get()
    assert (export.state, export.written, export.total) == ("done", 4, 4)
    done = client.get(MINE).content.decode()
    address = reverse("admin:shops_export_download", args=[export.pk])
    assert "data-refresh" not in done and address in done
    rows = read_xlsx(content(client.get(address)))
    assert sorted(row["shop"] for row in rows) == ["A1", "A2", "A3", "A4"]


def test_an_export_that_the_queue_lost_is_found_again(committed_db, worker) -> None:
    make_shop()
    export = an_export(make_user("auditor"))
    assert outgoing.unfinished() == [export.pk]
    jobs.reconcile()
    worker.burst()
    assert outgoing.unfinished() == []
    assert Export.objects.get().state == "done"


@pytest.mark.django_db
def test_an_export_speaks_the_language_of_who_asked() -> None:
    make_proposal()
    export = written(
        an_export(make_user("auditor"), source="rules.proposal", columns=["category"], language="zh-hans")
    )
    [row] = read_csv(outgoing.path_of(export).read_bytes())
    assert list(row) == ["类目"]


@pytest.mark.django_db
def test_an_export_is_written_once_however_often_it_is_asked() -> None:
    make_shop()
    export = written(an_export(make_user("auditor")))
    make_shop()
    assert (written(export).written, export.attempts) == (1, 1)
    outgoing.write(10**9, at=AT)


@pytest.mark.django_db
def test_how_far_an_export_has_come_is_seen_while_it_is_written(monkeypatch) -> None:
    monkeypatch.setattr(outgoing, "NOTED_EVERY", 2)
    for _shop in range(5):
        make_shop()
    seen = []
    save = Export.save

    def noticing(self: Export, *args: Any, **kwargs: Any) -> None:
        seen.append((self.state, self.written, self.total))
        save(self, *args, **kwargs)

    export = an_export(make_user("auditor"))
    monkeypatch.setattr(Export, "save", noticing)
    written(export)
    assert seen == [
        ("running", 0, None),
        ("running", 0, 5),
        ("running", 2, 5),
        ("running", 4, 5),
        ("done", 5, 5),
    ]


@pytest.mark.django_db
def test_a_sheet_that_would_not_hold_the_rows_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(outgoing, "XLSX_ROWS", 2)
    make_shop(), make_shop()
    user = make_user("auditor")
    export = written(an_export(user, format="xlsx"))
    assert (export.state, export.problem) == ("failed", "A sheet holds at most 1 rows. Choose CSV.")
    assert "Choose CSV." in signed_in(user).get(MINE).content.decode()
    assert written(an_export(user)).state == "done"


@pytest.mark.django_db
def test_an_export_that_keeps_breaking_is_given_up(monkeypatch) -> None:
    def broken(*args: Any) -> None:
        raise OSError("no space left on device")

    export = an_export(make_user("auditor"))
    monkeypatch.setattr(outgoing, "csv_lines", broken)
    make_shop()
    for _attempt in range(outgoing.ATTEMPTS):
        with pytest.raises(OSError):
            outgoing.write(export.pk, at=AT)
        assert outgoing.unfinished() == [export.pk]
    assert written(export).state == "failed"
    assert "broke off several times" in export.problem
    assert outgoing.unfinished() == []


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["nothing__exact=x", "opened_on__gte=yesterday", "id__exact=x"])
def test_an_export_whose_filter_no_longer_works_fails_at_once(query: str) -> None:
    export = written(an_export(make_user("auditor"), query=query))
    assert (export.state, export.attempts) == ("failed", 1)
    assert export.problem.startswith("A filter of this list no longer works.")


def test_two_workers_do_not_write_the_same_export(committed_db) -> None:
    make_shop()
    export = an_export(make_user("auditor"))

    def another() -> None:
        outgoing.write(export.pk, at=AT)
        connection.close()

    with sql.lease(outgoing.EXPORTING, export.pk):
        assert outgoing.unfinished() == []
        second = Thread(target=another)
        second.start()
        second.join()
        export.refresh_from_db()
        assert (export.state, export.attempts) == ("waiting", 0)


# Whose they are


@pytest.mark.django_db
def test_nobody_fetches_or_sees_what_another_took() -> None:
    make_shop()
    export = written(an_export(make_user("auditor")))
    other = client_of("auditor")
    address = reverse("admin:shops_export_download", args=[export.pk])
    assert other.get(address).status_code == 404
    assert address not in other.get(MINE).content.decode()
    root = User.objects.create_superuser("root")
    assert signed_in(root).get(address).status_code == 404


@pytest.mark.django_db
def test_who_lost_the_right_gets_neither_file_nor_rows() -> None:
    make_shop()
    user = make_user("operator")
    export = written(an_export(user))
    late = an_export(user)
    user.groups.set([Group.objects.get(name="finance")])
    user = User.objects.get(pk=user.pk)
    address = reverse("admin:shops_export_download", args=[export.pk])
    assert signed_in(user).get(address).status_code == 403
    assert written(late).state == "failed"
    assert "You may no longer export this list." in late.problem
    assert not outgoing.path_of(late).exists()


@pytest.mark.django_db
def test_an_unfinished_export_has_no_file_to_fetch() -> None:
    user = make_user("auditor")
    export = an_export(user)
    address = reverse("admin:shops_export_download", args=[export.pk])
    assert signed_in(user).get(address).status_code == 404
    outgoing.path_of(written(export)).unlink()
    assert signed_in(user).get(address).status_code == 404


@pytest.mark.django_db
def test_after_a_week_an_export_and_its_file_are_gone() -> None:
    user = make_user("auditor")
    old, young = written(an_export(user)), written(an_export(user))
    unfinished = outgoing.path_of(old).with_name("1.csv.0.unfinished")
    unfinished.touch()
    a_week_ago = (AT - timedelta(days=7, seconds=1)).timestamp()
    for path in (outgoing.path_of(old), unfinished):
        os.utime(path, (a_week_ago, a_week_ago))
    os.utime(outgoing.path_of(young), (AT.timestamp(), AT.timestamp()))
    Export.objects.filter(pk=old.pk).update(asked_at=AT - timedelta(days=7, seconds=1))
    outgoing.clear_away(at=AT)
    assert list(Export.objects.all()) == [young]
    assert outgoing.path_of(young).exists()
    assert not outgoing.path_of(old).exists() and not unfinished.exists()
