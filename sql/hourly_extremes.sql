-- One row: one company in one exchange-local hour of one day, with its highest and lowest price,
-- the earliest bar that reached each, and the prices at which the hour opened and closed. The hour is the one
-- in which the bar starts.
--
-- Parameters: 1. trade_date  2. interval  3. run_id, whose bars are counted
-- Each stands in a WHERE clause: Athena allows them nowhere else (tested in tests/integration/aws_rules.rs).
-- https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
--
-- A symbol's bars of one collected_at and run_id are a collection. The newest one decides the source: two sources' bars of a
-- day are never mixed, since they differ in auctions and odd lots. Bars without a source are Yahoo's.
--
-- Of the collections of that source the newest decides the scale and the currency:
-- an older one fills its gaps only where it has the same currency, and more than half of the bars that both have closed
-- within half a percent of each other. After a split it does not, and is left out. Nor does a bar of it fill a gap that reaches
-- to a fifth, or five times, the average close of the newest: pounds among pence.
--
-- The bars that the ticks of an open session wrote, whose run_id is live- and the date, are one collection, in which of the copies of
-- a bar the last write wins; one for each currency and source, should they change. It comes after every other collection, whenever that was made:
-- the daily run's bars win, and what only the ticks had fills its gaps by the rule above.
--
-- All symbols of the day are among the rows: the export takes those of its run's list, also where that run has none of
-- their bars.
--
-- closes has the bars' last prices, oldest first, each after the minute in which its bar starts: 30 334.79,35 335.2.
--
-- The last three columns, source and previous_close, which are those of the newest collection, are the same in every row of a symbol. restated says whether a collection was left out. run_bars
-- is the number of bars that the run wrote in all its collections, whether or not they are among the rows: the export
-- compares it with what was collected of the symbol. collected_at is that of the newest collection.
--
-- Athena reads collected_at to the millisecond and drops what is beyond, so "the newest" relies on
-- collect's writing milliseconds.

WITH day AS (
  -- Every collection of every bar of the day. A record that was delivered twice counts once.
  SELECT DISTINCT
    symbol, company_name, trade_date, ts, open, high, low, close, volume, currency, previous_close, run_id, collected_at,
    from_iso8601_timestamp(ts) AS started,
    from_iso8601_timestamp(collected_at) AS collected,
    run_id = 'live-' || trade_date AS is_live,
    coalesce(source, 'yahoo') AS source
  FROM bars
  WHERE trade_date = ? AND "interval" = ?
),
own AS (
  SELECT symbol, count(*) AS run_bars
  FROM day
  WHERE run_id = ?
  GROUP BY symbol
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
    max_by(previous_close, CASE WHEN collection_rank = 1 AND previous_close IS NOT NULL THEN collected END)
      OVER (PARTITION BY symbol) AS newest_previous_close,
    max_by(collected_at, CASE WHEN collection_rank = 1 THEN collected END) OVER (PARTITION BY symbol) AS newest_collected_at,
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
scales AS (
  SELECT *, bool_or(NOT agrees) OVER (PARTITION BY symbol) AS restated
  FROM agreement
),
by_recency AS (
  -- Of the agreeing collections of a bar, the newest has recency_rank 1.
  SELECT *, row_number() OVER (PARTITION BY symbol, ts ORDER BY collection_rank) AS recency_rank
  FROM scales
  WHERE agrees
),
newest AS (
  -- One row a bar: the last write wins. The hour is taken from the text of ts, the exchange's own clock.
  SELECT
    by_recency.symbol, trade_date, ts, started, open, high, low, close, volume,
    CAST(substr(ts, 12, 2) AS integer) AS hour,
    first_value(company_name) OVER (
      PARTITION BY by_recency.symbol ORDER BY collection_rank, collected DESC, started
    ) AS company_name,
    newest_currency AS currency,
    newest_source AS source,
    newest_previous_close AS previous_close,
    restated,
    coalesce(run_bars, 0) AS run_bars,
    newest_collected_at
  FROM by_recency
  LEFT JOIN own ON own.symbol = by_recency.symbol
  WHERE recency_rank = 1
),
ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY symbol, hour ORDER BY high DESC, started) AS high_rank,
    row_number() OVER (PARTITION BY symbol, hour ORDER BY low, started) AS low_rank
  FROM newest
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
  source,
  previous_close,
  array_join(array_agg(substr(ts, 15, 2) || ' ' || CAST(close AS varchar) ORDER BY started), ',') AS closes,
  restated,
  run_bars,
  newest_collected_at AS collected_at
FROM ranked
GROUP BY company_name, symbol, trade_date, hour, currency, source, previous_close, restated, run_bars, newest_collected_at
ORDER BY company_name, symbol, hour
