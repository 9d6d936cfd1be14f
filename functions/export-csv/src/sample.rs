//! A small day for the tests: the query's result as Athena writes it, and the collection it belongs to.

use serde_json::{Value, json};
use shared::{
    S3Uri,
    payload::{CollectedSymbol, Collection, SymbolOutcome, SymbolOutcomes, SymbolSummary},
};

/// The header of the query's result.
pub const HEADER: &str = concat!(
    r#""company_name","symbol","trade_date","hour","datetime_high","highest_hourly_price","#,
    r#""datetime_low","lowest_hourly_price","bars","volume","currency","open","close","source","previous_close","closes","restated","run_bars","collected_at""#,
    "\n"
);

/// The currency, the open and the close of [`row`].
const USD_10: Hour = ("USD", "335.5", "340.25");

/// A valid row.
pub fn row() -> String {
    line("Meta Platforms", "META", 10, ("10:05", "341.19"), ("10:05", "334.18"), USD_10, (12, 2_500_000, 18))
}

/// Two companies with two hours each and one with one, with names that need quotes, and one in pence, which was restated; 42
/// bars of the run. Shopify's currency is unknown.
pub fn result() -> String {
    let shopify = "Shopify \"Class A\", Inc.";
    [
        HEADER.to_owned(),
        line(
            "Block & Sons <Ltd>",
            "XYZ",
            10,
            ("10:30", "208.5"),
            ("10:30", "208.5"),
            ("GBp", "208.5", "208.5"),
            (7, 1_000, 6),
        ),
        line(
            "Meta Platforms",
            "META",
            9,
            ("09:50", "335.2"),
            ("09:30", "331.0"),
            ("USD", "331.5", "335.2"),
            (6, 1_900_000, 18),
        ),
        row(),
        line(
            shopify,
            "SHOP",
            9,
            ("09:30", "1.5227E3"),
            ("09:55", "1500.0"),
            ("", "1502.5", "1.5005E3"),
            (6, 310_000, 18),
        ),
        line(
            shopify,
            "SHOP",
            10,
            ("10:00", "1503.4001"),
            ("10:50", "1486.12"),
            ("", "1500.5", "1487.0"),
            (12, 290_500, 18),
        ),
    ]
    .concat()
}

/// The collection of the result above, of simulated prices, with one symbol that failed.
pub fn collection() -> serde_json::Result<Collection<SymbolOutcomes>> {
    serde_json::from_value(event()["collection"].take())
}

/// The outcomes of a collection's symbols as lines, and what the states carry of it.
pub fn split(collection: &Collection<SymbolOutcomes>) -> serde_json::Result<(Vec<u8>, Collection)> {
    let (lines, summary) = split_symbols(collection.symbols.clone(), &collection.run_id)?;
    Ok((lines, collection.clone().with_symbols(summary)))
}

/// The same of an event; returns where the lines are, too.
pub fn split_event(event: &mut Value) -> serde_json::Result<(S3Uri, Vec<u8>)> {
    let run_id = event["collection"]["run_id"].as_str().unwrap_or_default();
    let (lines, summary) = split_symbols(serde_json::from_value(event["collection"]["symbols"].clone())?, run_id)?;
    let uri = summary.uri.clone();
    event["collection"]["symbols"] = serde_json::to_value(summary)?;
    Ok((uri, lines))
}

fn split_symbols(symbols: SymbolOutcomes, run_id: &str) -> serde_json::Result<(Vec<u8>, SymbolSummary)> {
    let SymbolOutcomes { collected, failed } = symbols;
    let failed = failed.into_iter().map(SymbolOutcome::Failed);
    let outcomes: Vec<_> = collected.into_iter().map(SymbolOutcome::Collected).chain(failed).collect();
    let uri = S3Uri::new("lake", format!("runs/trade_date=2021-11-30/{run_id}/symbols.jsonl"));
    Ok((SymbolOutcome::write_all(&outcomes)?, SymbolSummary::of(uri, &outcomes)))
}

/// A request for the export of the result above, with the outcome of each symbol in the place of their summary.
pub fn event() -> Value {
    json!({
        "query_result": "s3://lake/results/q-1.csv",
        "collection": {
            "outcome": "collected", "trade_date": "2021-11-30", "interval": "5m", "run_id": "run-1", "list": "tech",
            "collected_at": "2021-11-30T22:30:00Z", "written_at": "2021-11-30T22:30:02Z",
            "bars": 42, "records": 1, "simulated": true,
            "symbols": {
                "collected": [
                    {"symbol": "META", "bars": 18, "expected": 18},
                    {"symbol": "SHOP", "bars": 18, "remarks": [
                        {"kind": "doubtful", "bars": 1, "detail": "hardly right, kept as they are: 16:00 <i>"}
                    ]},
                    {"symbol": "XYZ", "bars": 6, "expected": 18, "gaps": ["09:30-10:25"], "attempts": 2}
                ],
                "failed": [{
                    "symbol": "FB", "reason": "unknown_symbol",
                    "detail": "Not Found: No data found, symbol may be delisted <b>"
                }]
            }
        }
    })
}

