//! A run's result: a line for each company, then what is short of what was requested, where the prices are from, and the files.

use std::collections::BTreeMap;

use shared::{
    CompanyDay, HourlyExtreme, Symbol, TradeDate, currency,
    format::thousands,
    payload::{CarriedOver, CollectedSymbol, FailedSymbol, RemarkKind, SymbolOutcomes},
};

use super::{
    companies::{self, largest_changes},
    format::pluralize,
    rankings,
    tables::{price_source, sources},
    terminal::{Styled, Terminal, wrap_after},
};

/// How many companies have a line after a run; of more than that, the ones that have changed most, and of more than
/// [`rankings::MAX_COMPANIES`] rankings are shown.
const MAX_COMPANIES: usize = 20;

/// How many symbols a note names before it counts the rest.
const MAX_SYMBOLS: usize = 8;

/// How many gaps of one symbol are listed; of one with more only the number is shown.
const MAX_GAPS: usize = 3;

/// The width of the labels of notes, in columns.
const LABEL: usize = 14;

/// What a run has exported.
#[derive(Debug)]
pub struct ExportedRun<'a> {
    pub trade_date: TradeDate,
    /// The rows of its CSV.
    pub rows: &'a [HourlyExtreme],
    pub symbols: &'a SymbolOutcomes,
    /// The symbols of which bars of another scale or currency were left out.
    pub restated: &'a [Symbol],
    /// The symbols whose rows are of an earlier run.
    pub carried_over: &'a [CarriedOver],
    pub simulated: bool,
    /// Where all companies are, when a few more are there than are shown here: a command, or a file.
    pub all_companies: &'a str,
}

impl ExportedRun<'_> {
    /// The result without the paths of its files, each line ended by a line feed.
    pub fn describe(&self, terminal: Terminal) -> Styled {
        let days = CompanyDay::of(self.rows);
        let all = days.len();
        let bars = format!("bars: {}", self.symbols.bar_counts().describe());
        let mut text = Styled::from(&headline(self.trade_date, &days, &bars, terminal));
        if all > rankings::MAX_COMPANIES {
            text.push_styled(&rankings::rankings(&days, terminal));
            text.push(&wrapped(&format!("all {} companies are in the CSV", thousands(all)), terminal));
            return self.describe_rest(text, &days, terminal);
        }
        let days = if all > MAX_COMPANIES { largest_changes(days, MAX_COMPANIES) } else { days };
        text.push_styled(&companies::table(&days, terminal));
        if all > days.len() {
            let more = thousands(all - days.len());
            text.push(&wrapped(
                &format!("… and {more} more, which have changed less: {}", self.all_companies),
                terminal,
            ));
        }
        self.describe_rest(text, &days, terminal)
    }

    /// What stands below the companies.
    fn describe_rest(&self, mut text: Styled, days: &[CompanyDay<'_>], terminal: Terminal) -> Styled {
        text.push(&companies::note_on_changes(days, terminal));
        for (label, entries) in self.notes() {
            text.push(&note(label, &entries, terminal));
        }
        text.push(&notes_on_prices(self.rows, self.simulated, terminal));
        text
    }

    /// What is short, or a reader should know: the notes that have something to say, with an entry for each symbol.
    fn notes(&self) -> Vec<(&'static str, Vec<String>)> {
        let SymbolOutcomes { collected, failed } = self.symbols;
        let remarks = collected.iter().flat_map(|symbol| symbol.remarks.iter().map(move |remark| (symbol, remark)));
        let remarks = remarks.map(|(CollectedSymbol { symbol, .. }, remark)| {
            format!("{symbol} {}, {}: {}", remark.kind.label(), pluralize(remark.bars, "bar"), remark.detail)
        });
        let held_bars: BTreeMap<_, _> =
            CompanyDay::of(self.rows).iter().map(|day| (day.symbol, day.bars as usize)).collect();
        let held = |symbol: &CollectedSymbol| {
            let held = held_bars.get(&symbol.symbol).copied().unwrap_or_default();
            held.saturating_sub(outside_of_session(symbol))
        };
        let added = collected.iter().filter(|symbol| symbol.is_short()).filter_map(|symbol| {
            let held = held(symbol);
            let added = held.checked_sub(symbol.bars).filter(|added| *added > 0)?;
            Some(format!("{} {} of {}", symbol.symbol, thousands(added), pluralize(held, "bar")))
        });
        let renamed = collected.iter().filter_map(|symbol| Some((&symbol.symbol, symbol.queried_as.as_ref()?)));
        let notes = [
            ("missing bars", collected.iter().filter_map(|symbol| missing(symbol, held(symbol))).collect()),
            ("without bars", without_bars(failed)),
            ("remarks", remarks.collect()),
            ("renamed", renamed.map(|(symbol, queried_as)| format!("{symbol} was queried as {queried_as}")).collect()),
            (
                "restated",
                self.restated.iter().map(|symbol| format!("{symbol}, without bars of another scale")).collect(),
            ),
            ("earlier run", self.carried_over.iter().map(ToString::to_string).chain(added).collect::<Vec<_>>()),
        ];
        notes.into_iter().filter(|(_, entries)| !entries.is_empty()).collect()
    }
}

