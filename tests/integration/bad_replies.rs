//! One of ten symbols misbehaves, in each way there is: the other nine are exported, and the
//! execution's output and the command's table say the same of the tenth.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use harness::{Ended, expected_from_market, trading_days};
use jiff::civil::date;
use libtest_mimic::Trial;
use market_sim::{Fault, FaultDuration, FaultRule};
use serde_json::json;
use shared::{
    Gap, Interval, Symbol, TradeDate, hourly_extreme,
    payload::{CollectedSymbol, Reason, RunOutcome, SymbolOutcomes},
};
use tokio::runtime::Handle;

use crate::{
    Context,
    days::{COMPANIES, bars_of},
};

/// All of the default companies but the last.
const NINE: &[(&str, &str)] = COMPANIES.split_at(9).0;

/// What must become of the tenth symbol.
#[derive(Debug)]
enum Tenth {
    /// All that was traded is exported.
    Whole,
    /// Some bars are missing, and said to be.
    Short,
    /// There are no bars, for this reason and in these words.
    Failed(Reason, &'static str),
}

fn tenth(fault: Fault) -> Tenth {
    use Fault as M;
    match fault {
        M::Integers | M::HugeVolume | M::DuplicateRows | M::ShuffledRows | M::ClosingRow | M::LiveRow => Tenth::Whole,
        M::ForeignRow | M::ShortAtFirst | M::ExtendedPeriods | M::Stalled => Tenth::Whole,
        M::NullRows | M::PartialRows | M::NotANumber | M::ShortColumns | M::ZeroPrices => Tenth::Short,
        M::CrossedPrices | M::OneBar => Tenth::Short,
        M::NoTimestamp | M::EmptyColumns => Tenth::Failed(Reason::NoTrades, "no trades in the session of"),
        M::NotListedYet => Tenth::Failed(Reason::NoTrades, "Data doesn't exist for startDate"),
        M::EmptyResult | M::NullResult | M::NullChart => {
            Tenth::Failed(Reason::Malformed, "status 200 with neither data nor a reason")
        }
        M::NoMeta => Tenth::Failed(Reason::Malformed, "the reply describes no instrument"),
        M::NoPeriods | M::EmptyPeriods => Tenth::Failed(Reason::Malformed, "and no trading period for it"),
        M::CoarserBars => Tenth::Failed(Reason::Malformed, "in bars of 1h"),
        M::OtherSymbol => Tenth::Failed(Reason::Malformed, "requested Q"),
        M::NotFound => Tenth::Failed(Reason::UnknownSymbol, "No data found, symbol may be delisted"),
        M::TooOld => Tenth::Failed(Reason::TooOld, "The requested range must be within the last 60 days"),
        M::BadRequest => Tenth::Failed(Reason::Refused, "Invalid input"),
        M::Unauthorized => Tenth::Failed(Reason::Blocked, "Invalid Crumb"),
        M::TooManyRequests => Tenth::Failed(Reason::Blocked, "status 429: Too Many Requests"),
        M::EdgeTooManyRequests => Tenth::Failed(Reason::Blocked, "Edge: Too Many Requests"),
        M::TooManyRequestsAsOk => Tenth::Failed(Reason::Blocked, "status 200: Too Many Requests"),
        M::Forbidden => Tenth::Failed(Reason::Blocked, "status 403"),
        M::ConsentPage => Tenth::Failed(Reason::Blocked, "a page in place of data"),
        M::Redirect => Tenth::Failed(Reason::Blocked, "status 302"),
        M::RightBack | M::NotJson | M::Truncated => Tenth::Failed(Reason::Unavailable, "a body that is not a chart"),
        M::EmptyBody => Tenth::Failed(Reason::Unavailable, "status 200 with an empty body"),
        M::CutOff | M::Reset => Tenth::Failed(Reason::Unavailable, "error"),
        M::InternalError => Tenth::Failed(Reason::Unavailable, ""),
        M::BadGateway => Tenth::Failed(Reason::Unavailable, "status 502"),
        M::Unavailable => Tenth::Failed(Reason::Unavailable, "status 503"),
    }
}

/// A trial for each fault, on a trade date of its own.
pub fn trials(runtime: &Handle, context: &Arc<Context>) -> Vec<Trial> {
    let faults = Fault::ALL.iter().copied().zip(trading_days(date(2024, 1, 2))).enumerate();
    let trial = |(number, (fault, day)): (usize, (Fault, _))| {
        let (runtime, context) = (runtime.clone(), Arc::clone(context));
        let run = move || {
            let symbol = format!("Q{number:02}");
            let check = check(&context, fault, &symbol, day);
            runtime.block_on(check).map_err(|error| format!("{error:#}").into())
        };
        Trial::test(format!("{}::{fault}", module_path!()), run)
    };
    faults.map(trial).collect()
}

async fn check(context: &Context, fault: Fault, symbol: &str, date: TradeDate) -> Result<()> {
    let (stack, symbol) = (&context.stack, symbol.parse::<Symbol>()?);
    let duration = match fault {
        Fault::Stalled | Fault::ShortAtFirst => FaultDuration::Times(1),
        _ => FaultDuration::Always,
    };
    stack.market.handle.inject(FaultRule { symbol: Some(symbol.clone()), fault, duration });
    let symbols: Vec<_> = [symbol.as_str()].into_iter().chain(NINE.iter().map(|(_, symbol)| *symbol)).collect();
    let (name, ended) = stack.follow(&json!({"trade_date": date, "symbols": symbols})).await?;
    let Ended::Succeeded(outcome) = ended else { bail!("{fault}: {ended:?}") };
    let RunOutcome::Exported { bars, symbols, csv, .. } = *outcome else { bail!("{fault}: {outcome:?}") };
    let csv = stack.object(&csv).await?;
    let out = tempfile::tempdir()?;
    let folder = out.path().to_string_lossy();
    let shown = context.tools.finstream_on(&stack.cloud, &["follow", &name, "--out", &folder]).await?;
    ensure!(shown.code == 0, "{}", shown.text);

    let (of_tenth, of_nine): (Vec<&str>, Vec<&str>) = csv.lines().partition(|row| row.contains(&format!(",{symbol},")));
    let expected = expected_from_market(&stack.market, date, Interval::FiveMinutes, NINE).await?;
    ensure!(of_nine.join("\n") + "\n" == expected, "{fault}: the nine are\n{csv}\nand not\n{expected}");
    let rows = hourly_extreme::read(csv.as_bytes())?;
    let counted = bars_of(&rows);
    ensure!(counted == bars, "{fault}: {counted} bars in the CSV and {bars} in the output");

    match tenth(fault) {
        Tenth::Failed(reason, words) => {
            ensure!(of_tenth.is_empty(), "{fault}: {of_tenth:?}");
            explained(&symbols, &symbol, reason, words, &shown.text).with_context(|| fault.to_string())
        }
        Tenth::Whole => {
            if !matches!(fault, Fault::Integers | Fault::HugeVolume) {
                stack.market.handle.clear(Some(&symbol));
            }
            let company = (format!("{symbol} (simulated)"), symbol.to_string());
            let company = [(company.0.as_str(), company.1.as_str())];
            let expected = expected_from_market(&stack.market, date, Interval::FiveMinutes, &company).await?;
            ensure!(
                expected.lines().skip(1).eq(of_tenth.iter().copied()),
                "{fault}: {of_tenth:#?}\nand not\n{expected}"
            );
            ensure!(symbols.failed.is_empty(), "{fault}: {symbols:?}");
            Ok(())
        }
        Tenth::Short => short(&symbols, &symbol, bars_of(rows.iter().filter(|row| row.symbol == symbol)), &shown.text)
            .with_context(|| fault.to_string()),
    }
}

/// The reason stands in the output, and in the command's table.
fn explained(outcomes: &SymbolOutcomes, symbol: &Symbol, reason: Reason, words: &str, shown: &str) -> Result<()> {
    let [failed] = outcomes.failed.as_slice() else { bail!("{outcomes:?}") };
    ensure!(failed.symbol == *symbol && failed.reason == reason && failed.detail.contains(words), "{failed:?}");
    let again = matches!(reason, Reason::UnknownSymbol | Reason::TooOld | Reason::Refused);
    ensure!(failed.attempts == if again { 1 } else { 2 }, "{failed:?}");
    for text in [symbol.as_str(), &reason.label(), &failed.detail] {
        ensure!(shown.contains(text), "the table lacks {text:?}:\n{shown}");
    }
    Ok(())
}

/// The gaps stand in the output, and in the command's table.
fn short(outcomes: &SymbolOutcomes, symbol: &Symbol, rows: usize, shown: &str) -> Result<()> {
    ensure!(outcomes.failed.is_empty(), "{outcomes:?}");
    let found = outcomes.collected.iter().find(|collected| collected.symbol == *symbol);
    let CollectedSymbol { bars, expected, gaps, attempts, .. } = found.context("not collected")?;
    let gaps = gaps.as_ref().context("no gaps")?;
    let missing = Gap::count(gaps, Interval::FiveMinutes);
    ensure!(
        *bars < *expected && bars + missing == *expected && *bars == rows && *attempts == 2,
        "{found:?}, {rows} rows"
    );
    ensure!(shown.contains(&format!("{bars} of {expected}")), "{shown}");
    for gap in gaps {
        ensure!(shown.contains(&gap.to_string()), "the table lacks {gap}:\n{shown}");
    }
    Ok(())
}
