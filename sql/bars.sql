-- One row: one bar of one symbol, as it was collected once. A bar that was collected again is
-- there again; its key is (symbol, interval, ts), and the last write, by collected_at, wins; one of an open session's ticks,
-- whose run_id is live- and the date, only where no run has the bar. Bars of a day that are of
-- another source, scale or currency than the symbol's newest are not to be mixed with those: hourly_extremes.sql has the rule.
--
-- This is the table that hourly_extremes.sql reads. template.yaml declares it in the Glue Data
-- Catalog (a test compares the two); the statement is here to read, and to try things by hand.

CREATE EXTERNAL TABLE bars (
  symbol       string,  -- the symbol that was requested
  company_name string,  -- its name in the list, else Yahoo's, else the symbol
  ts           string,  -- start of the bar with the exchange's offset: 2021-11-30T09:30:00-05:00
  open         double,  -- first price
  high         double,  -- highest price
  low          double,  -- lowest price
  close        double,  -- last price
  volume       bigint,  -- shares traded
  currency     string,  -- Yahoo's code: ISO 4217's, or of a minor unit such as GBp; null where unknown
  `interval`   string,  -- length of the bar: 1m 2m 5m 15m 30m 1h
  collected_at string,  -- when the collection began, UTC: 2021-11-30T22:30:00.123Z
  run_id       string,  -- execution that collected the bar
  previous_close double, -- last price of the symbol's session before, the same in every bar of a day; null where unknown
  source       string,  -- the market it was collected from: yahoo or alpaca; null in bars from before it was written: yahoo
  feed         string   -- the source's feed: sip, all exchanges of the US; null where the source has one only
)
PARTITIONED BY (
  trade_date   string   -- exchange-local date of the session: 2021-11-30
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('ignore.malformed.json' = 'TRUE')
LOCATION 's3://<data bucket>/bars/'
