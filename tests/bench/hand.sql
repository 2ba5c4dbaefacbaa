-- What a person who knows PostgreSQL would write for this one file: no checks, no record, no second chance.
SET client_min_messages = warning;
DROP TABLE IF EXISTS hand_stage, hand_metrics;
CREATE UNLOGGED TABLE hand_stage (
    shop text, day text, gmv_30d text, paid_orders_30d text, shop_score text, experience_score text,
    product_score text, service_score text, logistics_score text, positive_rate text,
    warehouse_passed text, alliance_connected text, erp_connected text, freight_insurance text
);
\copy hand_stage FROM '{file}' WITH (FORMAT csv, HEADER)
ANALYZE hand_stage;
CREATE TABLE hand_metrics (LIKE shops_shopmetrics INCLUDING DEFAULTS);
INSERT INTO hand_metrics (
    day, shop_id, batch_id, gmv_30d, paid_orders_30d,
    shop_score, shop_score_none, experience_score, experience_score_none, product_score, product_score_none,
    service_score, service_score_none, logistics_score, logistics_score_none, positive_rate,
    warehouse_passed, alliance_connected, erp_connected, freight_insurance
)
SELECT
    h.day::date, s.id, 1, h.gmv_30d::numeric(16, 2), h.paid_orders_30d::integer,
    nullif(h.shop_score, 'none')::numeric(4, 2), coalesce(h.shop_score = 'none', false),
    nullif(h.experience_score, 'none')::numeric(4, 2), coalesce(h.experience_score = 'none', false),
    nullif(h.product_score, 'none')::numeric(4, 2), coalesce(h.product_score = 'none', false),
    nullif(h.service_score, 'none')::numeric(4, 2), coalesce(h.service_score = 'none', false),
    nullif(h.logistics_score, 'none')::numeric(4, 2), coalesce(h.logistics_score = 'none', false),
    h.positive_rate::numeric(7, 6), h.warehouse_passed::boolean, h.alliance_connected::boolean,
    h.erp_connected::boolean, h.freight_insurance::boolean
FROM hand_stage h JOIN shops_shop s ON s.code = h.shop;
ALTER TABLE hand_metrics ADD PRIMARY KEY (day, shop_id);
