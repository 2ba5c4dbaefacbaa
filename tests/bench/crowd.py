"""Shops by the million for the rules to judge, written by SQL alone: the same every time.

Every shop stands in both alliances. Most hold every rule; so many fail or apply that a first check of both
alliances by the rules as they are shipped files about 20,000 proposals for a million shops.
"""

from __future__ import annotations

from datetime import date

DAY = date(2026, 3, 20)

# Chance by whole numbers: a share of 1 for the `kind`th question about shop n. Gone with the session.
DRAW = """
CREATE FUNCTION pg_temp.draw(n bigint, kind int) RETURNS float8 IMMUTABLE PARALLEL SAFE LANGUAGE sql
AS 'SELECT (hashint8extended(n, kind) & 1048575) / 1048576.0::float8'
"""
CONTROLLERS = """
INSERT INTO shops_controller (code) SELECT 'C' || lpad(n::text, 7, '0')
FROM generate_series(0, greatest({shops} * 8 / 10, 1) - 1) n
"""
# One in five shares its controller with another, and one in three trades under a brand.
SHOPS = """
INSERT INTO shops_shop (code, name, name_key, shop_type, category, goods_kind, status, account_ok,
    subject_kind, controller_id, entered_on, closed_cause, contact, phone, email, account_manager)
SELECT 'S' || lpad(n::text, 7, '0'), '店铺' || n, 'dianpu' || n,
    CASE WHEN branded < 0.15 THEN 'flagship' WHEN branded < 0.25 THEN 'exclusive'
         WHEN branded < 0.33 THEN 'multi_brand' ELSE 'ordinary' END,
    (ARRAY['beauty', 'food', 'home', 'fashion', 'sports', 'local-life'])[1 + trunc(5.05 * drawn)::int],
    CASE WHEN goods < 0.06 THEN 'virtual' WHEN goods < 0.1 THEN 'mixed' ELSE 'physical' END,
    CASE WHEN status < 0.001 THEN 'suspended' WHEN status < 0.002 THEN 'preparing' ELSE 'normal' END,
    CASE WHEN pg_temp.draw(n, 5) < 0.01 THEN false WHEN pg_temp.draw(n, 5) < 0.014 THEN NULL ELSE true END,
    'enterprise', c.id, date '{day}' - (30 + 900 * pg_temp.draw(n, 6))::int, '', '', '', '', ''
FROM (
    SELECT n, pg_temp.draw(n, 1) AS branded, pg_temp.draw(n, 2) AS drawn, pg_temp.draw(n, 3) AS goods,
        pg_temp.draw(n, 4) AS status
    FROM generate_series(0, {shops} - 1) n
) s
JOIN shops_controller c ON c.code = 'C' || lpad((n % greatest({shops} * 8 / 10, 1))::text, 7, '0')
"""
# n: the shop's own number, by which everything else about it is drawn.
NUMBERED = "(SELECT id, shop_type, goods_kind, substr(code, 2)::bigint AS n FROM shops_shop) s"
ENROLLMENTS = f"""
INSERT INTO shops_enrollment (shop_id, alliance_id, state, openings_used)
SELECT s.id, a.id, state,
    trunc(1.3 * pg_temp.draw(n, 12)) + CASE state WHEN 'applied' THEN 0 ELSE 1 END
FROM shops_alliance a CROSS JOIN {NUMBERED}
CROSS JOIN LATERAL (SELECT pg_temp.draw(n, CASE a.code WHEN 'wechat-select' THEN 10 ELSE 11 END) AS drawn) d
CROSS JOIN LATERAL (SELECT CASE WHEN drawn < 0.06 THEN 'applied' WHEN drawn < 0.09 THEN 'cleared'
    WHEN drawn < 0.11 THEN 'left' ELSE 'open' END AS state) stands
ORDER BY s.id
"""
OPENINGS = """
INSERT INTO shops_opening (enrollment_id, number, opened_on, closed, closed_on, cause)
SELECT e.id, number, date '{day}' - 100 * (3 - number), closed,
    CASE WHEN closed THEN date '{day}' - 100 * (3 - number) + 60 END,
    CASE WHEN NOT closed THEN '' WHEN e.state = 'left' THEN 'voluntary'
         WHEN e.shop_id % 10 = 0 THEN 'qualification' ELSE 'metric' END
FROM shops_enrollment e CROSS JOIN LATERAL generate_series(1, openings_used) number
CROSS JOIN LATERAL (SELECT number < e.openings_used OR e.state <> 'open' AS closed) ended
"""
# Those who trade under a brand have its paper; of some it is missing, over, rejected or pending.
PAPERS = f"""
INSERT INTO shops_qualification (shop_id, kind, brand, valid_until, verdict, received_at)
SELECT s.id, 'brand', 'brand ' || n,
    date '{{day}}' + CASE WHEN drawn BETWEEN 0.003 AND 0.006 THEN -3 ELSE 30 + (600 * drawn)::int END,
    CASE WHEN drawn BETWEEN 0.006 AND 0.009 THEN 'rejected' WHEN drawn BETWEEN 0.009 AND 0.012 THEN 'pending'
         ELSE 'accepted' END,
    timestamptz '{{day}} 08:00+08' - interval '1 day' * (300 * drawn)
FROM {NUMBERED} CROSS JOIN LATERAL (SELECT pg_temp.draw(n, 20) AS drawn) d
WHERE shop_type <> 'ordinary' AND drawn >= 0.003
"""
PENALTIES = f"""
INSERT INTO shops_penalty (reference, key, shop_id, ground, violation_id, status, reason, evidence,
    imposed_at, ended_at, ended_reason)
SELECT '', '', s.id, 'violation', v.id, CASE WHEN n % 7 = 0 THEN 'lifted' ELSE 'imposed' END, '', '{{{{}}}}',
    at, CASE WHEN n % 7 = 0 THEN at + interval '20 days' END, ''
FROM {NUMBERED} CROSS JOIN LATERAL (SELECT pg_temp.draw(n, 30) AS drawn,
    timestamptz '{{day}} 15:00+08' - interval '1 day' * trunc(800 * pg_temp.draw(n, 31)) AS at) d
JOIN shops_violation v ON v.code = CASE WHEN drawn < 0.008 THEN 'V9' WHEN drawn < 0.018 THEN 'V1'
    WHEN drawn < 0.019 THEN 'V4' ELSE 'V11' END
WHERE drawn < 0.02
"""
# Who has applied mostly lacks the inspection of its warehouse or the insurance; a cell now and then is empty.
METRICS = f"""
INSERT INTO shops_shopmetrics (day, shop_id, batch_id, gmv_30d, paid_orders_30d, shop_score, shop_score_none,
    experience_score, experience_score_none, product_score, service_score, logistics_score, positive_rate,
    warehouse_passed, alliance_connected, erp_connected, freight_insurance)
SELECT day, s.id, {{batch}}, round((exp(6 + 6 * pg_temp.draw(n, 40)))::numeric, 2),
    1 + trunc(5000 * pg_temp.draw(n, 40)),
    CASE WHEN young OR pg_temp.draw(n, 42) < 0.002 THEN NULL
         WHEN pg_temp.draw(n, 42) < 0.006 THEN round((3.5 + 0.7 * pg_temp.draw(n, 43))::numeric, 2)
         ELSE round((4.2 + 0.8 * pg_temp.draw(n, 43))::numeric, 2) END, young,
    CASE WHEN young OR pg_temp.draw(n, 44) < 0.002 THEN NULL
         WHEN pg_temp.draw(n, 44) < 0.006 THEN round((2.8 + 0.7 * pg_temp.draw(n, 45))::numeric, 2)
         ELSE round((3.5 + 1.5 * pg_temp.draw(n, 45))::numeric, 2) END, young,
    round((4 + pg_temp.draw(n, 46))::numeric, 2), round((4 + pg_temp.draw(n, 47))::numeric, 2),
    round((4 + pg_temp.draw(n, 48))::numeric, 2), round((0.72 + 0.27 * pg_temp.draw(n, 49))::numeric, 4),
    CASE WHEN goods_kind = 'virtual' OR pg_temp.draw(n, 50) < 0.002 THEN NULL
         ELSE pg_temp.draw(n, 11) >= 0.057 AND pg_temp.draw(n, 50) > 0.004 END,
    goods_kind <> 'virtual' OR NULL, pg_temp.draw(n, 51) > 0.01,
    pg_temp.draw(n, 10) >= 0.057 AND pg_temp.draw(n, 52) > 0.002
FROM {NUMBERED} CROSS JOIN LATERAL (SELECT pg_temp.draw(n, 41) < 0.01 AS young) y
CROSS JOIN (SELECT date '{{day}}' - ago AS day FROM generate_series({{days}} - 1, 0, -1) ago) days
WHERE pg_temp.draw(n, 53) >= 0.002
"""


def crowd(shops: int, *, batch: int = 1, days: int = 1) -> list[str]:
    """The statements that fill a migrated database, in one session, with metrics of so many days up to DAY.

    They write no history, for it is the rules that are looked at. `batch`: the import that brought metrics.
    """
    parts = [CONTROLLERS, SHOPS, ENROLLMENTS, OPENINGS, PAPERS, PENALTIES]
    months = sorted({(DAY.replace(day=1)), date.fromordinal(DAY.toordinal() - days + 1).replace(day=1)})
    return [
        DRAW,
        *(part.format(shops=shops, day=DAY) for part in parts),
        *(f"SELECT shops_make_month('{month}')" for month in months),
        METRICS.format(day=DAY, days=days, batch=batch),
    ]
