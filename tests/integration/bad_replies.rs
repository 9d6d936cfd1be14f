//! Each fault of the simulated market, for one of ten symbols, over each source: the other nine are exported, and the
//! execution's output and the command's table report the same about the tenth. Over Alpaca all ten are in one request.

mod over_alpaca;

use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use harness::{DEFAULT_COMPANIES, Ended, ExportedRun, OutFolder, count_bars, expected_over, trading_days};
use jiff::civil::date;
use libtest_mimic::Trial;
use market_sim::{Fault, FaultDuration, FaultRule};
use serde_json::json;
use shared::{
    Interval, MarketSource, Symbol, TradeDate, hourly_extreme,
    payload::{CollectedSymbol, Reason, SymbolOutcomes},
};
use tokio::runtime::Handle;

use crate::{Context, trial};

/// All default companies but the last.
const NINE: &[(&str, &str)] = DEFAULT_COMPANIES.split_at(9).0;

/// The expected outcome of the tenth symbol.
#[derive(Debug)]
enum Tenth {
    /// All its bars are exported.
    Complete,
    /// Some bars are missing, and reported as gaps.
    Short,
    /// Another test has it, in `instruments` or `alpaca`, or the source does not have it at all.
    Elsewhere,
    /// It has no bars, for this reason, with a detail that contains this text.
    Failed(Reason, &'static str),
}

/// What becomes of a symbol with a fault over a source.
fn tenth(source: MarketSource, fault: Fault) -> Tenth {
    if source == MarketSource::ALPACA { over_alpaca::tenth(fault) } else { over_yahoo(fault) }
}

fn over_yahoo(fault: Fault) -> Tenth {
    use Fault as F;
    match fault {
        F::Integers | F::HugeVolume | F::DuplicateRows | F::ShuffledRows | F::ClosingRow | F::LiveRow => {
            Tenth::Complete
        }
        F::ForeignRow | F::ShortAtFirst | F::ExtendedPeriods | F::Stalled => Tenth::Complete,
        F::PeriodShort | F::PeriodHourLate | F::PeriodHourEarly | F::OpenOffGrid => Tenth::Complete,
        F::PoundsAmongPence | F::FirstRowNoVolume | F::OtherCurrency => Tenth::Complete,
        F::Split | F::RowsOffGrid => Tenth::Short,
        F::ClosingAuction => Tenth::Elsewhere,
        F::StillOpen => Tenth::Failed(Reason::Malformed, "and no trading period for it"),
        F::NullRows | F::PartialRows | F::NotANumber | F::ShortColumns | F::ZeroPrices => Tenth::Short,
        F::CrossedPrices | F::OneBar => Tenth::Short,
        F::NoTimestamp | F::EmptyColumns => Tenth::Failed(Reason::NoTrades, "no trades in the session of"),
        F::NotListedYet => Tenth::Failed(Reason::NoTrades, "Data doesn't exist for startDate"),
        F::EmptyResult | F::NullResult | F::NullChart => {
            Tenth::Failed(Reason::Malformed, "status 200 with neither data nor a reason")
        }
        F::DeadListing => Tenth::Failed(Reason::NotTradedHere, "delisted, moved to another exchange"),
        F::NoMeta => Tenth::Failed(Reason::Malformed, "the reply describes no instrument"),
        F::NoPeriods | F::EmptyPeriods => Tenth::Failed(Reason::Malformed, "and no trading period for it"),
        F::CoarserBars => Tenth::Failed(Reason::Malformed, "in bars of 1h"),
        F::OtherSymbol => Tenth::Failed(Reason::Malformed, "requested Q"),
        F::NotFound => Tenth::Failed(Reason::UnknownSymbol, "No data found, symbol may be delisted"),
        F::TooOld => Tenth::Failed(Reason::TooOld, "The requested range must be within the last 60 days"),
        F::BadRequest => Tenth::Failed(Reason::Refused, "Invalid input"),
        F::Unauthorized => Tenth::Failed(Reason::Blocked, "Invalid Crumb"),
        F::TooManyRequests => Tenth::Failed(Reason::Blocked, "status 429: Too Many Requests"),
        F::EdgeTooManyRequests => Tenth::Failed(Reason::Blocked, "Edge: Too Many Requests"),
        F::TooManyRequestsAsOk => Tenth::Failed(Reason::Blocked, "status 200: Too Many Requests"),
        F::Forbidden => Tenth::Failed(Reason::Blocked, "status 403"),
        F::RequestDenied => Tenth::Failed(Reason::Blocked, "status 999"),
        F::ConsentPage => Tenth::Failed(Reason::Blocked, "a page in place of data"),
        F::Redirect => Tenth::Failed(Reason::Blocked, "status 302"),
        F::RightBack | F::NotJson | F::Truncated => Tenth::Failed(Reason::Unavailable, "a body that is not a chart"),
        F::EmptyBody => Tenth::Failed(Reason::Unavailable, "status 200 with an empty body"),
        F::CutOff | F::Reset => Tenth::Failed(Reason::Unavailable, "error"),
        F::InternalError => Tenth::Failed(Reason::Unavailable, ""),
        F::BadGateway => Tenth::Failed(Reason::Unavailable, "status 502"),
        F::Unavailable => Tenth::Failed(Reason::Unavailable, "status 503"),
        F::GatewayTimeout => Tenth::Failed(Reason::Unavailable, "status 504"),
        F::InvalidSymbol | F::InvalidSymbolPrefixed | F::Unprocessable | F::TooRecent | F::TooRecentCode => {
            Tenth::Elsewhere
        }
        F::ForbiddenPage | F::KeyComesAndGoes | F::TooManyRequestsBare | F::RateLimit | F::SharedKey => {
            Tenth::Elsewhere
        }
        F::NullBars | F::NullSymbol | F::MissingSymbol | F::Delisted | F::OverTheCounter | F::ForeignSymbol => {
            Tenth::Elsewhere
        }
        F::LostMinutes | F::CorrectedOvernight => Tenth::Elsewhere,
        F::ShortPages | F::EmptyFirstPage | F::RepeatedToken => Tenth::Elsewhere,
    }
}

/// A test for each fault of each source, on a trade date and for a symbol of its own.
pub fn trials(runtime: &Handle, context: &Arc<Context>) -> Vec<Trial> {
    let of_source = |source: &MarketSource| Fault::ALL.iter().map(move |fault| (*source, *fault)).collect::<Vec<_>>();
    let cases = MarketSource::ALL.iter().flat_map(of_source);
    let cases = cases.filter(|(source, fault)| !matches!(tenth(*source, *fault), Tenth::Elsewhere));
    let trials = cases.zip(trading_days(date(2024, 1, 2))).enumerate().map(|(number, ((source, fault), day))| {
        let name = format!("{}::{source}::{fault}", module_path!());
        let test = async move |context: Arc<Context>| {
            let check = check(&context, (source, fault), &symbol(number), day).await;
            check.with_context(|| format!("{fault} over {source}"))
        };
        trial(name, runtime, context, test)
    });
    trials.collect()
}

/// A symbol of letters alone, which every source takes: `QAA`, `QAB`, …
fn symbol(number: usize) -> String {
    let letter = |number: usize| char::from(b'A' + u8::try_from(number % 26).unwrap_or_default());
    ['Q', letter(number / 26), letter(number)].iter().collect()
}

async fn check(context: &Context, (source, fault): (MarketSource, Fault), symbol: &str, date: TradeDate) -> Result<()> {
    let (stack, symbol) = (&context.stack, symbol.parse::<Symbol>()?);
    let duration = match fault {
        Fault::Stalled | Fault::ShortAtFirst => FaultDuration::Times(1),
        _ => FaultDuration::Always,
    };
    stack.market.handle.inject(FaultRule { symbol: Some(symbol.clone()), fault, duration });
    let symbols: Vec<_> = [symbol.as_str()].into_iter().chain(NINE.iter().map(|(_, symbol)| *symbol)).collect();
    let (name, ended) = stack.follow(&json!({"trade_date": date, "symbols": symbols, "source": source})).await?;
    let Ended::Succeeded(outcome) = ended else { bail!("{ended:?}") };
    let ExportedRun { bars, symbols, csv, .. } = stack.exported(*outcome).await?;
    let out = OutFolder::create()?;
    let shown = context.tools.finstream_on(&stack.cloud, &["follow", &name, "--out", &out.arg()]).await?;
    ensure!(shown.has_result(), "{}", shown.text);

    let (of_tenth, of_nine): (Vec<&str>, Vec<&str>) = csv.lines().partition(|row| row.contains(&format!(",{symbol},")));
    let expected = expected_over(source, &stack.market, date, Interval::FiveMinutes, NINE).await?;
    ensure!(of_nine.join("\n") + "\n" == expected, "the nine are\n{csv}\nand not\n{expected}");
    let rows = hourly_extreme::read(csv.as_bytes())?;
    let counted = count_bars(&rows);
    ensure!(counted == bars, "{counted} bars in the CSV and {bars} in the output");

    match tenth(source, fault) {
        Tenth::Failed(reason, detail) => {
            ensure!(of_tenth.is_empty(), "{of_tenth:?}");
            check_failure(&symbols, &symbol, reason, detail, &shown.text)
        }
        Tenth::Complete => {
            let shows_in_the_csv = matches!(
                fault,
                Fault::Integers
                    | Fault::HugeVolume
                    | Fault::PoundsAmongPence
                    | Fault::FirstRowNoVolume
                    | Fault::OtherCurrency
            );
            if !shows_in_the_csv {
                stack.market.handle.clear(Some(&symbol));
            }
            // Alpaca's bars have no name beside them.
            let name = if source == MarketSource::YAHOO { format!("{symbol} (simulated)") } else { symbol.to_string() };
            let company = [(name.as_str(), symbol.as_str())];
            let expected = expected_over(source, &stack.market, date, Interval::FiveMinutes, &company).await?;
            ensure!(expected.lines().skip(1).eq(of_tenth.iter().copied()), "{of_tenth:#?}\nand not\n{expected}");
            ensure!(symbols.failed.is_empty(), "{symbols:?}");
            Ok(())
        }
        Tenth::Elsewhere => Ok(()),
        Tenth::Short => {
            check_gaps(&symbols, &symbol, count_bars(rows.iter().filter(|row| row.symbol == symbol)), &shown.text)
        }
    }
}

/// The execution's output and the command's table show the reason.
fn check_failure(outcomes: &SymbolOutcomes, symbol: &Symbol, reason: Reason, detail: &str, shown: &str) -> Result<()> {
    let [failed] = outcomes.failed.as_slice() else { bail!("{outcomes:?}") };
    ensure!(failed.symbol == *symbol && failed.reason == reason && failed.detail.contains(detail), "{failed:?}");
    let is_final = matches!(reason, Reason::UnknownSymbol | Reason::NotTradedHere | Reason::TooOld | Reason::Refused);
    ensure!(failed.attempts == if is_final { 1 } else { 2 }, "{failed:?}");
    for text in [symbol.as_str(), &reason.label(), failed.detail.trim()] {
        ensure!(shown.contains(text), "the table lacks {text:?}:\n{shown}");
    }
    Ok(())
}

/// The execution's output and the command's table show the gaps; `exported` is the number of bars in the CSV.
fn check_gaps(outcomes: &SymbolOutcomes, symbol: &Symbol, exported: usize, shown: &str) -> Result<()> {
    ensure!(outcomes.failed.is_empty(), "{outcomes:?}");
    let found = outcomes.collected.iter().find(|collected| collected.symbol == *symbol);
    let CollectedSymbol { bars, expected, gaps, attempts, .. } = found.context("not collected")?;
    let expected = expected.context("nobody knows how many bars to expect")?;
    let gaps = gaps.as_ref().context("no gaps")?;
    let missing: usize = gaps.iter().map(|gap| gap.starts(Interval::FiveMinutes).count()).sum();
    ensure!(
        *bars < expected && bars + missing == expected && *bars == exported && *attempts == 2,
        "{found:?}, {exported} bars in the CSV"
    );
    // Few gaps are shown each, and of many how many bars are missing.
    let each = format!("{symbol} {}", gaps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    let number = format!("{symbol} {missing} of {expected}");
    ensure!(shown.contains(&each) || gaps.len() > 3 && shown.contains(&number), "the table lacks {each}:\n{shown}");
    Ok(())
}