/// A result of this number of companies, each with the seven hours of New York's session in bars of 5 minutes. The further down a
/// company stands, the less it has risen; the last ones have fallen.
pub fn large_result(companies: u32) -> String {
    let company = |n: u32| {
        let (symbol, name) = (format!("S{n:05}"), format!("Company {n:05} & Daughters Inc."));
        let step = 2.0 - 2.5 * f64::from(n) / f64::from(companies);
        let price = |hour: u8| format!("{:.2}", 400.0 + step * f64::from(hour - 8));
        let hour = |hour: u8| {
            let (open, close, at) = (price(hour - 1), price(hour), format!("{hour:02}:30"));
            let (low, high) = if step < 0.0 { (&close, &open) } else { (&open, &close) };
            let bars = if hour == 9 { 6 } else { 12 };
            line(&name, &symbol, hour, (&at, high), (&at, low), ("USD", &open, &close), (bars, 1_234_567, 78))
        };
        (9..16).map(hour).collect::<String>()
    };
    (0..companies).map(company).fold(HEADER.to_owned(), |result, company| result + &company)
}

/// The collection of [`large_result`]; every seventh company lacks ten bars.
///
/// # Errors
/// None for any number of companies.
pub fn large_collection(companies: u32) -> Result<Collection<SymbolOutcomes>, Box<dyn std::error::Error>> {
    let mut collection = collection()?;
    collection.symbols.failed.clear();
    let of = |n: u32| {
        let symbol = format!("S{n:05}").parse()?;
        Ok(CollectedSymbol::new(symbol, 78, Some(if n.is_multiple_of(7) { 88 } else { 78 })))
    };
    collection.symbols.collected = (0..companies).map(of).collect::<Result<_, shared::symbol::InvalidSymbol>>()?;
    collection.bars = 78 * companies as usize;
    Ok(collection)
}

type Extreme<'a> = (&'a str, &'a str);
type Hour<'a> = (&'a str, &'a str, &'a str);

fn line(name: &str, symbol: &str, hour: u8, high: Extreme, low: Extreme, of: Hour, counts: (u32, u64, u32)) -> String {
    let ((high_at, high), (low_at, low), (bars, volume, run_bars)) = (high, low, counts);
    let (currency, open, close) = of;
    // Athena writes NULL as nothing.
    let quoted = |text: &str| if text.is_empty() { String::new() } else { format!("\"{text}\"") };
    let (currency, previous_close) = (quoted(currency), quoted(previous_close(symbol)));
    let (closes, restated) = (closes(open, close, bars), symbol == "XYZ");
    let source = if symbol == "SHOP" { "alpaca" } else { "yahoo" };
    let name = name.replace('"', "\"\"");
    let at = |time: &str| format!("2021-11-30T{time}:00-05:00");
    let (high_at, low_at, collected_at) = (at(high_at), at(low_at), "2021-11-30T22:30:00Z");
    format!(
        "\"{name}\",\"{symbol}\",\"2021-11-30\",\"{hour}\",\"{high_at}\",\"{high}\",\"{low_at}\",\"{low}\",\"{bars}\",\"{volume}\",{currency},\"{open}\",\"{close}\",\"{source}\",{previous_close},\"{closes}\",\"{restated}\",\"{run_bars}\",\"{collected_at}\"\n"
    )
}

/// That of Block is not known.
fn previous_close(symbol: &str) -> &str {
    match symbol {
        "META" => "333.0",
        "SHOP" => "1512.25",
        _ if symbol.len() == 6 => "400.00",
        _ => "",
    }
}

/// The last prices of the hour's last `bars` bars: on a line from the open to the close.
pub fn closes(open: &str, close: &str, bars: u32) -> String {
    let [first, last] = [open, close].map(|price| price.parse::<f64>().unwrap_or_default());
    let of = |bar: u32| {
        let price = if bar == bars { last } else { first + (last - first) * f64::from(bar) / f64::from(bars) };
        format!("{:02} {}", (12 - bars + bar - 1) * 5, (price * 100.0).round() / 100.0)
    };
    (1..=bars).map(of).collect::<Vec<_>>().join(",")
}
