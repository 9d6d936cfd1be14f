"""Fetches a day of bars with yfinance and sends them to Firehose with boto3: what `collect` is compared with.

    collect.py MARKET_URL AWS_URL TRADE_DATE RUN_ID SYMBOL...

It writes how many bars it sent, and ends once its standard input does, so that its process can be measured.
"""

import datetime
import json
import sys
import tempfile

import boto3
import yfinance
import yfinance.base
import yfinance.data
import yfinance.scrapers.history

MAX_BATCH_RECORDS = 500


def main(market: str, aws: str, trade_date: str, run_id: str, symbols: list[str]) -> None:
    yfinance.set_tz_cache_location(tempfile.mkdtemp())
    # The chart endpoint needs neither a cookie nor a crumb, which would be requested from Yahoo.
    yfinance.base._BASE_URL_ = yfinance.scrapers.history._BASE_URL_ = market
    yfinance.data.YfData._get_cookie_and_crumb = lambda self, timeout=30: (None, None)
    date = datetime.date.fromisoformat(trade_date)
    end = date + datetime.timedelta(days=1)
    days = yfinance.download(
        symbols, start=date, end=end, interval="5m", group_by="ticker", auto_adjust=False, progress=False
    )
    collected_at = datetime.datetime.now(datetime.UTC).isoformat()
    records = []
    for symbol in symbols:
        for ts, bar in days[symbol].dropna(how="all").iterrows():
            line = {
                "symbol": symbol,
                "company_name": f"{symbol} Inc.",
                "trade_date": trade_date,
                "ts": ts.tz_convert("America/New_York").isoformat(),
                "open": bar["Open"],
                "high": bar["High"],
                "low": bar["Low"],
                "close": bar["Close"],
                "volume": int(bar["Volume"]),
                "currency": "USD",
                "interval": "5m",
                "collected_at": collected_at,
                "run_id": run_id,
            }
            records.append({"Data": json.dumps(line).encode() + b"\n"})
    firehose = boto3.client(
        "firehose",
        endpoint_url=aws,
        region_name="us-east-1",
        aws_access_key_id="benchmark",
        aws_secret_access_key="benchmark",
    )
    for first in range(0, len(records), MAX_BATCH_RECORDS):
        batch = records[first : first + MAX_BATCH_RECORDS]
        firehose.put_record_batch(DeliveryStreamName="benchmark", Records=batch)
    print(len(records), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:5], sys.argv[5:])
