"""All that may happen to the two, as one machine of hypothesis."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.opsdesk.twins.lives import Lives
from tests.opsdesk.twins.pair import Pair
from tests.opsdesk.twins.platform import Platform
from tests.opsdesk.twins.proposals import Proposals
from tests.opsdesk.twins.scene import Scene
from tests.opsdesk.twins.wrongs import Wrongs

# So many steps a pair; then another is born.
OF_A_PAIR = 40
# Nothing is kept between runs: what is found once is found again.
RUNNING: dict[str, Any] = {
    "stateful_step_count": OF_A_PAIR,
    "deadline": None,
    "database": None,
    "report_multiple_bugs": False,
    "print_blob": False,
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.generate, Phase.shrink),
}


class Twins(Proposals, Platform, Wrongs, Lives):
    pass


def run(machine: type[Pair], pairs: int, **given: Any) -> None:
    """So many pairs one after the other. Nothing of them is left, nor of the scene that they begin with."""
    with transaction.atomic():
        machine.scene = Scene.made()
        run_state_machine_as_test(machine, settings=settings(max_examples=pairs, **RUNNING | given))
        transaction.set_rollback(True)
