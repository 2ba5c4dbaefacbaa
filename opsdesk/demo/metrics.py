"""Made-up daily metrics: each shop's figures take a small step a day, drawn from the shop's own numbers.

Values are whole ten-thousandths and whole fen, and chance is whole-number arithmetic: the same on every
machine. One statement a day, however many shops.
"""

from __future__ import annotations

from datetime import date

from django.db.backends.utils import CursorWrapper

from opsdesk.demo.files import next_import, record
from opsdesk.demo.moments import Past
from shops.models import ImportBatch

# Park and Miller's generator: the seed of the next day. The others draw several numbers from one seed.
PRIME, NEXT = 2_147_483_647, 48_271
DRAWS = (
    16_807,
    69_621,
    39_373,
    950_706_376,
    742_938_285,
    1_226_874_159,
    62_089_911,
    1_343_714_438,
    630_360_016,
)

# SQL that keeps a score and a rate within their bounds.
SCORE, RATE = "least(50000, greatest(10000, {}))", "least(10000, greatest(0, {}))"


def load_metrics(cursor: CursorWrapper, past: Past) -> None:
    """The metrics of every day, an import each. Needs the staged shops of `loading.load_facts`."""
    _start(cursor, past)
    months: set[tuple[int, int]] = set()
    for number, day in enumerate(past.metric_days):
        if number:
            _step(cursor)
        if (day.year, day.month) not in months:
            months.add((day.year, day.month))
            cursor.execute("SELECT shops_make_month(%s)", [day])
        batch = next_import(cursor)
        created = _write(cursor, day, batch, left=past.days - 1 - number)
        record(cursor, batch, ImportBatch.Kind.METRICS, day, past.after(day, "00:02"), created=created)


def _drawn(number: int, sides: int) -> str:
    """The SQL of a number from 0 to sides − 1, the `number`th that today's seed gives."""
    return f"mod(mod(seed * {DRAWS[number]}, {PRIME}), {sides})"


def _wobble(number: int) -> str:
    """The SQL of a step between −wobble and wobble."""
    return f"({_drawn(number, 2001)} - 1000) * wobble / 1000"


def _start(cursor: CursorWrapper, past: Past) -> None:
    """Where each walk begins so that, chance aside, it arrives at its last value on the last day."""
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE demo_walk ON COMMIT DROP AS
        SELECT s.id AS shop_id, d.seed, d.wobble, d.gmv_fen, d.basket_fen, d.score_none, d.absent,
               d.warehouse_passed, d.alliance_connected, d.erp_connected, d.freight_insurance,
               {SCORE.format("shop_score_last - shop_score_drift * %(steps)s")} AS score,
               shop_score_drift AS score_drift, shop_score_blank AS score_blank,
               {SCORE.format("experience_last - experience_drift * %(steps)s")} AS experience,
               experience_drift, experience_blank,
               {RATE.format("positive_last - positive_drift * %(steps)s")} AS positive, positive_drift,
               d.wechat_shop AS wechat_alone, d.wechat_shop OR d.wechat_state <> '' AS wechat
        FROM demo_shop d
        JOIN shops_shop s ON s.code = d.code
        ORDER BY s.id
        """,
        {"steps": past.days - 1},
    )
    cursor.execute("ANALYZE demo_walk")


def _step(cursor: CursorWrapper) -> None:
    """One day on. A new table in place of the old one: updated rows would only pile up until the commit."""
    cursor.execute(
        f"""
        CREATE TEMPORARY TABLE demo_tomorrow ON COMMIT DROP AS
        SELECT shop_id, mod(seed * {NEXT}, {PRIME}) AS seed, wobble,
               gmv_fen * (100000 + {_wobble(0)} * 20) / 100000 AS gmv_fen,
               basket_fen, score_none, absent,
               warehouse_passed, alliance_connected, erp_connected, freight_insurance,
               {SCORE.format(f"score + score_drift + {_wobble(1)}")} AS score,
               score_drift, score_blank,
               {SCORE.format(f"experience + experience_drift + {_wobble(2)}")} AS experience,
               experience_drift, experience_blank,
               {RATE.format(f"positive + positive_drift + {_wobble(3)} / 5")} AS positive,
               positive_drift, wechat_alone, wechat
        FROM demo_walk
        """
    )
    cursor.execute("DROP TABLE demo_walk")
    cursor.execute("ALTER TABLE demo_tomorrow RENAME TO demo_walk")


def _write(cursor: CursorWrapper, day: date, batch: int, *, left: int) -> int:
    """The file of `day`, `left` days before the last one. Returns how many rows it has."""
    # A cell now and then is empty, a shop now and then isn't in the file.
    forgotten = f"wobble > 0 AND {_drawn(4, 1000)} < 2"
    no_score = f"score_none OR score_blank > %(left)s OR wobble > 0 AND {_drawn(5, 1000)} < 2"
    no_experience = (
        f"wechat_alone OR score_none OR experience_blank > %(left)s OR wobble > 0 AND {_drawn(6, 1000)} < 2"
    )

    def component(draw: int) -> str:
        # Around the experience score, each with a leaning of its own shop.
        lean = f"mod(shop_id * {DRAWS[draw]}, 2001) - 1000"
        return SCORE.format(f"experience + {lean}") + " / 10000.0"

    cursor.execute(
        f"""
        INSERT INTO shops_shopmetrics (
            day, shop_id, batch_id, gmv_30d, paid_orders_30d, shop_score, shop_score_none, experience_score,
            experience_score_none, product_score, service_score, logistics_score, positive_rate,
            warehouse_passed, alliance_connected, erp_connected, freight_insurance)
        SELECT %(day)s, shop_id, %(batch)s, gmv_fen / 100.0, gmv_fen / basket_fen + sign(gmv_fen),
               CASE WHEN NOT ({no_score}) THEN score / 10000.0 END,
               score_none AND NOT score_blank > %(left)s,
               CASE WHEN NOT ({no_experience}) THEN experience / 10000.0 END,
               score_none AND NOT wechat_alone,
               CASE WHEN NOT ({no_experience}) THEN {component(6)} END,
               CASE WHEN NOT ({no_experience}) THEN {component(7)} END,
               CASE WHEN NOT ({no_experience}) THEN {component(8)} END,
               CASE WHEN NOT wechat_alone THEN positive / 10000.0 END,
               CASE WHEN NOT wechat_alone THEN warehouse_passed END,
               CASE WHEN NOT wechat_alone THEN alliance_connected END,
               CASE WHEN NOT wechat_alone THEN erp_connected END,
               CASE WHEN wechat THEN freight_insurance END
        FROM demo_walk
        WHERE NOT absent > %(left)s AND NOT ({forgotten})
        ORDER BY shop_id
        """,
        {"day": day, "batch": batch, "left": left},
    )
    return cursor.rowcount
