-- What a person who knows PostgreSQL would write for the rules as they are shipped: who is due for what, and by
-- which rules. No versions, no other rules, no evidence, no record.
SET work_mem = '64MB';
SET parallel_tuple_cost = 0;
SELECT id AS douyin FROM shops_alliance WHERE code = 'douyin-featured' \gset
SELECT id AS wechat FROM shops_alliance WHERE code = 'wechat-select' \gset
BEGIN;
CREATE TEMP TABLE papers ON COMMIT DROP AS
SELECT shop_id, CASE WHEN bool_or(verdict = 'rejected' OR valid_until < date :'day') THEN 'bad'
                     WHEN bool_or(verdict = 'pending') THEN 'pending' ELSE 'good' END AS stand
FROM (
    SELECT DISTINCT ON (shop_id, brand) shop_id, verdict, valid_until FROM shops_qualification
    WHERE kind = 'brand' ORDER BY shop_id, brand, received_at DESC, valid_until DESC NULLS FIRST, id DESC
) newest
GROUP BY shop_id;
ANALYZE papers;
CREATE TEMP TABLE cases ON COMMIT DROP AS
SELECT shop_id, code, serious, bars_controller AS bars, endangers_transactions AS endangers, p.status, imposed_at,
    EXISTS (SELECT FROM shops_measure m WHERE m.penalty_id = p.id AND m.kind = 'close'
            AND m.applied_at IS NOT NULL AND m.undone_at IS NULL AND m.lapsed_at IS NULL) AS closed
FROM shops_penalty p JOIN shops_violation v ON v.id = p.violation_id;
ANALYZE cases;
CREATE TEMP TABLE related ON COMMIT DROP AS
SELECT DISTINCT s.id AS shop_id FROM cases c JOIN shops_shop o ON o.id = c.shop_id
JOIN shops_shop s ON s.controller_id = o.controller_id AND s.id <> o.id
WHERE (c.bars OR c.closed) AND c.status IN ('imposed', 'lifted', 'expired')
   OR c.endangers AND c.status NOT IN ('overturned', 'dismissed');
ANALYZE related;

