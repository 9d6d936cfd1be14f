"""What a day of bars takes in the lake as JSON and as Parquet, and what a query of it reads.

Run by a Python that has DuckDB, as docs/lake.md says: target/lake/bin/python benches/lake/sizes.py [SYMBOLS ...]
"""

import datetime
import gzip
import json
import pathlib
import random
import sys
import tempfile
from collections.abc import Iterator

import duckdb

BARS = 78  # of five minutes in a session
SESSIONS = {"day": 1, "month": 21, "year": 252}
PRICE = 5.0 / 1e12  # dollars a byte that Athena reads: 5 a terabyte in most regions
LEAST = 10_000_000  # bytes that a query is billed for at least
# What each query reads of a Parquet file; of JSON it reads all.
COLUMNS = {
    "hourly_extremes.sql": None,
    "coverage.sql": ["symbol", "ts", "high", "low", "close", "currency", "run_id", "collected_at", "source", "interval"],
}


def bars(symbols: int) -> Iterator[str]:
    """A day's lines as `collect` writes them: prices that walk at random, volumes that vary."""
    chance = random.Random(1)
    opening = datetime.datetime.fromisoformat("2026-11-20T09:30:00-05:00")
    for number in range(symbols):
        close, before = round(chance.lognormvariate(3.5, 1.2) + 0.5, 2), round(chance.lognormvariate(3.5, 1.2), 2)
        for bar in range(BARS):
            prices = [close] + [max(0.01, close * (1 + chance.gauss(0, 0.002))) for _ in range(3)]
            opened, close = round(prices[0], 2), round(prices[3], 2)
            line = {
                "symbol": f"Q{number:05}",
                "company_name": f"Company {number:05} Incorporated",
                "trade_date": "2026-11-20",
                "ts": (opening + datetime.timedelta(minutes=5 * bar)).isoformat(),
                "open": opened,
                "high": round(max(prices), 2),
                "low": round(min(prices), 2),
                "close": close,
                "volume": int(chance.lognormvariate(9, 2)),
                "currency": "USD",
                "interval": "5m",
                "collected_at": "2026-11-20T22:30:00.123Z",
                "run_id": "f2a4e9b0-3c1d-4f7e-9a55-0123456789ab.2026-11-20T22:30:00.123Z",
                "previous_close": before,
                "source": "yahoo",
                "feed": None,
            }
            yield json.dumps(line, separators=(",", ":")) + "\n"


def measure(symbols: int, folder: pathlib.Path) -> tuple[int, int, dict[str, int]]:
    """The bytes of a day: its lines, compressed as Firehose does, and what each query reads of its Parquet file."""
    plain, packed, parquet = folder / "bars.json", folder / "bars.json.gz", folder / "bars.parquet"
    with plain.open("w") as lines:
        lines.writelines(bars(symbols))
    packed.write_bytes(gzip.compress(plain.read_bytes(), 6))
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (FROM read_json('{plain}', format='newline_delimited') ORDER BY symbol, ts) "
            f"TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)"
        )
        sizes = connection.execute(
            f"SELECT path_in_schema, sum(total_compressed_size) FROM parquet_metadata('{parquet}') GROUP BY 1"
        ).fetchall()
    of_column = {name: int(size) for name, size in sizes}
    read = {
        query: sum(size for name, size in of_column.items() if columns is None or name in columns)
        for query, columns in COLUMNS.items()
    }
    return plain.stat().st_size, packed.stat().st_size, read


def main(arguments: list[str]) -> None:
    print("| Symbols | Lines of a day | In the lake (gzip) | Query | Period | Reads as JSON | Costs | As Parquet | Costs |")
    print("|---|---|---|---|---|---|---|---|---|")
    for symbols in map(int, arguments or ["10", "500", "10000"]):
        with tempfile.TemporaryDirectory() as folder:
            lines, packed, parquet = measure(symbols, pathlib.Path(folder))
        for query, of_parquet in parquet.items():
            for period, sessions in SESSIONS.items():
                if query == "hourly_extremes.sql" and sessions > 1:
                    continue  # it reads one day
                cells = [f"{symbols:,}", megabytes(lines), megabytes(packed), f"`{query}`", period]
                for size in (packed * sessions, of_parquet * sessions):
                    cells += [megabytes(size), f"${max(size, LEAST) * PRICE:.5f}"]
                print(f"| {' | '.join(cells)} |")


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.2f} MB"


if __name__ == "__main__":
    main(sys.argv[1:])
