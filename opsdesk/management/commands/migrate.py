"""`migrate` as the owner: one at a time, then grants, then roles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connection, connections

from opsdesk import grants, roles

# Any number that nothing else uses: two `migrate` at once would race.
MIGRATING = 7_306_001


@contextmanager
def connected_as_owner() -> Iterator[None]:
    """Let the default connection be the owner's for a while.

    Not the alias `owner` itself: some packages' migrations ask the default connection, whatever is migrated.
    """
    if "owner" not in connections:
        yield
        return
    application = dict(connection.settings_dict)
    owner = connections["owner"].settings_dict
    connection.close()
    connection.settings_dict.update({key: owner[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(application)


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        application = connection.settings_dict["USER"]
        with connected_as_owner():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
            super().handle(*args, **options)
            grants.grant(to=application)
            roles.write_groups()