/// The first line: the day, how many companies and bars, and the currencies of the prices.
pub fn headline(trade_date: TradeDate, days: &[CompanyDay<'_>], bars: &str, terminal: Terminal) -> String {
    let companies = pluralize(days.len(), "company");
    let currencies = match companies::currencies(days) {
        none if none.is_empty() => String::new(),
        codes => format!("; prices in {codes}"),
    };
    wrapped(&format!("{trade_date}: {companies}; {bars}{currencies}"), terminal)
}

/// What the codes of minor units stand for, and where the prices are from: every result says whether they are real.
pub fn notes_on_prices(rows: &[HourlyExtreme], simulated: bool, terminal: Terminal) -> String {
    let units = currency::minor_units(rows.iter().filter_map(|row| row.currency.as_deref()));
    let units = if units.is_empty() { String::new() } else { note("units", &units, terminal) };
    units + &wrapped(&price_source(simulated, sources(rows)), terminal)
}

/// The entries of the symbols without bars.
pub fn without_bars(failed: &[FailedSymbol]) -> Vec<String> {
    let entry = |FailedSymbol { symbol, reason, detail, .. }: &FailedSymbol| match detail.trim() {
        "" => format!("{symbol} {}", reason.label()),
        detail if detail.starts_with(&reason.label()) => format!("{symbol} {detail}"),
        detail => format!("{symbol} {}: {detail}", reason.label()),
    };
    failed.iter().map(entry).collect()
}

/// The bars of the CSV that are not of the session: those do not make up for missing ones.
fn outside_of_session(symbol: &CollectedSymbol) -> usize {
    let remarks = symbol.remarks.iter().filter(|remark| remark.kind == RemarkKind::HoursDiffer);
    remarks.map(|remark| remark.bars).sum()
}

/// What a symbol lacks of which the CSV has `held` bars of the session, those of earlier runs included: `SNAP 10:05, 12:30-12:40`, or
/// `TTD 12 of 78` where the gaps are many or not known; `None` where the CSV has every bar.
fn missing(symbol: &CollectedSymbol, held: usize) -> Option<String> {
    let CollectedSymbol { symbol: name, bars, expected, gaps, .. } = symbol;
    let expected = expected.filter(|expected| symbol.is_short() && held < *expected)?;
    Some(match gaps {
        // The gaps are those of this run: earlier ones may have filled some of them.
        Some(gaps) if held <= *bars && (1..=MAX_GAPS).contains(&gaps.len()) => format!("{name} {}", symbol.missing()),
        _ => format!("{name} {} of {}", thousands(expected - held.max(*bars)), thousands(expected)),
    })
}

/// A label and what there is to say, wrapped beside it; at most [`MAX_SYMBOLS`] entries.
pub fn note(label: &str, entries: &[String], terminal: Terminal) -> String {
    let mut shown: Vec<_> = entries.iter().take(MAX_SYMBOLS).map(|entry| entry.replace('\n', " ")).collect();
    if entries.len() > shown.len() {
        shown.push(format!("and {} more", thousands(entries.len() - shown.len())));
    }
    let line = format!("{label:LABEL$}{}", shown.join("; "));
    terminal.width.map_or_else(|| line.clone(), |width| wrap_after(&line, width, LABEL)) + "\n"
}

/// A line of text, wrapped where the terminal is narrower.
pub fn wrapped(line: &str, terminal: Terminal) -> String {
    terminal.width.map_or_else(|| line.to_owned(), |width| wrap_after(line, width, 2)) + "\n"
}

#[cfg(test)]
mod tests;
