//! The day in one sentence.

use shared::{
    format::thousands,
    payload::{Reason, SymbolOutcomes},
};

use super::summary::{Summary, Totals};

/// Such as `6 up, 4 down. Best PINS +1.79%, worst DDOG −2.40%. Widest range NFLX 2.21%. 4 of 780 bars are missing, in 3
/// symbols.`
pub fn sentence(summary: &Summary<'_>, outcomes: &SymbolOutcomes) -> String {
    let [best, worst, widest] = summary.rankings.extremes();
    let mut sentences = vec![];
    if let Some((best, worst)) = best.zip(worst) {
        if summary.rankings.have_two_changes() {
            sentences.push(directions(&summary.totals));
            let (most, least) = (&best.text, &worst.text);
            sentences.push(format!("Best {} {most}, worst {} {least}", best.symbol(), worst.symbol()));
        } else {
            sentences.push(format!("{} {}", best.symbol(), best.text));
        }
    }
    sentences.extend(widest.map(|widest| match summary.totals.companies {
        1 => format!("Range {}", widest.text),
        _ => format!("Widest range {} {}", widest.symbol(), widest.text),
    }));
    sentences.extend(missing_bars(&summary.totals));
    match outcomes.failed.iter().filter(|symbol| symbol.reason != Reason::NoSession).count() {
        0 => {}
        1 => sentences.push("1 symbol has no bars of this run".to_owned()),
        count => sentences.push(format!("{} symbols have no bars of this run", thousands(count))),
    }
    sentences.join(". ") + "."
}

/// Such as `6 up, 4 down`.
fn directions(totals: &Totals) -> String {
    let counts = [("up", "up"), ("dn", "down"), ("", "unchanged")];
    let counts =
        counts.map(|(direction, what)| Some(format!("{} {what}", thousands(*totals.directions.get(direction)?))));
    counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn missing_bars(totals: &Totals) -> Option<String> {
    let (expected, missing) = (thousands(totals.expected), thousands(totals.missing));
    match (totals.expected, totals.missing, totals.short.shown.len() + totals.short.more) {
        (0, ..) => None,
        (_, 0, _) => Some(format!("All {expected} bars are there")),
        (_, 1, _) => Some(format!("1 of {expected} bars is missing")),
        (_, _, 1) => Some(format!("{missing} of {expected} bars are missing, in 1 symbol")),
        (_, _, short) => Some(format!("{missing} of {expected} bars are missing, in {} symbols", thousands(short))),
    }
}

#[cfg(test)]
mod tests {
    use shared::payload::{Collection, FailedSymbol};

    use super::*;
    use crate::{report::tests::summary_of, sample};

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn sentence_of(
        symbols: &[&str],
        edit: fn(&mut Collection<SymbolOutcomes>),
    ) -> Result<String, Box<dyn std::error::Error>> {
        let mut collection = sample::collection()?;
        collection.symbols.collected.retain(|it| symbols.contains(&it.symbol.as_str()));
        collection.symbols.failed.clear();
        edit(&mut collection);
        Ok(sentence(&summary_of(&sample::result(), &collection)?, &collection.symbols))
    }

    fn failed(collection: &mut Collection<SymbolOutcomes>, symbol: &str, reason: Reason) {
        let symbol = symbol.parse();
        collection.symbols.failed.extend(symbol.ok().map(|symbol| FailedSymbol::new(symbol, reason, "")));
    }

    #[test]
    fn the_day_in_one_sentence() -> Outcome {
        let all = ["META", "SHOP", "XYZ"];
        let three = "1 up, 1 down, 1 unchanged. Best META +2.18%, worst SHOP \u{2212}1.67%. Widest range META 3.06%";
        for (symbols, edit, expected) in [
            (
                &all[..],
                (|_| {}) as fn(&mut Collection<SymbolOutcomes>),
                format!("{three}. 11 of 36 bars are missing, in 1 symbol."),
            ),
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
