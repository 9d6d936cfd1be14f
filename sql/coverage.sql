-- One row: one symbol on one trade date, with the number of its bars that the lake holds, however often
-- each was collected, the currency of the newest collection, empty where Yahoo gave none, and whether the day was
-- restated. Collections that do not agree with the newest one in currency and scale do not count: hourly_extremes.sql
-- has the rule.
--
-- Parameters: 1. the first trade date  2. the last trade date  3. interval

WITH by_collection AS (
  -- Of the collections of a symbol and day, the newest has collection_rank 1.
  SELECT
    trade_date, symbol, ts, close, currency,
    dense_rank() OVER (
      PARTITION BY trade_date, symbol ORDER BY from_iso8601_timestamp(collected_at) DESC, run_id DESC
    ) AS collection_rank
  FROM bars
  WHERE trade_date BETWEEN ? AND ? AND "interval" = ?
),
bars_of_days AS (
  -- A record that was delivered twice counts once.
  SELECT DISTINCT * FROM by_collection
),
agreement AS (
  SELECT
    older.trade_date,
    older.symbol,
    older.collection_rank,
    2 * sum(
      CASE
        WHEN older.currency IS NOT DISTINCT FROM newest.currency
          AND abs(older.close - newest.close) <= 0.005 * newest.close THEN 1
        ELSE 0
      END
    ) > count(newest.ts) AS agrees
  FROM bars_of_days AS older
  LEFT JOIN bars_of_days AS newest
    ON newest.trade_date = older.trade_date AND newest.symbol = older.symbol AND newest.ts = older.ts
    AND newest.collection_rank = 1
  GROUP BY older.trade_date, older.symbol, older.collection_rank
)
SELECT
  bars_of_days.trade_date,
  bars_of_days.symbol,
  count(DISTINCT CASE WHEN agrees THEN ts END) AS bars,
  coalesce(max(CASE WHEN bars_of_days.collection_rank = 1 THEN currency END), '') AS currency,
  bool_or(NOT agrees) AS restated
FROM bars_of_days
JOIN agreement
  ON agreement.trade_date = bars_of_days.trade_date AND agreement.symbol = bars_of_days.symbol
  AND agreement.collection_rank = bars_of_days.collection_rank
GROUP BY bars_of_days.trade_date, bars_of_days.symbol
ORDER BY bars_of_days.trade_date, bars_of_days.symbol
