-- One row: one symbol on one trade date, with the number of its bars that the lake holds, however often
-- each was collected.
--
-- Parameters: 1. the first trade date  2. the last trade date  3. interval

SELECT
  trade_date,
  symbol,
  count(DISTINCT ts) AS bars
FROM bars
WHERE trade_date BETWEEN ? AND ? AND "interval" = ?
GROUP BY trade_date, symbol
ORDER BY trade_date, symbol
