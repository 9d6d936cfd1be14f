//! The changes of each company by hour, as a table whose cells are shaded by their value.

use shared::{Symbol, company_day};

use super::company::Company;

/// From these changes on, in percent, a cell has the next shade.
const SHADES: [f64; 3] = [0.2, 0.5, 1.0];

/// The table.
#[derive(Debug)]
pub struct Hours<'a> {
    /// `09`, in order.
    pub hours: Vec<String>,
    pub rows: Vec<Row<'a>>,
}

/// A company's changes.
#[derive(Debug)]
pub struct Row<'a> {
    pub symbol: &'a Symbol,
    /// One for each hour of the table; none where the company has no bars in it.
    pub cells: Vec<Option<Cell>>,
}

/// The change of one hour.
#[derive(Debug)]
pub struct Cell {
    /// `+0.17`.
    pub text: String,
    /// The class: `u1` to `u3`, `d1` to `d3`, or nothing.
    pub shade: String,
}

impl<'a> Hours<'a> {
    /// Each hour's close against that of the hour before, and the first against the price that the day's changes are
    /// measured from.
    pub fn of(companies: &[&Company<'a>], (first, last): (i8, i8)) -> Self {
        let rows = companies.iter().map(|company| {
            let mut before = company.day.base();
            let mut changes = vec![None; usize::from(last.abs_diff(first)) + 1];
            for hour in company.day.hours {
                let change = before.zip(hour.close).map(|(from, to)| company_day::change(from, to));
                if let Some(cell) = changes.get_mut(usize::from(hour.hour.abs_diff(first))) {
                    *cell = change;
                }
                before = hour.close;
            }
            Row { symbol: company.symbol(), cells: changes.into_iter().map(|change| change.map(cell)).collect() }
        });
        Self { hours: (first..=last).map(|hour| format!("{hour:02}")).collect(), rows: rows.collect() }
    }
}

fn cell(change: f64) -> Cell {
    let digits = format!("{:.2}", change.abs());
    let sign = if digits == "0.00" {
        ""
    } else if change < 0.0 {
        "\u{2212}"
    } else {
        "+"
    };
    let shade = SHADES.iter().filter(|from| change.abs() >= **from).count();
    let side = if change < 0.0 { 'd' } else { 'u' };
    Cell { text: format!("{sign}{digits}"), shade: if shade == 0 { String::new() } else { format!("{side}{shade}") } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_its_sign_and_its_shade() {
        for (change, text, shade) in [
            (0.17, "+0.17", ""),
            (0.2, "+0.20", "u1"),
            (-0.5, "\u{2212}0.50", "d2"),
            (1.0, "+1.00", "u3"),
            (-12.345, "\u{2212}12.35", "d3"),
            (-0.001, "0.00", ""),
        ] {
            let cell = cell(change);
            assert_eq!((&*cell.text, &*cell.shade), (text, shade), "{change}");
        }
    }
}
