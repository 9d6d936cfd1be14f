-- One row: the latest bar of one symbol on one trade date. collected_at says when that bar was collected. The bars are those of
-- day_bars.sql.
--
-- Parameters: 1. trade_date  2. interval  3. symbols, separated by commas, or * for all

WITH day AS (
  -- Every collection of every bar of the day. A record that was delivered twice counts once.
  SELECT DISTINCT
    symbol, company_name, ts, open, high, low, close, volume, currency, run_id, collected_at,
    from_iso8601_timestamp(ts) AS started,
    from_iso8601_timestamp(collected_at) AS collected,
    run_id = 'live-' || trade_date AS is_live,
    coalesce(source, 'yahoo') AS source
  FROM bars
  WHERE trade_date = ? AND "interval" = ?
),
ticks AS (
  -- When a run last wrote the bar, and any bar of the symbol, in that currency and from that source: what makes one collection
  -- of many ticks.
  SELECT
    *,
    max(collected) OVER (PARTITION BY symbol, ts, run_id, currency, source) AS last_write,
    max(collected) OVER (PARTITION BY symbol, run_id, currency, source) AS last_tick
  FROM day
),
by_collection AS (
  -- Of the collections of a symbol, the newest has collection_rank 1.
  SELECT
    *,
    dense_rank() OVER (
      PARTITION BY symbol
      ORDER BY is_live, CASE WHEN is_live THEN last_tick ELSE collected END DESC, run_id DESC, currency, source
    ) AS collection_rank
  FROM ticks
  WHERE NOT is_live OR collected = last_write
),
of_one_source AS (
  -- The bars of the newest collection's source.
  SELECT *
  FROM (
    SELECT *, max(CASE WHEN collection_rank = 1 THEN source END) OVER (PARTITION BY symbol) AS newest_source
    FROM by_collection
  )
  WHERE source = newest_source
),
compared AS (
  -- Beside each bar that of the newest collection with the same start, if there is one, and its currency.
  SELECT
    *,
    max(CASE WHEN collection_rank = 1 THEN close END) OVER (PARTITION BY symbol, ts) AS newest_close,
    max(CASE WHEN collection_rank = 1 THEN currency END) OVER (PARTITION BY symbol) AS newest_currency,
    avg(CASE WHEN collection_rank = 1 THEN close END) OVER (PARTITION BY symbol) AS newest_average
  FROM of_one_source
),
agreement AS (
  -- Whether a bar, and its collection, agrees with the newest one of its symbol; that one does with itself.
  SELECT
    *,
    2 * count(
      CASE
        WHEN currency IS NOT DISTINCT FROM newest_currency AND abs(close - newest_close) <= 0.005 * newest_close THEN 1
      END
    ) OVER (PARTITION BY symbol, collection_rank)
      > count(newest_close) OVER (PARTITION BY symbol, collection_rank)
      AND (newest_close IS NOT NULL OR (5 * low > newest_average AND high < 5 * newest_average)) AS agrees
  FROM compared
),
by_recency AS (
  -- Of the agreeing collections of a bar, the newest has recency_rank 1.
  SELECT
    *,
    row_number() OVER (PARTITION BY symbol, ts ORDER BY collection_rank) AS recency_rank,
    first_value(company_name) OVER (PARTITION BY symbol ORDER BY collection_rank, collected DESC, started) AS newest_name
  FROM agreement
  WHERE agrees
),
by_start AS (
  SELECT *, row_number() OVER (PARTITION BY symbol ORDER BY started DESC) AS start_rank
  FROM by_recency
  WHERE recency_rank = 1 AND cardinality(array_intersect(split(?, ','), ARRAY['*', symbol])) > 0
)
SELECT
  symbol, newest_name AS company_name, ts, open, high, low, close, volume, newest_currency AS currency, collected_at
FROM by_start
WHERE start_rank = 1
ORDER BY symbol
