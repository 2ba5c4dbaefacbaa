"""Many people at the same deposits at once: seeded movements, each key entered by two of them, while somebody
adds up what stands. What went wrong is told in words.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, connections

from opsdesk import books
from shops import deposits, topups
from shops.errors import Refused
from shops.models import DepositEntry, Shop, TopUp
from tests.factories import AT, make_shop

# One statement, and so one moment: what each account has, and what its entries add up to.
ADDED_UP = """
SELECT shop_id, count(*), max(number), sum(amount_fen), min(balance_fen),
       (array_agg(balance_fen ORDER BY number DESC))[1]
FROM shops_depositentry GROUP BY shop_id
"""


@dataclass
class Storm:
    """`by_key`: the entries that came back under each key. `seen` counts outcomes and reads."""

    shops: list[Shop]
    problems: list[str] = field(default_factory=list)
    by_key: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    seen: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def problem(self, words: str) -> None:
        with self.lock:
            self.problems.append(words)


def raise_storm(*, threads: int, operations: int, shops: int, seed: int) -> Storm:
    """So many threads, each with so many operations; two of them do the same ones, key by key."""
    storm = Storm([make_shop() for _ in range(shops)])
    together = threading.Barrier(threads + 1)
    people = [
        threading.Thread(target=_person, args=(storm, together, operations, f"{seed}-{number // 2}"))
        for number in range(threads)
    ]
    reader = threading.Thread(target=_reader, args=(storm,))
    for thread in [*people, reader]:
        thread.start()
    together.wait(timeout=60)
    for thread in people:
        thread.join()
    storm.over.set()
    reader.join()
    _look_back(storm)
    return storm


def _person(storm: Storm, together: threading.Barrier, operations: int, seed: str) -> None:
    draw = random.Random(seed)
    done: list[tuple[str, Callable[[], Any]]] = []
    together.wait(timeout=60)
    try:
        for number in range(operations):
            key, operation = _drawn(storm, draw, f"{seed}-{number}")
            if done and draw.random() < 0.1:
                key, operation = draw.choice(done)
            done.append((key, operation))
            _do(storm, key, operation)
    finally:
        connections.close_all()


def _do(storm: Storm, key: str, operation: Callable[[], Any]) -> None:
    try:
        came = operation()
    except Refused:
        outcome = "refused"
    # Whatever else it is, a person would have been shown an error page.
    except Exception as error:
        storm.problem(f"{key}: {type(error).__name__}: {error}")
        outcome = "broke"
    else:
        entry = getattr(came, "entry", None) if isinstance(came, deposits.Deduction) else came
        outcome = "entered" if isinstance(entry, DepositEntry) else "nothing to enter"
        if isinstance(entry, DepositEntry):
            with storm.lock:
                storm.by_key[key].add(entry.pk)
    with storm.lock:
        storm.seen[outcome] += 1


def _drawn(storm: Storm, draw: random.Random, key: str) -> tuple[str, Callable[[], Any]]:
    """The next operation, the same for whoever draws alike."""
    shop, amount = draw.choice(storm.shops), draw.randint(1, 1000)
    kinds = ["pay_in", "top_up", "compensate", "deduct", "adjust", "refund", "reverse", "settle", "demand"]
    kind = draw.choices(kinds, [25, 10, 20, 15, 10, 5, 10, 3, 2])[0]
    given: dict[str, Any] = {"by": None, "at": AT, "cause": "storm", "key": key}
    # Of those that two draw alike the same one, if it was entered by then.
    earlier = f"{key.rpartition('-')[0]}-{draw.randint(0, max(int(key.rpartition('-')[2]) - 1, 0))}"
    if kind == "adjust":
        amount *= draw.choice((1, -1))
    if kind == "reverse":

        def reverse() -> Any:
            entry = DepositEntry.objects.filter(key=earlier).first()
            return entry and deposits.reverse(entry, **given)

        return key, reverse
    if kind == "settle":

        def settle() -> Any:
            owed = TopUp.objects.filter(shop=shop, state="open").first()
            return owed and deposits.settle(owed, **given)

        return key, settle
    if kind == "demand":
        return key, lambda: topups.demand(shop=shop, amount_fen=amount, by=None, at=AT, key=key)
    verb = getattr(deposits, kind)
    return key, lambda: verb(shop=shop, amount_fen=amount, **given)


def _reader(storm: Storm) -> None:
    try:
        while not storm.over.is_set():
            with connection.cursor() as cursor:
                cursor.execute(ADDED_UP)
                for shop, count, last, total, least, balance in cursor.fetchall():
                    if total != balance or least < 0 or count != last:
                        storm.problem(
                            f"shop {shop} was read with {balance} fen, entries of {total}, least {least}"
                        )
            storm.seen["read"] += 1
            time.sleep(0.01)
    finally:
        connections.close_all()


def _look_back(storm: Storm) -> None:
    """Each key is one entry, and all that came back is there; all adds up."""
    stand = dict(DepositEntry.objects.values_list("pk", "key"))
    if len(set(stand.values())) != len(stand):
        storm.problem("a key stands more than once")
    for key, entries in storm.by_key.items():
        if len(entries) != 1 or not entries <= stand.keys():
            storm.problem(f"{key} came back as entries {sorted(entries)}")
    # What follows by itself comes back to nobody: what is deducted once paid, and given back with that.
    entered = {key for key in stand.values() if not key.startswith(("settlement ", "entry "))}
    if set(storm.by_key) != entered:
        storm.problem("what came back is not what stands")
    for broken in (books.verify_ledger(), books.verify_reversals()):
        if broken:
            storm.problem(broken)
