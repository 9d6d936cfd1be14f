-- One row: one company in one exchange-local hour of one day, with its highest and lowest price
-- and the earliest bar that reached each. The hour is the one in which the bar starts.
--
-- Parameters: 1. run_id, whose symbols are queried  2. trade_date  3. interval
--
-- run_bars, the last column, is the number of the row's bars that the run wrote, whether or not a
-- later collection has replaced them: the export compares their sum with what was collected.

WITH collected AS (
  -- Every collection of every bar of the day, the newest first (age 1).
  SELECT
    symbol, company_name, trade_date, ts, high, low, volume, run_id,
    from_iso8601_timestamp(ts) AS started,
    from_iso8601_timestamp(collected_at) AS collected,
    row_number() OVER (
      PARTITION BY symbol, ts
      ORDER BY from_iso8601_timestamp(collected_at) DESC, run_id DESC
    ) AS age,
    max(CASE WHEN run_id = ? THEN 1 ELSE 0 END) OVER (PARTITION BY symbol, ts) AS in_run
  FROM bars
  WHERE trade_date = ? AND "interval" = ?
),
newest AS (
  -- One row a bar: the last write wins. The hour is taken from the text of ts, the exchange's own clock.
  SELECT
    symbol, trade_date, ts, started, high, low, volume, in_run,
    CAST(substr(ts, 12, 2) AS integer) AS hour,
    first_value(company_name) OVER (PARTITION BY symbol ORDER BY collected DESC, run_id DESC, started) AS company_name,
    sum(in_run) OVER (PARTITION BY symbol) AS symbol_in_run
  FROM collected
  WHERE age = 1
),
ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY symbol, hour ORDER BY high DESC, started) AS high_rank,
    row_number() OVER (PARTITION BY symbol, hour ORDER BY low, started) AS low_rank
  FROM newest
  WHERE symbol_in_run > 0
)
SELECT
  company_name,
  symbol,
  trade_date,
  hour,
  max(CASE WHEN high_rank = 1 THEN ts END) AS datetime_high,
  max(high) AS highest_hourly_price,
  max(CASE WHEN low_rank = 1 THEN ts END) AS datetime_low,
  min(low) AS lowest_hourly_price,
  count(*) AS bars,
  sum(volume) AS volume,
  sum(in_run) AS run_bars
FROM ranked
GROUP BY company_name, symbol, trade_date, hour
ORDER BY company_name, symbol, hour
