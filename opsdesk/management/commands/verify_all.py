from __future__ import annotations

from opsdesk import audit
from opsdesk.management.verification import VerifyCommand


class Command(VerifyCommand):
    help = "Checks all that must always hold; exit status 1 and the first broken record where it does not."
    facts = tuple(audit.FACTS)
