-- One row: one symbol on one trade date, with the number of its bars that the lake holds, however often
-- each was collected, and the currency of the newest collection, empty where Yahoo gave none.
--
-- Parameters: 1. the first trade date  2. the last trade date  3. interval

SELECT
  trade_date,
  symbol,
  count(DISTINCT ts) AS bars,
  max_by(coalesce(currency, ''), ROW(from_iso8601_timestamp(collected_at), run_id)) AS currency
FROM bars
WHERE trade_date BETWEEN ? AND ? AND "interval" = ?
GROUP BY trade_date, symbol
ORDER BY trade_date, symbol
