"""What the application's database role may do: no DDL, and what is evidence is only ever added to."""

from __future__ import annotations

from django.apps import apps
from django.db import connection
from psycopg import sql
from simple_history.models import HistoricalChanges

# Changed by verbs, never deleted: each is somebody's decision or the record of it.
KEPT = frozenset(
    {
        "shops.Alliance",
        "shops.Closure",
        "shops.DeclaredMetric",
        "shops.Enrollment",
        "shops.ImportBatch",
        "shops.Listing",
        "shops.Measure",
        "shops.Opening",
        "shops.Penalty",
        "shops.Product",
        "shops.Shop",
        "shops.TopUp",
        "shops.Violation",
        "rules.Proposal",
        "rules.ShopExemption",
        "rules.Sweep",
        "opsdesk.Appeal",
        "opsdesk.AppealTerms",
        "opsdesk.Evidence",
        "opsdesk.Execution",
        "opsdesk.Notice",
    }
)
# Only ever added to.
APPEND_ONLY = frozenset(
    {
        "shops.Correction",
        "shops.DepositEntry",
        "shops.ProductCorrection",
        "shops.Settlement",
        "rules.Retirement",
        "rules.SweepInput",
        "opsdesk.AppealMessage",
        "opsdesk.Decision",
    }
)


def privileges() -> dict[str, str]:
    """Table name → what the application may do with it, for every table of every model."""
    allowed = {}
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed:
            continue
        if issubclass(model, HistoricalChanges) or model._meta.label in APPEND_ONLY:
            rights = "SELECT, INSERT"
        elif model._meta.label in KEPT:
            rights = "SELECT, INSERT, UPDATE"
        else:
            rights = "SELECT, INSERT, UPDATE, DELETE"
        allowed[model._meta.db_table] = rights
    return allowed


def grant(*, to: str) -> None:
    """Give the role `to` exactly these rights, connected as the owner (who needs none himself)."""
    if to == connection.settings_dict["USER"]:
        return
    role = sql.Identifier(to)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        cursor.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(role))
        cursor.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role))
        cursor.execute(sql.SQL("GRANT SELECT ON django_migrations TO {}").format(role))
        existing = set(connection.introspection.table_names(cursor))
        for table, rights in privileges().items():
            if table in existing:
                cursor.execute(
                    sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), sql.Identifier(table), role)
                )
        cursor.execute(sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}").format(role))
