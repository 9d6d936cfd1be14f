-- One row: one symbol on one trade date, with the number of its bars that the lake holds, however often
-- each was collected, and the starts of the first and the last of them.
--
-- Parameters: 1. the first trade date  2. the last trade date  3. interval

SELECT
  trade_date,
  symbol,
  max_by(company_name, from_iso8601_timestamp(collected_at)) AS company_name,
  count(DISTINCT ts) AS bars,
  min_by(ts, from_iso8601_timestamp(ts)) AS first_ts,
  max_by(ts, from_iso8601_timestamp(ts)) AS last_ts
FROM bars
WHERE trade_date BETWEEN ? AND ? AND "interval" = ?
GROUP BY trade_date, symbol
ORDER BY trade_date, symbol
