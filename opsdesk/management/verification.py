"""The commands that check what must always hold: one for all facts, and one for each."""

from __future__ import annotations

from typing import Any

from opsdesk import audit
from opsdesk.management.answers import AnsweringCommand


class VerifyCommand(AnsweringCommand):
    """Checks the facts named in `facts`; exit status 1 and the first broken record where one is broken."""

    facts: tuple[str, ...]

    def answer(self, **options: Any) -> tuple[Any, str]:
        checks = []
        for name in self.facts:
            fact = (audit.FACTS | audit.OF_FILES)[name]
            broken = fact.verify()
            checks.append({"check": name, "fact": fact.number, "holds": broken is None, "broken": broken})
        lines = [f"{check['fact']} {check['check']}: {check['broken'] or 'holds'}" for check in checks]
        found = next((check["broken"] for check in checks if check["broken"]), None)
        return {"holds": found is None, "broken": found, "checks": checks}, "\n".join(lines)

    def status(self, value: Any) -> int:
        return 0 if value["holds"] else 1
