//! The query's result, as Athena writes it, without Athena: what `sql/hourly_extremes.sql` makes of one collection.

use std::{collections::BTreeMap, fmt::Write as _};

use shared::{Bar, bar::offset_datetime};

/// The query's result for these lines of the lake, which are of one collection.
///
/// # Errors
/// When a line is no bar.
pub fn of(lines: &[u8]) -> anyhow::Result<String> {
    let mut hours: BTreeMap<_, Vec<Bar>> = BTreeMap::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let bar: Bar = serde_json::from_slice(line)?;
        hours.entry((bar.symbol.clone(), bar.ts.hour())).or_default().push(bar);
    }
    let mut of_run: BTreeMap<_, usize> = BTreeMap::new();
    hours.iter().for_each(|((symbol, _), bars)| *of_run.entry(symbol.clone()).or_default() += bars.len());
    let mut result = String::from(concat!(
        r#""company_name","symbol","trade_date","hour","datetime_high","highest_hourly_price","datetime_low","#,
        r#""lowest_hourly_price","bars","volume","currency","open","close","source","previous_close","closes","restated","#,
        r#""run_bars","collected_at""#,
        "\n"
    ));
    for ((symbol, hour), mut bars) in hours {
        bars.sort_by_key(|bar| bar.ts.timestamp());
        let [first, .., last] = bars.as_slice() else { continue };
        let high = bars.iter().max_by(|one, other| one.high.get().total_cmp(&other.high.get())).unwrap_or(first);
        let low = bars.iter().min_by(|one, other| one.low.get().total_cmp(&other.low.get())).unwrap_or(first);
        let closes = bars.iter().map(|bar| format!("{:02} {}", bar.ts.minute(), bar.close.get())).collect::<Vec<_>>();
        let of_run = of_run.get(&symbol).copied().unwrap_or_default();
        let columns = [
            first.company_name.clone(),
            symbol.to_string(),
            first.trade_date.to_string(),
            hour.to_string(),
            offset_datetime::text(&high.ts),
            high.high.get().to_string(),
            offset_datetime::text(&low.ts),
            low.low.get().to_string(),
            bars.len().to_string(),
            bars.iter().map(|bar| bar.volume).sum::<u64>().to_string(),
            first.currency.clone().unwrap_or_default(),
            first.open.get().to_string(),
            last.close.get().to_string(),
            first.source.map(|source| source.to_string()).unwrap_or_default(),
            first.previous_close.map(|price| price.get().to_string()).unwrap_or_default(),
            closes.join(","),
            "false".to_owned(),
            of_run.to_string(),
            first.collected_at.to_string(),
        ];
        writeln!(result, "\"{}\"", columns.join("\",\""))?;
    }
    Ok(result)
}
