//! The day in one sentence, and the companies that stand out.

use shared::{
    Symbol,
    format::{compact, percent, thousands},
    payload::{Collection, Reason},
};

use super::company::{Company, ranked, share};

/// How many companies a list of movers has.
const MOVERS: usize = 5;

/// A list of the companies that are first in something.
#[derive(Debug)]
pub struct Movers<'a> {
    pub title: &'static str,
    pub rows: Vec<(&'a Symbol, String)>,
}

/// The lists of movers that are not empty.
pub fn movers<'a>(companies: &[Company<'a>]) -> Vec<Movers<'a>> {
    let list = |title, mut ranked: Vec<(&Company<'a>, f64)>, text: fn(f64) -> String| {
        ranked.truncate(MOVERS);
        Movers { title, rows: ranked.into_iter().map(|(company, value)| (company.symbol(), text(value))).collect() }
    };
    let mut changes = ranked(companies, |company| company.day.change());
    let up = changes.iter().copied().filter(|(company, _)| company.direction() == "up").collect();
    changes.reverse();
    let down = changes.into_iter().filter(|(company, _)| company.direction() == "dn").collect();
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // three digits are shown
    let volume = ranked(companies, |company| (company.day.volume > 0).then_some(company.day.volume as f64));
    let lists = [
        list("Up", up, percent),
        list("Down", down, percent),
        list("Range", ranked(companies, |company| company.day.range()), share),
        list("Volatility", ranked(companies, Company::volatility), share),
        list("Volume", volume, |volume| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it was a whole number
            compact(volume as u64)
        }),
    ];
    lists.into_iter().filter(|list| !list.rows.is_empty()).collect()
}

/// Such as `6 up, 4 down. Best PINS +1.79%, worst DDOG −2.40%. Widest range NFLX 2.21%. 4 of 780 bars are missing, in 3
/// symbols.`
pub fn sentence(companies: &[Company<'_>], collection: &Collection) -> String {
    let changes = ranked(companies, |company| company.day.change());
    let of = |direction: &str| changes.iter().filter(|(company, _)| company.direction() == direction).count();
    let counts = [(of("up"), "up"), (of("dn"), "down"), (of(""), "unchanged")];
    let counts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", thousands(count)))
        .collect();
    let mut sentences = vec![counts.join(", ")];
    if let [(best, most), .., (worst, least)] = &changes[..] {
        sentences.push(format!(
            "Best {} {}, worst {} {}",
            best.symbol(),
            percent(*most),
            worst.symbol(),
            percent(*least)
        ));
    }
    if let Some((widest, range)) = ranked(companies, |company| company.day.range()).first() {
        sentences.push(format!("Widest range {} {}", widest.symbol(), share(*range)));
    }
    sentences.extend(missing_bars(collection));
    let without = collection.symbols.failed.iter().filter(|symbol| symbol.reason != Reason::NoSession).count();
    if without > 0 {
        sentences.push(format!("{} no bars of this run", has(without, "symbol")));
    }
    sentences
        .iter()
        .filter(|sentence| !sentence.is_empty())
        .map(|sentence| format!("{sentence}. "))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

fn missing_bars(collection: &Collection) -> Option<String> {
    let expecting = || collection.symbols.collected.iter().filter_map(|symbol| Some((symbol, symbol.expected?)));
    let expected: usize = expecting().map(|(_, expected)| expected).sum();
    let missing: usize = expecting().map(|(symbol, expected)| expected.saturating_sub(symbol.bars)).sum();
    let short = expecting().filter(|(symbol, _)| symbol.is_short()).count();
    let symbols = if short == 1 { "symbol" } else { "symbols" };
    match (expected, missing) {
        (0, _) => None,
        (_, 0) => Some(format!("All {} bars are there", thousands(expected))),
        (_, 1) => Some(format!("1 of {} bars is missing", thousands(expected))),
        _ => Some(format!(
            "{} of {} bars are missing, in {} {symbols}",
            thousands(missing),
            thousands(expected),
            thousands(short)
        )),
    }
}

fn has(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun} has") } else { format!("{} {noun}s have", thousands(count)) }
}
