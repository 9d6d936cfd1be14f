//! One company's day, made of its hours: what the report, the terminal and the workbook show in a line.

use jiff::Zoned;

use crate::{HourlyExtreme, Price, Symbol};

/// The day of one company.
#[derive(Debug, Clone, PartialEq)]
pub struct CompanyDay<'a> {
    /// The company's name.
    pub name: &'a str,
    /// The symbol that was requested.
    pub symbol: &'a Symbol,
    /// Yahoo's code of the currency, as in [`HourlyExtreme::currency`].
    pub currency: Option<&'a str>,
    /// Its hours, oldest first.
    pub hours: &'a [HourlyExtreme],
    /// The last price of its session before; `None` where the market does not report it.
    pub previous_close: Option<Price>,
    /// The first price of the day; `None` in a CSV of a version that did not keep it, as is [`Self::close`].
    pub open: Option<Price>,
    /// The last price of the day.
    pub close: Option<Price>,
    /// The highest price, and the start of the earliest bar that reached it.
    pub high: (Price, &'a Zoned),
    /// The lowest price, and the start of the earliest bar that reached it.
    pub low: (Price, &'a Zoned),
    /// The number of bars.
    pub bars: u32,
    /// Shares (or units) traded.
    pub volume: u64,
}

impl<'a> CompanyDay<'a> {
    /// The days of the companies in `rows`, which stand by company name, symbol and hour, as in the CSV.
    pub fn of(rows: &'a [HourlyExtreme]) -> Vec<Self> {
        rows.chunk_by(|a, b| a.symbol == b.symbol && a.trade_date == b.trade_date).filter_map(Self::of_hours).collect()
    }

    fn of_hours(hours: &'a [HourlyExtreme]) -> Option<Self> {
        let (first, last) = (hours.first()?, hours.last()?);
        let high = |hour: &HourlyExtreme| hour.highest_hourly_price.get();
        let low = |hour: &HourlyExtreme| hour.lowest_hourly_price.get();
        // Of equal ones the last is the maximum, and the first the minimum.
        let highest = hours.iter().rev().max_by(|a, b| high(a).total_cmp(&high(b)))?;
        let lowest = hours.iter().min_by(|a, b| low(a).total_cmp(&low(b)))?;
        Some(Self {
            name: &first.company_name,
            symbol: &first.symbol,
            currency: first.currency.as_deref(),
            hours,
            previous_close: first.previous_close,
            open: first.open,
            close: last.close,
            high: (highest.highest_hourly_price, &highest.datetime_high),
            low: (lowest.lowest_hourly_price, &lowest.datetime_low),
            bars: hours.iter().map(|hour| hour.bars).sum(),
            volume: hours.iter().map(|hour| hour.volume).fold(0, u64::saturating_add),
        })
    }

    /// The price that changes are measured from: the previous close, and where that is not known the day's open.
    pub fn base(&self) -> Option<Price> {
        self.previous_close.or(self.open)
    }

    /// The close against [`Self::base`], in percent.
    pub fn change(&self) -> Option<f64> {
        Some(change(self.base()?, self.close?))
    }

    /// The open against the previous close, in percent; `None` where the previous close is not known.
    pub fn gap(&self) -> Option<f64> {
        Some(change(self.previous_close?, self.open?))
    }

    /// From the lowest to the highest price, in percent of [`Self::base`].
    pub fn range(&self) -> Option<f64> {
        Some((self.high.0.get() - self.low.0.get()) / self.base()?.get() * 100.0)
    }
}

/// From one price to another, in percent of the first.
pub fn change(from: Price, to: Price) -> f64 {
    (to.get() / from.get() - 1.0) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{format::percent, hourly_extreme};

    const CSV: &str = "\
company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,bars,volume,currency,open,close,source,previous_close
Meta,META,2026-11-20,9,2026-11-20T09:50:00-05:00,102,2026-11-20T09:30:00-05:00,99,6,10,USD,101,100,yahoo,100
Meta,META,2026-11-20,10,2026-11-20T10:10:00-05:00,102,2026-11-20T10:20:00-05:00,99,12,20,USD,100,101.5,yahoo,100
Snap,SNAP,2026-11-20,9,2026-11-20T09:30:00-05:00,10,2026-11-20T09:30:00-05:00,10,1,5,,10,9,yahoo,
Old,OLD,2026-11-20,9,2026-11-20T09:30:00-05:00,10,2026-11-20T09:30:00-05:00,10,1,5,,,,,
";

    #[test]
    fn a_day_is_made_of_its_hours() -> Result<(), Box<dyn std::error::Error>> {
        let rows = hourly_extreme::read(CSV.as_bytes())?;
        let shown: Vec<_> = CompanyDay::of(&rows)
            .iter()
            .map(|day| {
                let of = |value: Option<f64>| value.map(percent).unwrap_or_default();
                let at = |(price, at): (Price, &Zoned)| format!("{} {}", price.get(), at.strftime("%H:%M"));
                let CompanyDay { symbol, hours, bars, volume, .. } = day;
                let (change, gap, range, high, low) =
                    (of(day.change()), of(day.gap()), of(day.range()), at(day.high), at(day.low));
                format!("{symbol} {} {change} {gap} {range} {high} {low} {bars} {volume}", hours.len())
            })
            .collect();
        assert_eq!(
            shown,
            [
                // Of two hours with one highest, and one lowest, price the earlier.
                "META 2 +1.50% +1.00% +3.00% 102 09:50 99 09:30 18 30",
                // Without a previous close the change is from the open.
                "SNAP 1 \u{2212}10.00%  0.00% 10 09:30 10 09:30 1 5",
                "OLD 1    10 09:30 10 09:30 1 5",
            ]
        );
        Ok(())
    }
}
