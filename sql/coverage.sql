-- One row: one symbol on one trade date, with the number of its bars that the lake holds, however often
-- each was collected, the same by exchange-local hour, such as '09 6,10 12', the currency of the newest collection, empty where Yahoo gave none, and whether the day was
-- restated. What does not agree with the newest collection in source, currency and scale does not count: hourly_extremes.sql
-- has the rule.
--
-- Parameters: 1. from, the first trade date  2. to, the last trade date  3. interval

WITH days AS (
  SELECT
    trade_date, symbol, ts, high, low, close, currency, run_id,
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
    trade_date, symbol, ts, high, low, close, currency, source,
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
),
by_hour AS (
  -- A bar belongs to the hour of its start, whose two digits follow the date and the T.
  SELECT
    trade_date,
    symbol,
    substr(ts, 12, 2) AS hour,
    count(DISTINCT CASE WHEN agrees THEN ts END) AS bars,
    max(newest_currency) AS currency,
    bool_or(NOT agrees) AS restated
  FROM agreement
  GROUP BY trade_date, symbol, substr(ts, 12, 2)
)
SELECT
  trade_date,
  symbol,
  sum(bars) AS bars,
  array_join(array_agg(CASE WHEN bars > 0 THEN hour || ' ' || CAST(bars AS varchar) END ORDER BY hour), ',') AS bars_by_hour,
  coalesce(max(currency), '') AS currency,
  bool_or(restated) AS restated
FROM by_hour
GROUP BY trade_date, symbol
ORDER BY trade_date, symbol
