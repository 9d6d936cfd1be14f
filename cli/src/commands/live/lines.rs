//! A line a bar, for what is no terminal: plain columns, or JSON Lines.

use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;
use shared::{Bar, bar::offset_datetime, format::price};

use crate::output::console::Format;

/// A bar as a line of JSON.
#[derive(Debug, Serialize)]
struct BarJson<'a> {
    /// As it is on the stream.
    #[serde(flatten)]
    bar: &'a Bar,
    /// When its record arrived on the stream.
    arrived_at: Timestamp,
    /// Whether it replaces a line that was printed before, of the same symbol, interval and `ts`.
    corrected: bool,
    /// Whether the prices are simulated.
    simulated: bool,
}

/// How bars become lines.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    pub format: Format,
    pub simulated: bool,
}

impl Lines {
    /// The names of the columns, above the first bar.
    pub fn header(self) -> Option<String> {
        let names = ["open", "high", "low", "close"].map(|name| format!("{name:>11}")).join(" ");
        let text = || format!("{:<25}  {:<8} {:>8} {names} {:>12}", "start", "symbol", "interval", "volume");
        (self.format == Format::Text).then(text)
    }

    /// The line of a bar, without its end.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn line(self, bar: &Bar, arrived_at: Timestamp, corrected: bool) -> anyhow::Result<String> {
        if self.format == Format::Json {
            let json = BarJson { bar, arrived_at, corrected, simulated: self.simulated };
            return serde_json::to_string(&json).context("the bar is no JSON");
        }
        let prices = [bar.open, bar.high, bar.low, bar.close].map(|value| format!("{:>11}", price(value))).join(" ");
        let note = if corrected { "  corrected" } else { "" };
        let (start, symbol, interval) = (offset_datetime::text(&bar.ts), bar.symbol.as_str(), bar.interval.as_str());
        Ok(format!("{start}  {symbol:<8} {interval:>8} {prices} {:>12}{note}", bar.volume))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::board::tests::{Outcome, bar},
        *,
    };

    fn lines(format: Format) -> Outcome<String> {
        let lines = Lines { format, simulated: true };
        let header = lines.header().into_iter();
        let bars = [
            lines.line(&bar("META", "09:30", 0)?, "2026-11-20T14:36:02.417Z".parse()?, false)?,
            lines.line(&bar("META", "09:30", 1)?, "2026-11-20T14:41:02.003Z".parse()?, true)?,
        ];
        Ok(header.chain(bars).map(|line| line + "\n").collect())
    }

    #[test]
    fn a_line_a_bar() -> Outcome {
        insta::assert_snapshot!(lines(Format::Text)?);
        Ok(())
    }

    #[test]
    fn scripts_get_the_record_of_the_stream() -> Outcome {
        let json = lines(Format::Json)?;
        assert!(include_str!("../../../../docs/scripts.md").contains(&format!("```json\n{json}```")), "{json}");
        Ok(())
    }
}
