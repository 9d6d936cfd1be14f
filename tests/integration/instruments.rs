//! Instruments and days that nobody simulated at first: what splits, trades around the clock, is listed with wrong hours or
//! in another unit. Each case runs end to end, and its right value is read in the execution's output, the CSV, the report,
//! the terminal and `gaps`.

use std::{fmt::Write as _, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::{Ended, ExportedRun, expected_from_market};
use jiff::{Timestamp, ToSpan};
use market_sim::{Fault, FaultDuration, FaultRule};
use serde_json::{Value, json};
use shared::{
    HourlyExtreme, Interval, Symbol, hourly_extreme,
    payload::{CollectedSymbol, Reason, RemarkKind},
};

use crate::{Context, trials};

trials![
    each_case_ends_right,
    a_run_waits_for_a_session_that_is_still_going_on,
    a_mixed_list_ends_right_as_the_schedule_starts_it,
    a_weekend_has_coins_alone_and_the_evening_of_currencies_and_futures,
];

/// A case: a symbol with a fault on a date of its own, and what must be true of its run.
struct Case {
    what: &'static str,
    symbol: &'static str,
    date: &'static str,
    interval: &'static str,
    /// Whether the day is collected once before the market has the fault.
    again: bool,
    fault: Option<Fault>,
    is_right: fn(&Ran) -> Result<()>,
}

/// What a run showed of the case's symbol.
struct Ran {
    collected: Option<CollectedSymbol>,
    is_restated: bool,
    failed: Option<Reason>,
    rows: Vec<HourlyExtreme>,
    shown: String,
    report: String,
    gaps: String,
}

impl Ran {
    fn collected(&self) -> Result<&CollectedSymbol> {
        self.collected.as_ref().context("not collected")
    }

    /// The number of bars of a remark, which report and terminal show, too.
    fn remarked(&self, kind: RemarkKind) -> Result<usize> {
        let remarks = &self.collected()?.remarks;
        let remark = remarks.iter().find(|remark| remark.kind == kind).with_context(|| format!("{remarks:?}"))?;
        for text in [kind.label(), remark.detail.clone()] {
            ensure!(self.report.contains(&text), "the report lacks {text:?}");
        }
        ensure!(self.shown.contains(&kind.label()), "the terminal lacks {}: {}", kind.label(), self.shown);
        Ok(remark.bars)
    }

    fn hours(&self) -> Vec<i8> {
        self.rows.iter().map(|row| row.hour).collect()
    }

    /// No hour has prices of two scales: the simulated prices move by a few percent an hour.
    fn is_of_one_scale(&self) -> Result<()> {
        let wide = self.rows.iter().find(|row| row.highest_hourly_price.get() > 1.5 * row.lowest_hourly_price.get());
        ensure!(wide.is_none() && !self.rows.is_empty(), "{wide:?}");
        Ok(())
    }

    fn is_named_as_restated(&self, symbol: &str) -> Result<()> {
        ensure!(self.is_restated && self.report.contains("Restated symbols"), "{}", self.report);
        ensure!(self.shown.contains(&format!("restated      {symbol}")), "{}", self.shown);
        ensure!(self.gaps.contains(&format!("restated: {symbol}")), "{}", self.gaps);
        Ok(())
    }

    fn is_outside_of_its_period(&self, hours: std::ops::RangeInclusive<i8>, expected: usize) -> Result<()> {
        self.remarked(RemarkKind::HoursDiffer)?;
        ensure!(self.hours() == hours.collect::<Vec<_>>(), "{:?}", self.hours());
        ensure!(self.collected()?.expected == Some(expected), "{:?}", self.collected);
        Ok(())
    }
}

const CASES: &[Case] = &[
    Case {
        what: "a split of ten for one, and the day collected again",
        symbol: "NFLX",
        date: "2018-03-05",
        interval: "5m",
        again: true,
        fault: Some(Fault::Split),
        is_right: |ran| {
            ran.is_of_one_scale()?;
            ran.is_named_as_restated("NFLX")?;
            let CollectedSymbol { bars, gaps, .. } = ran.collected()?;
            let held: u32 = ran.rows.iter().map(|row| row.bars).sum();
            ensure!(held as usize == *bars && gaps.as_ref().is_some_and(|gaps| !gaps.is_empty()), "{held} {gaps:?}");
            ensure!(ran.gaps.contains(&format!("NFLX {bars} of 78")), "{}", ran.gaps);
            Ok(())
        },
    },
    Case {
        what: "pence, and the day collected again in pounds",
        symbol: "GSK.L",
        date: "2018-03-06",
        interval: "5m",
        again: true,
        fault: Some(Fault::OtherCurrency),
        is_right: |ran| {
            ran.is_of_one_scale()?;
            ran.is_named_as_restated("GSK.L")?;
            ensure!(ran.rows.iter().all(|row| row.currency.as_deref() == Some("GBP")), "{:?}", ran.rows);
            Ok(())
        },
    },
    Case {
        what: "the last minute of a coin, whose day \"ends\" at 23:59",
        symbol: "BTC-USD",
        date: "2018-03-07",
        interval: "1m",
        again: false,
        fault: None,
        is_right: |ran| {
            ensure!(ran.hours() == (0..24).collect::<Vec<_>>(), "{:?}", ran.hours());
            ensure!(ran.collected()?.expected.is_none() && !ran.collected()?.is_short(), "{:?}", ran.collected);
            let last = ran.rows.last().context("no rows")?;
            ensure!(last.bars == 60, "not every minute of the last hour: {last:?}");
            Ok(())
        },
    },
    Case {
        what: "pounds among pence",
        symbol: "ASAI.L",
        date: "2018-03-08",
        interval: "1h",
        again: false,
        fault: Some(Fault::PoundsAmongPence),
        is_right: |ran| {
            ensure!(ran.remarked(RemarkKind::Doubtful)? == 1 && ran.collected()?.remarks.len() == 1);
            let last = ran.rows.last().context("no rows")?;
            let (low, high) = (last.lowest_hourly_price.get(), last.highest_hourly_price.get());
            ensure!(low * 50.0 < high, "the bar is not kept as it is: {last:?}");
            Ok(())
        },
    },
    Case {
        what: "a first bar without volume, and a wide range",
        symbol: "RELIANCE.NS",
        date: "2018-03-09",
        interval: "1h",
        again: false,
        fault: Some(Fault::FirstRowNoVolume),
        is_right: |ran| {
            ensure!(ran.remarked(RemarkKind::Doubtful)? == 1 && ran.hours().len() == 7);
            Ok(())
        },
    },
    Case {
        what: "currencies on a Friday: nobody knows what to expect",
        symbol: "EURUSD=X",
        date: "2018-03-16",
        interval: "5m",
        again: false,
        fault: None,
        is_right: |ran| {
            ensure!(ran.hours() == (0..22).collect::<Vec<_>>(), "{:?}", ran.hours());
            ensure!(ran.collected()?.expected.is_none() && ran.collected()?.attempts == 1, "{:?}", ran.collected);
            let missing = ran.shown.lines().find(|line| line.starts_with("missing bars"));
            ensure!(missing.is_none_or(|line| !line.contains("EURUSD=X")), "{}", ran.shown);
            Ok(())
        },
    },
    Case {
        what: "a dead listing is no holiday",
        symbol: "MT.PA",
        date: "2018-03-12",
        interval: "5m",
        again: false,
        fault: Some(Fault::DeadListing),
        is_right: |ran| {
            ensure!(ran.failed == Some(Reason::NotTradedHere) && ran.report.contains("not traded here"));
            ensure!(ran.shown.contains("not traded here"), "{}", ran.shown);
            Ok(())
        },
    },
    Case {
        what: "a closing auction belongs to the last hour",
        symbol: "AUCT",
        date: "2018-03-13",
        interval: "5m",
        again: false,
        fault: Some(Fault::ClosingAuction),
        is_right: |ran| {
            ensure!(ran.hours() == (9..=15).collect::<Vec<_>>(), "{:?}", ran.hours());
            let (last, others) = ran.rows.split_last().context("no rows")?;
            let highest = others.iter().map(|row| row.highest_hourly_price.get()).fold(0.0, f64::max);
            ensure!(last.highest_hourly_price.get() > 1.2 * highest && last.volume >= 50_000, "{last:?}");
            ensure!(last.close == Some(last.highest_hourly_price) && ran.collected()?.expected == Some(78), "{last:?}");
            Ok(())
        },
    },
    Case {
        what: "a period that ends a minute short",
        symbol: "SHRT",
        date: "2018-03-14",
        interval: "1m",
        again: false,
        fault: Some(Fault::PeriodShort),
        is_right: |ran| ran.is_outside_of_its_period(9..=15, 390),
    },
    Case {
        what: "a period an hour late",
        symbol: "LATE",
        date: "2018-03-15",
        interval: "5m",
        again: false,
        fault: Some(Fault::PeriodHourLate),
        is_right: |ran| ran.is_outside_of_its_period(9..=15, 78),
    },
    Case {
        what: "a period an hour early",
        symbol: "EARL",
        date: "2018-03-19",
        interval: "5m",
        again: false,
        fault: Some(Fault::PeriodHourEarly),
        is_right: |ran| ran.is_outside_of_its_period(9..=15, 78),
    },
    Case {
        what: "a session that opens off the grid",
        symbol: "OFFG",
        date: "2018-03-20",
        interval: "5m",
        again: false,
        fault: Some(Fault::OpenOffGrid),
        is_right: |ran| ran.is_outside_of_its_period(9..=15, 78),
    },
    Case {
        what: "rows off the grid are left out, and named",
        symbol: "ROWS",
        date: "2018-03-21",
        interval: "5m",
        again: false,
        fault: Some(Fault::RowsOffGrid),
        is_right: |ran| {
            let left_out = ran.remarked(RemarkKind::LeftOut)?;
            let CollectedSymbol { bars, expected, .. } = ran.collected()?;
            ensure!(left_out >= 3 && bars + left_out <= expected.unwrap_or_default(), "{left_out} {bars}");
            Ok(())
        },
    },
];

async fn each_case_ends_right(context: Arc<Context>) -> Result<()> {
    let mut table = String::new();
    for case in CASES {
        let ran = ran(&context, case).await.with_context(|| case.what)?;
        (case.is_right)(&ran).with_context(|| format!("{}: {:?}", case.what, ran.collected))?;
        let result = match (&ran.collected, ran.failed) {
            (Some(collected), _) => {
                let remarks = collected.remarks.iter().map(|it| format!("; {}: {}", it.kind.label(), it.detail));
                let restated = if ran.is_restated { "; restated" } else { "" };
                format!("{} bars{restated}{}", collected.describe_bars(), remarks.collect::<String>())
            }
            (None, reason) => reason.map(Reason::label).unwrap_or_default(),
        };
        writeln!(table, "{:56} {:12} {:3} {result}", case.what, case.symbol, case.interval)?;
    }
    println!("\n{table}");
    Ok(())
}

/// Runs a case, and reads what it showed.
async fn ran(context: &Context, case: &Case) -> Result<Ran> {
    let (stack, symbol) = (&context.stack, case.symbol.parse::<Symbol>()?);
    let request = json!({"trade_date": case.date, "symbols": [case.symbol, "META"], "interval": case.interval});
    if case.again {
        stack.export(&request).await?;
    }
    if let Some(fault) = case.fault {
        stack.market.handle.inject(FaultRule { symbol: Some(symbol.clone()), fault, duration: FaultDuration::Always });
    }
    let (name, ended) = stack.follow(&request).await?;
    stack.market.handle.clear(Some(&symbol));
    let Ended::Succeeded(outcome) = ended else { anyhow::bail!("{ended:?}") };
    let ExportedRun { symbols, restated, csv, report, .. } = stack.exported(*outcome).await?;
    let out = harness::OutFolder::create()?;
    let shown = context.tools.finstream_on(&stack.cloud, &["follow", &name, "--out", &out.arg()]).await?;
    let days = ["gaps", "--from", case.date, "--to", case.date, "--symbols", case.symbol, "--interval", case.interval];
    let gaps = context.tools.finstream_on(&stack.cloud, &days).await?;
    ensure!(shown.has_result() && gaps.has_result(), "{}{}", shown.text, gaps.text);
    let rows = hourly_extreme::read(csv.as_bytes())?;
    Ok(Ran {
        collected: symbols.collected.into_iter().find(|it| it.symbol == symbol),
        is_restated: restated.contains(&symbol),
        failed: symbols.failed.iter().find(|it| it.symbol == symbol).map(|it| it.reason),
        rows: rows.into_iter().filter(|row| row.symbol == symbol).collect(),
        shown: shown.text,
        report: stack.object(&report).await?,
        gaps: gaps.text,
    })
}

async fn history(context: &Context, name: &str) -> Result<Value> {
    let machine = context.stack.cloud.output("StateMachineArn")?;
    let execution = format!("{}:{name}", machine.replacen(":stateMachine:", ":execution:", 1));
    let history = ["stepfunctions", "get-execution-history", "--execution-arn", &execution, "--include-execution-data"];
    context.aws(&history).await
}

/// A coin's day of yesterday, said to go on for another 15 seconds, beside one that has ended.
async fn a_run_waits_for_a_session_that_is_still_going_on(context: Arc<Context>) -> Result<()> {
    let symbol: Symbol = "SOL-USD".parse()?;
    let rule = FaultRule { symbol: Some(symbol.clone()), fault: Fault::StillOpen, duration: FaultDuration::Times(2) };
    // The first two requests: one for New York's day, whose reply names another zone, and one for that zone's.
    context.stack.market.handle.inject(rule);
    let yesterday = Timestamp::now().checked_sub(24.hours())?.strftime("%Y-%m-%d").to_string();
    let request = json!({"trade_date": yesterday, "symbols": ["ETH-USD", "SOL-USD"]});
    let (name, ended) = context.stack.follow(&request).await?;
    let Ended::Succeeded(outcome) = ended else { anyhow::bail!("{ended:?}") };
    let ExportedRun { symbols, .. } = context.stack.exported(*outcome).await?;
    ensure!(symbols.failed.is_empty() && symbols.collected.len() == 2, "{symbols:?}");
    let history = history(&context, &name).await?.to_string();
    ensure!(history.contains("WaitForSessions"), "{history}");
    Ok(())
}

const MIXED: [&str; 14] = [
    "META",
    "SHOP",
    "SNAP",
    "TTD",
    "OKTA",
    "BTC-USD",
    "EURUSD=X",
    "ES=F",
    "7203.T",
    "VOD.L",
    "^GSPC",
    "0700.HK",
    "RELIANCE.NS",
    "MT.PA",
];

/// Symbol, currency, bars expected, first and last hour.
type Expected = (&'static str, &'static str, Option<usize>, i8, i8);

/// On a weekday and on a Friday, with a dead listing among the symbols.
async fn a_mixed_list_ends_right_as_the_schedule_starts_it(context: Arc<Context>) -> Result<()> {
    let weekday: &[Expected] = &[
        ("META", "USD", Some(78), 9, 15),
        ("SHOP", "USD", Some(78), 9, 15),
        ("SNAP", "USD", Some(78), 9, 15),
        ("TTD", "USD", Some(78), 9, 15),
        ("OKTA", "USD", Some(78), 9, 15),
        ("BTC-USD", "USD", None, 0, 23),
        ("EURUSD=X", "USD", None, 0, 23),
        ("ES=F", "USD", None, 0, 23),
        ("7203.T", "JPY", Some(66), 9, 15),
        ("VOD.L", "GBp", Some(102), 8, 16),
        ("^GSPC", "USD", Some(78), 9, 15),
        ("0700.HK", "HKD", Some(66), 9, 15),
        ("RELIANCE.NS", "INR", Some(75), 9, 15),
    ];
    let friday: Vec<Expected> = weekday
        .iter()
        .map(|row| match row.0 {
            "EURUSD=X" => ("EURUSD=X", "USD", None, 0, 21),
            "ES=F" => ("ES=F", "USD", None, 0, 16),
            _ => *row,
        })
        .collect();
    for (date, expected) in [("2018-04-11", weekday.to_vec()), ("2018-04-13", friday)] {
        let dead =
            FaultRule { symbol: Some("MT.PA".parse()?), fault: Fault::DeadListing, duration: FaultDuration::Always };
        context.stack.market.handle.inject(dead);
        let request = json!({"scheduled_time": format!("{date}T21:30:00Z"), "symbols": MIXED});
        let run = context.stack.export(&request).await?;
        context.stack.market.handle.clear(Some(&"MT.PA".parse()?));
        let table = check_mixed(&context, &run, date, &expected).await.with_context(|| date)?;
        println!("\n{date}, as the schedule starts it\n{table}");
    }
    Ok(())
}

async fn check_mixed(context: &Context, run: &ExportedRun, date: &str, expected: &[Expected]) -> Result<String> {
    ensure!(run.trade_date.to_string() == date, "{}", run.trade_date);
    let [failed] = run.symbols.failed.as_slice() else { anyhow::bail!("{:?}", run.symbols.failed) };
    ensure!(failed.symbol.as_str() == "MT.PA" && failed.reason == Reason::NotTradedHere, "{failed:?}");
    let rows = hourly_extreme::read(run.csv.as_bytes())?;
    let mut table = String::new();
    for (symbol, currency, bars, first, last) in expected {
        let found = run.symbols.collected.iter().find(|it| it.symbol.as_str() == *symbol).context(*symbol)?;
        let own: Vec<_> = rows.iter().filter(|row| row.symbol.as_str() == *symbol).collect();
        let hours = own.iter().map(|row| row.hour);
        ensure!(found.expected == *bars && found.remarks.is_empty(), "{found:?}");
        ensure!((hours.clone().min(), hours.max()) == (Some(*first), Some(*last)), "{symbol}: {own:?}");
        ensure!(own.iter().all(|row| row.currency.as_deref() == Some(*currency)), "{symbol}: {own:?}");
        let (market, company) = (&context.stack.market, [(own[0].company_name.as_str(), *symbol)]);
        let of_market = expected_from_market(market, date.parse()?, Interval::FiveMinutes, &company).await?;
        let of_market = hourly_extreme::read(of_market.as_bytes())?;
        ensure!(of_market.iter().collect::<Vec<_>>() == own, "{symbol}: {own:#?}\nand not\n{of_market:#?}");
        writeln!(
            table,
            "{symbol:12} {currency:4} {first:02}-{last:02} {:>10} {}",
            found.describe_bars(),
            found.missing()
        )?;
    }
    writeln!(table, "{:12} {}: {}", failed.symbol, failed.reason.label(), failed.detail)?;
    let days = ["gaps", "--from", date, "--to", date, "--symbols", &MIXED.join(",")];
    let gaps = context.tools.finstream_on(&context.stack.cloud, &days).await?;
    ensure!(gaps.has_result() && gaps.text.contains("no bars of MT.PA"), "{}", gaps.text);
    let table_ends = gaps.text.find("trading days:").unwrap_or_default();
    for symbol in ["BTC-USD", "EURUSD=X", "ES=F", "7203.T", "VOD.L", "^GSPC", "0700.HK", "RELIANCE.NS"] {
        ensure!(!gaps.text[..table_ends].contains(symbol), "{symbol} is listed as missing: {}", gaps.text);
    }
    Ok(table)
}

/// A weekend is asked for by its date: New York's newest session is Friday's.
async fn a_weekend_has_coins_alone_and_the_evening_of_currencies_and_futures(context: Arc<Context>) -> Result<()> {
    let symbols = ["META", "BTC-USD", "EURUSD=X", "ES=F", "VOD.L"];
    for (date, hours) in [
        ("2018-04-21", [None, Some((0, 23)), None, None, None]),
        ("2018-04-22", [None, Some((0, 23)), Some((22, 23)), Some((18, 23)), None]),
    ] {
        let run = context.stack.export(&json!({"trade_date": date, "symbols": symbols})).await?;
        let rows = hourly_extreme::read(run.csv.as_bytes())?;
        for (symbol, hours) in symbols.iter().zip(hours) {
            let own = rows.iter().filter(|row| row.symbol.as_str() == *symbol).map(|row| row.hour);
            let found = own.clone().min().zip(own.max());
            ensure!(found == hours, "{date} {symbol}: {found:?}");
            let failed = run.symbols.failed.iter().find(|it| it.symbol.as_str() == *symbol);
            let reason = failed.map(|it| it.reason);
            ensure!(reason == hours.is_none().then_some(Reason::NoSession), "{date} {symbol}: {failed:?}");
        }
        ensure!(run.symbols.collected.iter().all(|it| !it.is_short()), "{:?}", run.symbols);
    }
    let friday = context.stack.export(&json!({"scheduled_time": "2018-04-22T12:00:00Z", "symbols": symbols})).await?;
    ensure!(friday.trade_date.to_string() == "2018-04-20", "{}", friday.trade_date);
    ensure!(friday.symbols.failed.is_empty(), "{:?}", friday.symbols);
    Ok(())
}
