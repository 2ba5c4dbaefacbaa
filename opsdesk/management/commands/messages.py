from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from opsdesk import catalogues


class Command(BaseCommand):
    help = "Keeps the message catalogues: extracts from the source, compiles, and names what is untranslated."
    # Set-up compiles before there is any database, and nothing here may depend on the code's being sound.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--update", action="store_true", help="bring the .po files in step with the source"
        )
        parser.add_argument("--compile", action="store_true", help="write the .mo files that Django reads")
        parser.add_argument(
            "--check", action="store_true", help="exit 1 and list what is missing, untranslated or fuzzy"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["update"] or options["compile"] or options["check"]):
            raise CommandError("Name one of --update, --compile, --check.", returncode=2)
        gaps: list[str] = []
        for app in catalogues.APPS:
            for locale in catalogues.LOCALES:
                if options["update"] and catalogues.update(app, locale):
                    self.stdout.write(f"updated {app} {locale}")
                if options["compile"] and catalogues.compile_one(app, locale):
                    self.stdout.write(f"compiled {app} {locale}")
                if options["check"]:
                    gaps.extend(catalogues.gaps(app, locale))
        if gaps:
            raise CommandError("\n".join([*gaps, f"{len(gaps)} messages are not translated."]))
