#!/usr/bin/env python
"""The desk's command line. Where no database is given, it finds or starts the embedded one by itself."""

from __future__ import annotations

import os
import sys

import environ

from opsdesk import local_services

WITHOUT_A_DATABASE = {
    "help",
    "version",
    "--version",
    "--help",
    "check",
    "collectstatic",
    "diffsettings",
    "messages",
}


def provide_services() -> None:
    """Addresses of the embedded services, started if need be, for those that the environment doesn't name."""
    given = os.environ
    if ("DATABASE_URL" in given and "REDIS_URL" in given) or not environ.Env().bool("DEBUG", default=True):
        return  # production must name its own, and settings say so
    addresses = local_services.up()
    if "DATABASE_URL" not in given:
        # Both roles or none: an owner of another server would migrate the wrong database.
        given["DATABASE_URL"] = addresses["DATABASE_URL"]
        given["DATABASE_OWNER_URL"] = addresses["DATABASE_OWNER_URL"]
    given.setdefault("REDIS_URL", addresses["REDIS_URL"])


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsdesk.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command not in WITHOUT_A_DATABASE and "--help" not in sys.argv:
        try:
            provide_services()
        except local_services.NotStarted as problem:
            sys.exit(str(problem))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
