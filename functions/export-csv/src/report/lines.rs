//! Each company of a large day in a line of text, of which the page's script makes a row of the table: a tenth of what rows take.

use super::company::Company;

/// The most bytes of all lines, so that the page stays below 2 MB whatever the number of companies: they are some 13,000.
const MAX_BYTES: usize = 1_500_000;
/// The most characters of a company's name.
const MAX_NAME: usize = 40;

/// The lines, and the number of companies for which there was no room.
#[derive(Debug, Default)]
pub struct Lines {
    pub text: String,
    pub left_out: usize,
}

impl Lines {
    /// Adds a company: the symbol, the name, the currency, then what the columns of the table hold, with tabs between.
    pub fn add(&mut self, company: &Company<'_>) {
        let name: String =
            company.day.name.chars().take(MAX_NAME).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = [
            company.symbol().to_string(),
            name,
            company.currency().to_owned(),
            company.close(),
            company.change(),
            company.gap(),
            company.high(),
            company.high_at(),
            company.low(),
            company.low_at(),
            company.range(),
            company.volatility_text(),
            company.volume(),
            company.bars(),
        ];
        let line = line.join("\t") + "\n";
        if self.text.len() + line.len() > MAX_BYTES {
            self.left_out += 1;
        } else {
            self.text += &line;
        }
    }
}
