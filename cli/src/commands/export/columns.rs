//! The tables that are exported: the names of their columns, and what they hold of a row, the same in every format.

use std::borrow::Cow;

use jiff::{Zoned, civil::Date};
use shared::{CompanyDay, HourlyExtreme, Price, Source};

use super::rows::DayBar;

/// A column of a table whose rows are of the type `Row`.
pub struct Column<Row> {
    pub name: &'static str,
    pub value: Value<Row>,
}

/// What a column holds of a row.
pub enum Value<Row> {
    /// Text from outside: never a formula, nor a number, a date or a boolean, whatever it looks like.
    Text(for<'a> fn(&'a Row) -> Option<Cow<'a, str>>),
    Date(fn(&Row) -> Date),
    /// An instant, with the offset of its exchange.
    Time(for<'a> fn(&'a Row) -> &'a Zoned),
    /// In the unit of the row's currency.
    Price(fn(&Row) -> Option<Price>),
    /// A change in percent, up or down.
    Percent(fn(&Row) -> Option<f64>),
    /// A width in percent, which has no direction.
    Range(fn(&Row) -> Option<f64>),
    Count(fn(&Row) -> u64),
}

use Value::{Count, Date as DateOf, Percent, Price as PriceOf, Range, Text, Time};

/// Defines the columns of a table.
macro_rules! columns {
    ($($name:literal: $kind:ident($read:expr)),* $(,)?) => {
        vec![$(Column { name: $name, value: $kind($read) }),*]
    };
}

/// Those of hourly_extremes.csv, by the same names in the same order.
pub fn of_hours() -> Vec<Column<HourlyExtreme>> {
    columns![
        "company_name": Text(|row| some(&row.company_name)),
        "symbol": Text(|row| some(row.symbol.as_str())),
        "trade_date": DateOf(|row| row.trade_date.date()),
        "hour": Count(|row| row.hour.unsigned_abs().into()),
        "datetime_high": Time(|row| &row.datetime_high),
        "highest_hourly_price": PriceOf(|row| Some(row.highest_hourly_price)),
        "datetime_low": Time(|row| &row.datetime_low),
        "lowest_hourly_price": PriceOf(|row| Some(row.lowest_hourly_price)),
        "bars": Count(|row| row.bars.into()),
        "volume": Count(|row| row.volume),
        "currency": Text(|row| row.currency.as_deref().map(Cow::from)),
        "open": PriceOf(|row| row.open),
        "close": PriceOf(|row| row.close),
        "source": Text(|row| row.source.map(name)),
        "previous_close": PriceOf(|row| row.previous_close),
    ]
}

/// Those of the bars. A bar's key is its symbol and its start, `ts`.
pub fn of_bars() -> Vec<Column<DayBar>> {
    columns![
        "symbol": Text(|row| some(row.bar.symbol.as_str())),
        "company_name": Text(|row| some(&row.bar.company_name)),
        "trade_date": DateOf(|row| row.trade_date.date()),
        "ts": Time(|row| &row.bar.ts),
        "open": PriceOf(|row| Some(row.bar.open)),
        "high": PriceOf(|row| Some(row.bar.high)),
        "low": PriceOf(|row| Some(row.bar.low)),
        "close": PriceOf(|row| Some(row.bar.close)),
        "volume": Count(|row| row.bar.volume),
        "currency": Text(|row| row.bar.currency.as_deref().map(Cow::from)),
        "source": Text(|row| row.source.map(name)),
    ]
}

/// Those of a company's day.
pub fn of_days<'d>() -> Vec<Column<CompanyDay<'d>>> {
    columns![
        "trade_date": DateOf(|day| day.hours.first().map_or(Date::ZERO, |hour| hour.trade_date.date())),
        "symbol": Text(|day| some(day.symbol.as_str())),
        "company_name": Text(|day| some(day.name)),
        "currency": Text(|day| day.currency.map(Cow::from)),
        "previous_close": PriceOf(|day| day.previous_close),
        "open": PriceOf(|day| day.open),
        "close": PriceOf(|day| day.close),
        "change": Percent(CompanyDay::change),
        "gap": Percent(CompanyDay::gap),
        "high": PriceOf(|day| Some(day.high.0)),
        "high_at": Time(|day| day.high.1),
        "low": PriceOf(|day| Some(day.low.0)),
        "low_at": Time(|day| day.low.1),
        "range": Range(CompanyDay::range),
        "bars": Count(|day| day.bars.into()),
        "volume": Count(|day| day.volume),
        "source": Text(|day| day.hours.first().and_then(|hour| hour.source).map(name)),
    ]
}

fn some(text: &str) -> Option<Cow<'_, str>> {
    Some(text.into())
}

/// The source as the CSV names it.
fn name(source: Source) -> Cow<'static, str> {
    source.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hours_have_the_columns_of_the_csv() {
        assert_eq!(of_hours().iter().map(|column| column.name).collect::<Vec<_>>(), shared::hourly_extreme::COLUMNS);
    }
}
