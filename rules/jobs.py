"""What workers run: loads by id, calls one verb, safe to run twice."""

from __future__ import annotations

from django.db import transaction
from django.utils.timezone import now
from django_rq import get_queue

from rules import simulation
from rules.models import Simulation


def simulate(simulation_id: int) -> None:
    """Carry a requested simulation out."""
    simulation.run(simulation_id, at=now())


def ask_for(asked: Simulation) -> None:
    """Queue a simulation once its row is committed. Lost with the queue, `simulation.unfinished` finds it."""
    transaction.on_commit(lambda: get_queue("default").enqueue(simulate, asked.pk), robust=True)
