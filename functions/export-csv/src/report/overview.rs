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
    let list = |title, mut ranked: Vec<(&Company<'a>, f64)>, text: fn(&Company<'a>, f64) -> String| {
        ranked.truncate(MOVERS);
        Movers {
            title,
            rows: ranked.into_iter().map(|(company, value)| (company.symbol(), text(company, value))).collect(),
        }
    };
    let mut changes = ranked(companies, |company| company.day.change());
    let up = changes.iter().copied().filter(|(company, _)| company.direction() == "up").collect();
    changes.reverse();
    let down = changes.into_iter().filter(|(company, _)| company.direction() == "dn").collect();
    #[allow(clippy::cast_precision_loss)] // it decides the order alone
    let volume = ranked(companies, |company| (company.day.volume > 0).then_some(company.day.volume as f64));
    let lists = [
        list("Up", up, |_, change| percent(change)),
        list("Down", down, |_, change| percent(change)),
        list("Range", ranked(companies, |company| company.day.range()), |_, range| share(range)),
        list("Volatility", ranked(companies, Company::volatility), |_, volatility| share(volatility)),
        list("Volume", volume, |company, _| compact(company.day.volume)),
    ];
    lists.into_iter().filter(|list| !list.rows.is_empty()).collect()
}

/// Such as `6 up, 4 down. Best PINS +1.79%, worst DDOG −2.40%. Widest range NFLX 2.21%. 4 of 780 bars are missing, in 3
/// symbols.`
pub fn sentence(companies: &[Company<'_>], collection: &Collection) -> String {
    let changes = ranked(companies, |company| company.day.change());
    let ranges = ranked(companies, |company| company.day.range());
    let mut sentences = vec![];
    match &changes[..] {
        [] => {}
        [(only, change)] => sentences.push(format!("{} {}", only.symbol(), percent(*change))),
        [(best, most), .., (worst, least)] => {
            sentences.push(directions(companies));
            let (most, least) = (percent(*most), percent(*least));
            sentences.push(format!("Best {} {most}, worst {} {least}", best.symbol(), worst.symbol()));
        }
    }
    match &ranges[..] {
        [] => {}
        [(_, range)] => sentences.push(format!("Range {}", share(*range))),
        [(widest, range), ..] => sentences.push(format!("Widest range {} {}", widest.symbol(), share(*range))),
    }
    sentences.extend(missing_bars(companies));
    match collection.symbols.failed.iter().filter(|symbol| symbol.reason != Reason::NoSession).count() {
        0 => {}
        1 => sentences.push("1 symbol has no bars of this run".to_owned()),
        count => sentences.push(format!("{} symbols have no bars of this run", thousands(count))),
    }
    sentences.join(". ") + "."
}

/// Such as `6 up, 4 down`.
fn directions(companies: &[Company<'_>]) -> String {
    let counts = [("up", "up"), ("dn", "down"), ("", "unchanged")].map(|(direction, what)| {
        let count = companies.iter().filter(|company| company.direction() == direction).count();
        (count > 0).then(|| format!("{} {what}", thousands(count)))
    });
    counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn missing_bars(companies: &[Company<'_>]) -> Option<String> {
    let expected: usize = companies.iter().filter_map(Company::expected).sum();
    let missing: Vec<_> = companies.iter().map(Company::missing).filter(|bars| *bars > 0).collect();
    let (missing, short) = (missing.iter().sum::<usize>(), missing.len());
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

#[cfg(test)]
mod tests {
    use shared::payload::{ExportRequest, FailedSymbol};

    use super::*;
    use crate::{query_result, sample};

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn sentence_of(symbols: &[&str], edit: fn(&mut Collection)) -> Result<String, Box<dyn std::error::Error>> {
        let ExportRequest { mut collection, .. } = sample::request()?;
        collection.symbols.collected.retain(|it| symbols.contains(&it.symbol.as_str()));
        collection.symbols.failed.clear();
        edit(&mut collection);
        let result = query_result::read(sample::result().as_bytes(), collection.trade_date, collection.prices())?;
        let result = result.of(&collection.symbols);
        Ok(sentence(&Company::all(&result, &collection), &collection))
    }

    fn failed(collection: &mut Collection, symbol: &str, reason: Reason) {
        let symbol = symbol.parse();
        collection.symbols.failed.extend(symbol.ok().map(|symbol| FailedSymbol {
            symbol,
            reason,
            detail: String::new(),
            attempts: 1,
            session_ends_at: None,
            refusals: 0,
        }));
    }

    #[test]
    fn the_day_in_one_sentence() -> Outcome {
        let all = ["META", "SHOP", "XYZ"];
        let three = "1 up, 1 down, 1 unchanged. Best META +2.18%, worst SHOP \u{2212}1.67%. Widest range META 3.06%";
        for (symbols, edit, expected) in [
            (&all[..], (|_| {}) as fn(&mut Collection), format!("{three}. 11 of 36 bars are missing, in 1 symbol.")),
            (
                &all,
                |it| {
                    it.symbols.collected[2].expected = Some(8);
                    it.symbols.collected[2].gaps = "10:20".parse().ok().map(|gap| vec![gap]);
                },
                format!("{three}. 1 of 26 bars is missing."),
            ),
            (
                &all,
                |it| it.symbols.collected[0].expected = Some(19),
                format!("{three}. 12 of 37 bars are missing, in 2 symbols."),
            ),
            (&["META"], |_| {}, "META +2.18%. Range 3.06%. All 18 bars are there.".to_owned()),
            (&["SHOP"], |_| {}, "SHOP \u{2212}1.67%. Range 2.42%.".to_owned()),
            (
                &["SHOP"],
                |it| {
                    failed(it, "FB", Reason::UnknownSymbol);
                    failed(it, "VOD.L", Reason::NoSession);
                },
                "SHOP \u{2212}1.67%. Range 2.42%. 1 symbol has no bars of this run.".to_owned(),
            ),
            (
                &["SHOP"],
                |it| {
                    failed(it, "FB", Reason::UnknownSymbol);
                    failed(it, "OKTA", Reason::Blocked);
                },
                "SHOP \u{2212}1.67%. Range 2.42%. 2 symbols have no bars of this run.".to_owned(),
            ),
        ] {
            assert_eq!(sentence_of(symbols, edit)?, expected);
        }
        Ok(())
    }
}
