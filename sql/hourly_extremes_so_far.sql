-- One row: one company in one exchange-local hour of one day, with its highest and lowest price so far, the earliest bar that
-- reached each, and the prices at which the hour opened and last closed. The columns are those of the CSV. The hour is the
-- one in which the bar starts. The bars are those of day_bars.sql.
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
ranked AS (
  SELECT
    *,
    CAST(substr(ts, 12, 2) AS integer) AS hour,
    row_number() OVER (PARTITION BY symbol, substr(ts, 12, 2) ORDER BY high DESC, started) AS high_rank,
    row_number() OVER (PARTITION BY symbol, substr(ts, 12, 2) ORDER BY low, started) AS low_rank
  FROM by_recency
  WHERE recency_rank = 1 AND cardinality(array_intersect(split(?, ','), ARRAY['*', symbol])) > 0
)
SELECT
  newest_name AS company_name,
  symbol,
  hour,
  max(CASE WHEN high_rank = 1 THEN ts END) AS datetime_high,
  max(high) AS highest_hourly_price,
  max(CASE WHEN low_rank = 1 THEN ts END) AS datetime_low,
  min(low) AS lowest_hourly_price,
  count(*) AS bars,
  sum(volume) AS volume,
  newest_currency AS currency,
  min_by(open, started) AS open,
  max_by(close, started) AS close
FROM ranked
GROUP BY newest_name, symbol, hour, newest_currency
ORDER BY company_name, symbol, hour
