-- One row: one company in one exchange-local hour of one day, with its highest and lowest price,
-- the earliest bar that reached each, and the prices at which the hour opened and closed. The hour is the one
-- in which the bar starts.
--
-- Parameters: 1. trade_date  2. interval  3. run_id, whose symbols are queried
-- Each stands in a WHERE clause: Athena allows them nowhere else (tested in tests/integration/aws_rules.rs).
-- https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
--
-- run_bars, the last column, is the number of the row's bars that the run wrote, whether or not a
-- later collection has replaced them: the export compares their sum for each symbol with what was collected of it.
--
-- Athena reads collected_at to the millisecond and drops what is beyond, so "the last write" relies on
-- collect's writing milliseconds.

WITH day AS (
  -- Every collection of every bar of the day.
  SELECT
    symbol, company_name, trade_date, ts, open, high, low, close, volume, currency, run_id,
    from_iso8601_timestamp(ts) AS started,
    from_iso8601_timestamp(collected_at) AS collected
  FROM bars
  WHERE trade_date = ? AND "interval" = ?
),
run_keys AS (
  -- The bars that the run wrote, each once.
  SELECT DISTINCT symbol, ts, 1 AS mark
  FROM day
  WHERE run_id = ?
),
by_recency AS (
  -- Of the collections of a bar, the newest has recency_rank 1.
  SELECT *, row_number() OVER (PARTITION BY symbol, ts ORDER BY collected DESC, run_id DESC) AS recency_rank
  FROM day
),
newest AS (
  -- One row a bar: the last write wins. The hour is taken from the text of ts, the exchange's own clock.
  SELECT
    by_recency.symbol, trade_date, by_recency.ts, started, open, high, low, close, volume,
    CAST(substr(by_recency.ts, 12, 2) AS integer) AS hour,
    first_value(company_name) OVER (PARTITION BY by_recency.symbol ORDER BY collected DESC, run_id DESC, started) AS company_name,
    first_value(currency) OVER (PARTITION BY by_recency.symbol ORDER BY collected DESC, run_id DESC, started) AS currency,
    coalesce(mark, 0) AS in_run,
    count(mark) OVER (PARTITION BY by_recency.symbol) AS symbol_in_run
  FROM by_recency
  LEFT JOIN run_keys ON run_keys.symbol = by_recency.symbol AND run_keys.ts = by_recency.ts
  WHERE recency_rank = 1
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
  currency,
  min_by(open, started) AS open,
  max_by(close, started) AS close,
  sum(in_run) AS run_bars
FROM ranked
GROUP BY company_name, symbol, trade_date, hour, currency
ORDER BY company_name, symbol, hour
