"""The conventions of the house, held by the suite."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import ForeignKey
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent
HOUSES = ["opsdesk", "rules", "shops"]


def our_models() -> list:
    return [model for model in apps.get_models() if model._meta.app_label in HOUSES]


def test_imports_go_one_way_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == 0, capsys.readouterr().out


def test_foreign_keys_go_one_way_only() -> None:
    upward = [
        f"{model._meta.label}.{field.name}"
        for model in our_models()
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey)
        and field.related_model._meta.app_label in HOUSES
        and HOUSES.index(field.related_model._meta.app_label) < HOUSES.index(model._meta.app_label)
    ]
    assert upward == []


def test_constraints_and_indexes_are_named_after_their_model() -> None:
    strangers = [
        named.name
        for model in our_models()
        if model._meta.managed
        for named in [*model._meta.constraints, *model._meta.indexes]
        if not named.name.startswith(f"{model._meta.app_label}_{model._meta.model_name}")
    ]
    assert strangers == []


def test_no_room_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "misc", "services", "signals", "constants"}
    named = {path.relative_to(ROOT) for house in HOUSES for path in (ROOT / house).rglob("*.py")}
    assert [str(path) for path in sorted(named) if empty & {*path.parts, path.stem}] == []


def test_cursors_are_held_where_statements_live() -> None:
    allowed = {"shops/sql.py", "rules/sql.py"}
    # Roles, locks of the command line and loading by COPY happen below or beside the models.
    allowed |= {
        "opsdesk/apps.py",
        "opsdesk/grants.py",
        "opsdesk/timetable.py",
        "opsdesk/management/commands/migrate.py",
        "opsdesk/demo/creation.py",
        "opsdesk/demo/loading.py",
    }
    holders = {
        str(path.relative_to(ROOT))
        for house in HOUSES
        for path in (ROOT / house).rglob("*.py")
        if "migrations" not in path.parts and "connection.cursor()" in path.read_text(encoding="utf-8")
    }
    assert holders <= allowed


def test_a_file_is_short_enough_to_read_at_a_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for house in HOUSES
        for path in (ROOT / house).rglob("*.py")
        if "migrations" not in path.parts
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 320
    }
    assert long == {}
