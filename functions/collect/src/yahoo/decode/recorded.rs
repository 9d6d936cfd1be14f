//! Replies that once came out wrong, from public bug reports: the rows that matter, and what they must give. Prices of the
//! coin and of the first rows without volume are made up.

use jiff::Timestamp;
use serde_json::json;
use shared::Interval;

use super::{Day, Decoded, HttpReply, Scope, SymbolDay};

/// Open, high, low, close and volume of a bar that starts at this time in UTC.
type Row = (&'static str, [f64; 4], u64);

struct Recorded {
    symbol: &'static str,
    currency: &'static str,
    zone: &'static str,
    interval: &'static str,
    /// The trading period that the reply names, in UTC.
    period: [&'static str; 2],
    rows: &'static [Row],
    /// The bars, of how many, and the day's high and low.
    bars: &'static str,
    /// What is remarked on.
    remarks: &'static str,
}

const REPLIES: &[Recorded] = &[
    Recorded {
        symbol: "BTC-USD",
        currency: "USD",
        zone: "UTC",
        interval: "1m",
        period: ["2026-11-20T00:00:00Z", "2026-11-20T23:59:00Z"],
        rows: &[
            ("2026-11-20T23:57:00Z", [85735.1, 85735.15, 85717.7, 85717.75], 1437),
            ("2026-11-20T23:58:00Z", [85717.75, 85717.8, 85706.1, 85706.15], 1438),
            ("2026-11-20T23:59:00Z", [86010.5, 91234.5, 86000.25, 91000.0], 777_000_000),
        ],
        bars: "3 of unknown, 91234.5 to 85706.1",
        remarks: "",
    },
    Recorded {
        symbol: "ASAI.L",
        currency: "GBp",
        zone: "Europe/London",
        interval: "1h",
        period: ["2023-10-24T07:00:00Z", "2023-10-24T15:30:00Z"],
        rows: &[
            ("2023-10-24T07:00:00Z", [68.5, 68.5, 68.5, 68.5], 1324),
            ("2023-10-24T08:00:00Z", [68.5, 68.5, 68.5, 68.5], 4),
            (
                "2023-10-24T13:00:00Z",
                [66.0999984741211, 66.0999984741211, 57.15999984741211, 57.15999984741211],
                46_171,
            ),
            ("2023-10-24T14:00:00Z", [61.5, 61.5, 61.5, 61.5], 3977),
            ("2023-10-24T15:00:00Z", [58.5, 61.5, 0.6000000238418579, 0.6000000238418579], 0),
        ],
        bars: "5 of 9, 68.5 to 0.6",
        remarks: "doubtful 1: hardly right, kept as they are: 16:00",
    },
    Recorded {
        symbol: "QQQ",
        currency: "USD",
        zone: "America/New_York",
        interval: "5m",
        period: ["2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z"],
        rows: &[
            ("2026-11-20T14:30:00Z", [499.2, 501.69, 498.33, 501.45], 0),
            ("2026-11-20T14:35:00Z", [500.28, 500.61, 500.23, 500.56], 900_001),
            ("2026-11-20T14:40:00Z", [500.56, 500.88, 500.51, 500.83], 900_002),
        ],
        bars: "3 of 78, 501.69 to 498.33",
        remarks: "doubtful 1: hardly right, kept as they are: 09:30",
    },
    Recorded {
        symbol: "RELIANCE.NS",
        currency: "INR",
        zone: "Asia/Kolkata",
        interval: "1h",
        period: ["2026-11-20T03:45:00Z", "2026-11-20T10:00:00Z"],
        rows: &[
            ("2026-11-20T03:45:00Z", [2100.0, 2101.19, 2099.95, 2101.14], 0),
            ("2026-11-20T04:45:00Z", [2101.14, 2102.3, 2101.09, 2102.25], 2_500_001),
            ("2026-11-20T09:45:00Z", [2106.05, 2106.78, 2106.0, 2106.73], 2_500_006),
        ],
        bars: "3 of 7, 2106.78 to 2099.95",
        remarks: "doubtful 1: hardly right, kept as they are: 09:15",
    },
    Recorded {
        symbol: "EURUSD=X",
        currency: "USD",
        zone: "Europe/London",
        interval: "5m",
        period: ["2026-11-20T00:00:00Z", "2026-11-20T23:59:00Z"],
        rows: &[
            ("2026-11-20T00:00:00Z", [1.1, 1.15, 1.05, 1.1], 0),
            ("2026-11-20T21:55:00Z", [1.1, 1.15, 1.05, 1.1], 0),
        ],
        bars: "2 of unknown, 1.15 to 1.05",
        remarks: "",
    },
];

fn day(recorded: &Recorded) -> Result<SymbolDay, Box<dyn std::error::Error>> {
    let Recorded { symbol, currency, zone, interval, period, rows, .. } = recorded;
    let seconds = |at: &str| at.parse::<Timestamp>().map(Timestamp::as_second);
    let column = |at: usize| rows.iter().map(|row| row.1[at]).collect::<Vec<_>>();
    let body = json!({"chart": {"error": null, "result": [{
        "meta": {
            "symbol": symbol, "currency": currency, "exchangeTimezoneName": zone, "dataGranularity": interval,
            "tradingPeriods": [[{"start": seconds(period[0])?, "end": seconds(period[1])?}]]
        },
        "timestamp": rows.iter().map(|row| seconds(row.0)).collect::<Result<Vec<_>, _>>()?,
        "indicators": {"quote": [{
            "open": column(0), "high": column(1), "low": column(2), "close": column(3),
            "volume": rows.iter().map(|row| row.2).collect::<Vec<_>>()
        }]}
    }]}});
    let reply = HttpReply::new(200, body.to_string());
    let interval: Interval = interval.parse()?;
    let day = Day { trade_date: period[0][..10].parse()?, interval, scope: Scope::Whole { now: Timestamp::MAX } };
    Ok(Decoded::of(&reply)?.day(&symbol.parse()?, day)?)
}

#[test]
fn what_came_out_wrong_comes_out_right() -> Result<(), Box<dyn std::error::Error>> {
    for recorded in REPLIES {
        let day = day(recorded)?;
        let expected = day.expected.as_ref().map_or("unknown".to_owned(), |expected| expected.len().to_string());
        let high = day.bars.iter().map(|bar| bar.high.get()).fold(f64::MIN, f64::max);
        let low = day.bars.iter().map(|bar| bar.low.get()).fold(f64::MAX, f64::min);
        let bars = format!("{} of {expected}, {high} to {low}", day.bars.len());
        let remarks: Vec<_> =
            day.remarks.iter().map(|it| format!("{} {}: {}", it.kind.label(), it.bars, it.detail)).collect();
        println!("{:12} {bars:34} {}", recorded.symbol, remarks.join("; "));
        assert_eq!(
            (bars.as_str(), remarks.join("; ").as_str()),
            (recorded.bars, recorded.remarks),
            "{}",
            recorded.symbol
        );
    }
    Ok(())
}
