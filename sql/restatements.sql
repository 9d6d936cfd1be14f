-- One row: one collection of one symbol and trade date of which bars are left out, since they do not agree with the symbol's
-- newest collection in currency and scale, as after a split. A collection from another source is no restatement,
-- and not among them. bars is their number, average_close the average of their
-- closes; the two columns of newest have the currency and the average close of the newest collection.
--
-- Parameters: 1. from, the first trade date  2. to, the last trade date  3. interval

WITH days AS (
  SELECT
    trade_date, symbol, ts, high, low, close, currency, run_id, collected_at,
    from_iso8601_timestamp(collected_at) AS collected,
    run_id = 'live-' || trade_date AS is_live,
    coalesce(source, 'yahoo') AS source
  FROM bars
  WHERE trade_date BETWEEN ? AND ? AND "interval" = ?
),
ticks AS (
  -- When a run last wrote the bar, and any bar of the symbol, in that currency and from that source: what makes one collection
  -- of many ticks.
  SELECT
    *,
    max(collected) OVER (PARTITION BY trade_date, symbol, ts, run_id, currency, source) AS last_write,
    max(collected) OVER (PARTITION BY trade_date, symbol, run_id, currency, source) AS last_tick
  FROM days
),
by_collection AS (
  -- Of the collections of a symbol and day, the newest has collection_rank 1.
  SELECT
    trade_date, symbol, ts, high, low, close, currency, source, run_id, collected_at, collected,
    dense_rank() OVER (
      PARTITION BY trade_date, symbol
      ORDER BY is_live, CASE WHEN is_live THEN last_tick ELSE collected END DESC, run_id DESC, currency, source
    ) AS collection_rank
  FROM ticks
  WHERE NOT is_live OR collected = last_write
),
bars_of_days AS (
  -- A record that was delivered twice counts once.
  SELECT DISTINCT * FROM by_collection
),
of_one_source AS (
  -- The bars of the newest collection's source.
  SELECT *
  FROM (
    SELECT *, max(CASE WHEN collection_rank = 1 THEN source END) OVER (PARTITION BY trade_date, symbol) AS newest_source
    FROM bars_of_days
  )
  WHERE source = newest_source
),
compared AS (
  -- Beside each bar that of the newest collection with the same start, if there is one, and its currency.
  SELECT
    *,
    max(CASE WHEN collection_rank = 1 THEN close END) OVER (PARTITION BY trade_date, symbol, ts) AS newest_close,
    max(CASE WHEN collection_rank = 1 THEN currency END) OVER (PARTITION BY trade_date, symbol) AS newest_currency,
    avg(CASE WHEN collection_rank = 1 THEN close END) OVER (PARTITION BY trade_date, symbol) AS newest_average
  FROM of_one_source
),
agreement AS (
  -- Whether a bar, and its collection, agrees with the newest one of its symbol and day.
  SELECT
    *,
    2 * count(
      CASE
        WHEN currency IS NOT DISTINCT FROM newest_currency AND abs(close - newest_close) <= 0.005 * newest_close THEN 1
      END
    ) OVER (PARTITION BY trade_date, symbol, collection_rank)
      > count(newest_close) OVER (PARTITION BY trade_date, symbol, collection_rank)
      AND (newest_close IS NOT NULL OR (5 * low > newest_average AND high < 5 * newest_average)) AS agrees
  FROM compared
)
SELECT
  trade_date,
  symbol,
  run_id,
  max_by(collected_at, collected) AS collected_at,
  count(*) AS bars,
  currency,
  avg(close) AS average_close,
  newest_currency,
  max(newest_average) AS newest_average_close
FROM agreement
WHERE NOT agrees
GROUP BY trade_date, symbol, collection_rank, run_id, currency, newest_currency
ORDER BY trade_date, symbol, collection_rank DESC, currency