CREATE TEMP TABLE hand_douyin ON COMMIT DROP AS
WITH circumvention AS (
    SELECT DISTINCT shop_id FROM cases
    WHERE code = 'V9' AND status IN ('imposed', 'lifted', 'expired')
      AND imposed_at >= (date :'day' - 364)::timestamp AT TIME ZONE 'Asia/Shanghai'
      AND imposed_at < (date :'day' + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
), barred AS (
    SELECT shop_id FROM cases WHERE serious AND status IN ('imposed', 'lifted', 'expired')
    UNION SELECT id FROM shops_shop WHERE status = 'closed' AND closed_cause = 'violation'
    UNION SELECT shop_id FROM shops_penalty
        WHERE status = 'imposed' AND (alliance_id = :douyin OR alliance_id IS NULL) AND ground = 'judgement'
          AND product_id IS NULL
    UNION SELECT p.shop_id FROM shops_measure m JOIN shops_penalty p ON p.id = m.penalty_id
        JOIN shops_opening o ON o.id = m.opening_id JOIN shops_enrollment e ON e.id = o.enrollment_id
        WHERE e.alliance_id = :douyin AND p.status = 'imposed' AND p.ground = 'violation' AND m.kind = 'clear'
          AND m.applied_at IS NOT NULL AND m.undone_at IS NULL
), owing AS (
    SELECT e.shop_id FROM shops_opening o JOIN shops_enrollment e ON e.id = o.enrollment_id
        AND e.openings_used = o.number
    WHERE e.alliance_id = :douyin AND o.cause = 'qualification'
)
SELECT s.id, CASE e.state WHEN 'open' THEN 'clear' ELSE 'admit' END AS kind,
    array_remove(ARRAY[CASE WHEN m.experience_score < 3.5 THEN 'DF-C1' END,
        CASE WHEN p.stand = 'bad' OR p.shop_id IS NULL AND s.shop_type <> 'ordinary' THEN 'DF-C2' END], NULL)
        AS failed
FROM shops_enrollment e
JOIN shops_shop s ON s.id = e.shop_id
JOIN shops_shopmetrics m ON m.shop_id = s.id AND m.day = date :'day'
LEFT JOIN papers p ON p.shop_id = s.id
WHERE e.alliance_id = :douyin AND (
    e.state = 'open' AND (m.experience_score < 3.5 OR p.stand = 'bad'
        OR p.shop_id IS NULL AND s.shop_type <> 'ordinary')
    OR (e.state = 'applied' OR e.state = 'left' AND e.openings_used = 0)
        AND s.status = 'normal' AND s.account_ok AND m.gmv_30d > 0 AND m.shop_score > 4.1
        AND m.positive_rate > 0.75
        AND (m.warehouse_passed OR s.goods_kind = 'virtual')
        AND (m.alliance_connected AND m.erp_connected OR s.goods_kind = 'virtual')
        AND e.openings_used < 3
        AND (m.experience_score >= 3.5 OR m.experience_score IS NULL)
        AND (p.stand IN ('good', 'pending') OR p.shop_id IS NULL AND s.shop_type = 'ordinary')
        AND s.id NOT IN (SELECT shop_id FROM circumvention)
        AND s.id NOT IN (SELECT shop_id FROM related)
        AND s.id NOT IN (SELECT shop_id FROM barred)
        AND (s.id NOT IN (SELECT shop_id FROM owing)
            OR p.stand = 'good' OR p.shop_id IS NULL AND s.shop_type = 'ordinary')
);

CREATE TEMP TABLE hand_wechat ON COMMIT DROP AS
WITH barred AS (
    SELECT shop_id FROM cases WHERE serious AND status IN ('imposed', 'lifted', 'expired')
    UNION SELECT id FROM shops_shop WHERE status = 'closed' AND closed_cause = 'violation'
    UNION SELECT shop_id FROM shops_penalty
        WHERE status = 'imposed' AND (alliance_id = :wechat OR alliance_id IS NULL) AND ground = 'judgement'
          AND product_id IS NULL
    UNION SELECT p.shop_id FROM shops_measure m JOIN shops_penalty p ON p.id = m.penalty_id
        JOIN shops_opening o ON o.id = m.opening_id JOIN shops_enrollment e ON e.id = o.enrollment_id
        WHERE e.alliance_id = :wechat AND p.status = 'imposed' AND p.ground = 'violation' AND m.kind = 'clear'
          AND m.applied_at IS NOT NULL AND m.undone_at IS NULL
)
SELECT s.id, CASE WHEN e.state <> 'open' THEN 'admit' WHEN m.shop_score < 4.2 THEN 'clear' ELSE 'warn' END AS kind,
    CASE WHEN e.state <> 'open' THEN '{}' WHEN m.shop_score < 4.2 THEN ARRAY['WS-C1']
         ELSE array_remove(ARRAY[CASE WHEN s.status <> 'normal' THEN 'WS-A1' END,
                                 CASE WHEN NOT m.freight_insurance THEN 'WS-A2' END], NULL) END AS failed
FROM shops_enrollment e
JOIN shops_shop s ON s.id = e.shop_id
JOIN shops_shopmetrics m ON m.shop_id = s.id AND m.day = date :'day'
WHERE e.alliance_id = :wechat AND s.category <> 'local-life' AND (
    e.state = 'open' AND (m.shop_score < 4.2 OR s.status <> 'normal' OR NOT m.freight_insurance)
    OR (e.state = 'applied' OR e.state = 'left' AND e.openings_used = 0)
        AND s.status = 'normal' AND m.freight_insurance AND (m.shop_score >= 4.2 OR m.shop_score_none)
        AND s.id NOT IN (SELECT shop_id FROM barred)
        AND s.id NOT IN (SELECT shop_id FROM related)
);
-- As many, and the same ones by the same rules, are what the desk's own evaluation finds.
SELECT json_object_agg(kind, json_build_array(shops, digest)) FROM (
    SELECT kind, count(*) AS shops, sum(hashtextextended(id || array_to_string(failed, ','), 0))::text AS digest
    FROM (SELECT 'douyin-featured ' || kind AS kind, id, failed FROM hand_douyin
          UNION ALL SELECT 'wechat-select ' || kind, id, failed FROM hand_wechat) due GROUP BY kind) told;
COMMIT;
