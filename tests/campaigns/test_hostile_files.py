"""Good files with something done to them: exact, or refused with place and reason; no silent change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from django.db import transaction

from opsdesk import local_services
from shops import imports
from shops.errors import Refused
from shops.models import ImportBatch
from tests.campaigns import SHARE, Tally, finished
from tests.campaigns.mutations import Mutant, mutant
from tests.campaigns.strict_reading import Reading, Unreadable, read
from tests.factories import make_product, make_shop
from tests.shops.hostile import PRODUCTS, SHOPS
from tests.shops.importing import bring
from tests.shops.standing import standing

FILES = max(1, round(10_000 * SHARE))
KEPT = local_services.tests_data_dir() / "campaigns"


@pytest.fixture
def ground(db: None) -> Iterator[None]:
    for code, product in zip(SHOPS, PRODUCTS, strict=True):
        make_product(make_shop(code=code, name=code), code=product, name=product)
    yield


def second_reading(file: Mutant) -> Reading | None:
    """None: it can't be read."""
    try:
        return read(file.kind, file.content)
    except Unreadable:
        return None


def problem_of(file: Mutant, batch: ImportBatch, before: dict, reading: Reading | None) -> str | None:
    """What the import did that the second reading does not account for."""
    accounted = batch.created + batch.updated + batch.unchanged + batch.rejected
    if batch.rows != accounted:
        return f"{batch.rows} rows, {accounted} accounted for"
    errors = imports.errors_of(batch)
    refused = batch.state == ImportBatch.State.REFUSED
    if (refused or batch.rejected) and not (errors and all(e.row >= 1 and e.message for e in errors)):
        return "refused without a place or a reason"
    after = standing(file.kind)
    if refused and after != before:
        return "refused, and yet something was changed"
    if reading is None:
        return None if refused and not batch.rows else "taken, though it can't be read"
    if refused and not batch.rows:
        mixed = reading.guessed and errors[0].code == "mixed_encodings"
        return None if mixed else "refused as a whole without need"
    bad = reading.rows - len(reading.good)
    if (batch.rows, batch.rejected) != (reading.rows, reading.rows if refused else bad):
        return f"{batch.rejected} of {batch.rows} rows rejected, not {bad} of {reading.rows}"
    if refused:
        return None if bad else "refused without need"
    wrong = {key for key, values in reading.good.items() if not values.items() <= after.get(key, {}).items()}
    strangers = {key for key in after if after[key] != before.get(key)} - reading.good.keys()
    return f"not as written: {wrong | strangers}" if wrong | strangers else None


def outcome_of(batch: ImportBatch) -> str:
    if batch.state == "refused":
        return "refused, rows named" if batch.rejected else f"refused, {batch.errors[0]['code']}"
    return "taken in part" if batch.rejected else "taken exactly"


def brought(seed: int, file: Mutant) -> tuple[str | None, str]:
    """The problem with a file, if any, and its outcome. Every fourth is to be taken whole or not at all."""
    before = standing(file.kind)
    try:
        with transaction.atomic():
            batch = bring(file.kind, file.content, partial=seed % 4 > 0)
            problem = problem_of(file, batch, before, second_reading(file))
            transaction.set_rollback(True)
    except Refused as refusal:
        return None, f"refused at the door, {refusal}"
    # Whatever it is: that is what is looked for.
    except Exception as error:
        return f"raised {type(error).__name__}: {error}", "raised"
    return problem, outcome_of(batch)


def test_whatever_is_done_to_good_files_nothing_changes_silently(ground) -> None:
    tally = Tally("hostile-files", FILES)
    for seed in range(FILES):
        file = mutant(seed)
        problem, outcome = brought(seed, file)
        if problem:
            KEPT.mkdir(exist_ok=True, parents=True)
            kept = KEPT / f"hostile-{seed}.{file.kind}.csv"
            kept.write_bytes(file.content)
            problem = f"seed {seed} ({file.how}): {problem}; kept as {kept}"
        tally.count(problem, outcome)
    finished.append(tally)
    assert (tally.passed, tally.failed) == (FILES, 0)
    # The sample, too, holds files of every fate.
    assert {"taken exactly", "taken in part", "refused, rows named"} <= tally.seen.keys()


def test_control_a_value_that_was_changed_silently_is_found_out(ground) -> None:
    # As if the file had said something else than what stands.
    files = ((file, second_reading(file)) for file in map(mutant, count()))
    file, reading = next((file, reading) for file, reading in files if reading and reading.good)
    key = next(iter(reading.good))
    column = next(iter(reading.good[key]))
    other = replace(reading, good={**reading.good, key: {**reading.good[key], column: "other"}})
    with transaction.atomic():
        before = standing(file.kind)
        batch = bring(file.kind, file.content, partial=True)
        assert problem_of(file, batch, before, reading) is None
        assert "not as written" in str(problem_of(file, batch, before, other))
        transaction.set_rollback(True)
