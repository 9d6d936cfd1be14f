//! The companies that are first in something, list beside list: what a terminal shows of more companies than anybody reads.

use console::{Alignment, measure_text_width, pad_str};
use shared::{
    CompanyDay,
    format::{compact, percent},
};

use super::{
    companies::{descending, direction_color},
    console::printable,
    terminal::{Styled, Terminal},
};

/// With more companies a terminal shows rankings in place of a line for each.
pub const MAX_COMPANIES: usize = 50;

/// How many companies a ranking shows.
const SHOWN: usize = 10;

/// The spaces between two lists.
const GAP: usize = 3;

/// What companies are ranked by.
struct Ranking {
    title: &'static str,
    /// The greatest comes first; none where it does not count.
    value: fn(&CompanyDay<'_>) -> Option<f64>,
    text: fn(&CompanyDay<'_>) -> String,
}

/// The most telling first: a narrow terminal leaves out the last ones.
const RANKINGS: [Ranking; 5] = [
    Ranking { title: "up", value: |day| day.change().filter(|change| *change > 0.0), text: change },
    Ranking { title: "down", value: |day| day.change().map(|change| -change).filter(|fall| *fall > 0.0), text: change },
    Ranking {
        title: "range",
        value: |day| day.range(),
        text: |day| day.range().map(|range| format!("{range:.2}%")).unwrap_or_default(),
    },
    Ranking {
        title: "volume",
        #[allow(clippy::cast_precision_loss)] // it decides the order alone
        value: |day| Some(day.volume as f64),
        text: |day| compact(day.volume),
    },
    Ranking {
        title: "gap at the open",
        value: |day| day.gap().map(f64::abs),
        text: |day| day.gap().map(percent).unwrap_or_default(),
    },
];

fn change(day: &CompanyDay<'_>) -> String {
    day.change().map(percent).unwrap_or_default()
}

/// The lists, a line for each place in them, each ended by a line feed; none is wider than the terminal.
pub fn rankings(days: &[CompanyDay<'_>], terminal: Terminal) -> Styled {
    let mut lists: Vec<_> = RANKINGS.iter().map(|ranking| List::of(ranking, days)).collect();
    lists.retain(|list| !list.entries.is_empty());
    let total = |lists: &[List]| lists.iter().map(|list| list.width() + GAP).sum::<usize>().saturating_sub(GAP);
    while lists.len() > 1 && terminal.width.is_some_and(|width| total(&lists) > width) {
        lists.pop();
    }
    let lines = lists.iter().map(|list| list.entries.len()).max().unwrap_or_default();
    let mut text = Styled::default();
    for line in 0..=lines {
        for (at, list) in lists.iter().enumerate() {
            list.write(line, at + 1 == lists.len(), terminal, &mut text);
        }
        text.push("\n");
    }
    text
}

/// The first companies of a ranking: symbols with values.
struct List {
    title: &'static str,
    entries: Vec<(String, String)>,
}

impl List {
    fn of(Ranking { title, value, text }: &Ranking, days: &[CompanyDay<'_>]) -> Self {
        let mut ranked: Vec<_> = days.iter().filter_map(|day| Some((day, value(day)?))).collect();
        ranked.sort_by(|(_, a), (_, b)| descending(Some(*a), Some(*b)));
        let entries =
            ranked.iter().take(SHOWN).map(|(day, _)| (printable(day.symbol.as_str()).into_owned(), text(day)));
        Self { title, entries: entries.collect() }
    }

    /// The widths of the symbols and of the values.
    fn widths(&self) -> (usize, usize) {
        let widest = |of: fn(&(String, String)) -> &String| {
            self.entries.iter().map(|entry| measure_text_width(of(entry))).max().unwrap_or_default()
        };
        (widest(|(symbol, _)| symbol), widest(|(_, value)| value))
    }

    fn width(&self) -> usize {
        let (symbols, values) = self.widths();
        self.title.len().max(symbols + 2 + values)
    }

    /// Writes one line of the list, of which the title is the first one.
    fn write(&self, line: usize, is_last: bool, terminal: Terminal, text: &mut Styled) {
        let (symbols, values) = self.widths();
        let entry = line.checked_sub(1).map(|place| self.entries.get(place));
        let (symbol, value) = match entry {
            None => (self.title, ""),
            Some(None) => ("", ""),
            Some(Some((symbol, value))) => (symbol.as_str(), value.as_str()),
        };
        if value.is_empty() {
            text.push(&if is_last {
                symbol.into()
            } else {
                pad_str(symbol, self.width() + GAP, Alignment::Left, None)
            });
            return;
        }
        text.push(&pad_str(symbol, symbols.max(self.width() - 2 - values) + 2, Alignment::Left, None));
        let padded = pad_str(value, values, Alignment::Right, None);
        match direction_color(value).filter(|_| terminal.colors) {
            Some(style) => text.push_in(&style, &padded),
            None => text.push(&padded),
        }
        if !is_last {
            text.push(&" ".repeat(GAP));
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::{HourlyExtreme, Price, hourly_extreme};

    use super::*;
    use crate::output::companies::tests::CSV;

    type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

    /// A row for each of 120 companies: a third has fallen, and the last one has not changed.
    fn rows() -> Outcome<Vec<HourlyExtreme>> {
        let first = hourly_extreme::read(CSV.as_bytes())?.into_iter().next().ok_or("no row")?;
        let row = |n: u32| {
            Ok(HourlyExtreme {
                symbol: format!("S{n}").parse()?,
                volume: u64::from(n % 50) * 1_000_000,
                close: Price::from_wire(155.05 + (79.0 - f64::from(n)) * 0.05),
                ..first.clone()
            })
        };
        (0..120).map(row).collect()
    }

    #[test]
    fn the_first_companies_of_each_ranking_stand_side_by_side() -> Outcome {
        let rows = rows()?;
        let days = CompanyDay::of(&rows);
        for width in [Some(20), Some(60), Some(120), None] {
            let shown = rankings(&days, Terminal { width, colors: false }).to_string();
            let widest = shown.lines().map(measure_text_width).max().unwrap_or_default();
            assert!(width.is_none_or(|width| widest <= width) && shown.lines().count() == SHOWN + 1, "{shown}");
            insta::assert_snapshot!(
                format!("rankings_{}", width.map_or("piped".to_owned(), |it| it.to_string())),
                shown
            );
        }
        let colored = rankings(&days, Terminal { width: Some(60), colors: true }).to_string();
        assert!(colored.contains("\u{1b}[32m"));
        assert_eq!(
            console::strip_ansi_codes(&colored),
            rankings(&days, Terminal { width: Some(60), colors: false }).to_string()
        );
        Ok(())
    }

    #[test]
    fn a_ranking_without_companies_is_left_out() -> Outcome {
        let rows = rows()?;
        let shown = rankings(&CompanyDay::of(&rows[..60]), Terminal { width: Some(120), colors: false }).to_string();
        assert!(shown.starts_with("up ") && !shown.contains("down"), "{shown}");
        assert_eq!(rankings(&[], Terminal::default()).to_string(), "\n");
        Ok(())
    }
}
