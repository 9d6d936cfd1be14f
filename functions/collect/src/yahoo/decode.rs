//! Decodes a reply into the bars of one session, or the reason why there are none.
//!
//! The body decides before the status: Yahoo gives its reason in the body of a 404, sends HTML pages with status 200, and
//! puts rows into the arrays that are not bars of the day.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::error::Category;
use shared::{Interval, Price, Session, Symbol, TradeDate, payload::Reason};

use super::{
    hours::{self, Row, SessionBars},
    session::sessions,
    wire::{Meta, Quote, Reply, Series},
};
use crate::{
    doubtful,
    failure::{Failure, shortened},
    source::{Day, HttpReply, Number, Ohlcv, Scope, SymbolDay},
};

/// A reply that holds a series of bars, and the instrument's time zone.
#[derive(Debug)]
pub struct Decoded {
    /// The exchange's time zone.
    pub zone: TimeZone,
    /// Whether a header said that the market is simulated.
    pub simulated: bool,
    meta: Meta,
    series: Series,
}

fn series(status: u16, body: &str) -> Result<(TimeZone, Meta, Series), Failure> {
    let reply: Reply = serde_json::from_str(body).map_err(|error| match error.classify() {
        Category::Data => unexplained(status, &format!("JSON that is not a chart: {error}")),
        _ => not_json(status, body),
    })?;
    let chart = reply.chart.ok_or_else(|| unexplained(status, NEITHER))?;
    if let Some(error) = chart.error {
        let words = [error.description, error.code].into_iter().flatten().find(|words| !words.trim().is_empty());
        let detail = words.unwrap_or_else(|| format!("status {status}, no reason given"));
        return Err(Failure::new(reason(status, &detail), detail));
    }
    let mut series = chart.result.and_then(|mut all| all.pop()).ok_or_else(|| unexplained(status, NEITHER))?;
    let meta = series.meta.take().ok_or_else(|| Failure::malformed("the reply describes no instrument"))?;
    let zone =
        meta.exchange_timezone_name.as_deref().ok_or_else(|| Failure::malformed("the reply names no time zone"))?;
    let zone = TimeZone::get(zone).map_err(|error| Failure::malformed(format!("the reply's time zone: {error}")))?;
    Ok((zone, meta, series))
}

const NEITHER: &str = "neither data nor a reason";

/// JSON without data or Yahoo's own error: the status decides. With a good one this passes, so another attempt later is
/// worthwhile.
fn unexplained(status: u16, what: &str) -> Failure {
    let reason = if is_refusal(status) { Reason::Blocked } else { by_status(status).unwrap_or(Reason::Malformed) };
    Failure::new(reason, format!("status {status} with {what}"))
}

/// The reason that a status gives by itself.
fn by_status(status: u16) -> Option<Reason> {
    match status {
        // 999 is a status of Yahoo's own, "Request denied": <https://github.com/pilwon/node-yahoo-finance/issues/53>.
        401 | 403 | 429 | 600.. => Some(Reason::Blocked),
        500.. => Some(Reason::Unavailable),
        _ => None,
    }
}

/// Whether the status, without Yahoo's own error beside it, refuses the client: each of those of which Yahoo's endpoint
/// makes no other use. Whether it refuses the symbol alone is found out by the reference symbol.
fn is_refusal(status: u16) -> bool {
    by_status(status) == Some(Reason::Blocked)
        || (400..500).contains(&status) && ![400, 404, 408, 422].contains(&status)
}

/// The reason behind an error that Yahoo describes.
fn reason(status: u16, description: &str) -> Reason {
    by_status(status).unwrap_or(match status {
        _ if description.contains("No data found") => Reason::UnknownSymbol,
        _ if description.contains("Data doesn't exist") => Reason::NoTrades,
        _ if description.contains("must be within the last") => Reason::TooOld,
        404 => Reason::UnknownSymbol,
        _ => Reason::Refused,
    })
}

/// The failure behind a body that is not JSON: a page or text of the proxies in front of Yahoo.
fn not_json(status: u16, body: &str) -> Failure {
    let (text, lower) = (body.trim(), body.to_lowercase());
    let start: String = text.chars().take(80).collect::<String>().replace(['\r', '\n'], " ");
    if is_refusal(status) || lower.contains("too many requests") {
        return Failure::new(Reason::Blocked, format!("status {status}: {start}"));
    }
    let page = text.starts_with('<') && !lower.contains("will be right back");
    match status {
        200..400 if page => {
            Failure::new(Reason::Blocked, format!("status {status} with a page in place of data: {start}"))
        }
        300..400 => Failure::new(Reason::Blocked, format!("status {status}: sent elsewhere")),
        _ if text.is_empty() => Failure::new(Reason::Unavailable, format!("status {status} with an empty body")),
        _ => Failure::new(Reason::Unavailable, format!("status {status} with a body that is not a chart: {start}")),
    }
}

impl Decoded {
    /// Decodes a reply of any status.
    ///
    /// # Errors
    /// The reason why the reply holds no series.
    pub fn of(reply: &HttpReply) -> Result<Self, Failure> {
        let HttpReply { status, body, simulated, .. } = reply;
        let decoded =
            series(*status, body).map(|(zone, meta, series)| Self { zone, simulated: *simulated, meta, series });
        decoded.map_err(|failure| Failure { simulated: *simulated, ..failure })
    }

    /// The regular sessions that the reply lists, which may include days that were not requested.
    pub fn sessions(&self) -> Vec<Session> {
        let listed = self.meta.trading_periods.iter().flat_map(|periods| periods.regular());
        let current = self.meta.current_trading_period.as_ref().and_then(|current| current.regular);
        sessions(listed, current, &self.zone)
    }

    /// The bars of `trade_date`.
    ///
    /// # Errors
    /// Why there are none: nothing traded, the session has not ended, or the reply is not about what was requested.
    pub fn day(self, symbol: &Symbol, day: Day) -> Result<SymbolDay, Failure> {
        let (simulated, zone) = (self.simulated, Some(self.zone.clone()));
        self.regular_session(symbol, day).map_err(|failure| Failure { simulated, zone, ..failure })
    }

    fn regular_session(self, symbol: &Symbol, day: Day) -> Result<SymbolDay, Failure> {
        let Day { trade_date, interval, scope } = day;
        self.check(symbol, interval)?;
        if self.is_shell() {
            let what = "Yahoo has no prices under this name: delisted, moved to another exchange, or never traded";
            return Err(Failure::new(Reason::NotTradedHere, what));
        }
        let session = self.sessions().into_iter().find(|session| session.trade_date == trade_date);
        let Some(session) = session else {
            return Err(match &self.series.timestamp {
                Some(rows) if rows.iter().any(|row| self.is_on(*row, trade_date)) => {
                    Failure::malformed(format!("the reply has rows of {trade_date} and no trading period for it"))
                }
                _ => Failure::new(Reason::NoSession, format!("no session on {trade_date}")),
            });
        };
        let SessionBars { session, expected, bars, outside, over_at, mut remarks } =
            hours::bars_of(session, &self.rows(), interval, scope.until());
        if let Scope::Whole { now } = scope
            && now < over_at
        {
            let ends = over_at.to_zoned(session.zone).strftime("%H:%M %Z").to_string();
            return Err(Failure {
                session_ends_at: Some(over_at),
                ..Failure::new(
                    Reason::SessionNotOver,
                    format!("the session of {trade_date} ends at {ends}; run again after that"),
                )
            });
        }
        if bars.is_empty() && matches!(scope, Scope::Whole { .. }) {
            let why = remarks.into_iter().map(|remark| format!("; {}", remark.detail)).collect::<String>();
            return Err(Failure::new(Reason::NoTrades, format!("no trades in the session of {trade_date}{why}")));
        }
        let doubtful = doubtful::of(&bars);
        remarks.extend(doubtful::remark(&doubtful, &session));
        let previous_close = self.previous_close(&bars);
        let bars = match scope {
            Scope::Whole { .. } => bars,
            Scope::Window(window) => {
                bars.into_iter().filter(|bar| bar.start + interval.duration() > window.from).collect()
            }
        };
        let name = self.meta.long_name.or(self.meta.short_name).map(shortened);
        let currency = self.meta.currency.map(shortened);
        let simulated = self.simulated;
        Ok(SymbolDay { session, expected, bars, outside, doubtful, remarks, name, currency, previous_close, simulated })
    }

    /// The close before the window, which begins with the day. One that reaches to a fifth, or five times, the first price is
    /// of another scale, as of a day before a split, and no previous close: `sql/hourly_extremes.sql` has the same rule.
    fn previous_close(&self, bars: &[Ohlcv]) -> Option<Price> {
        let (close, open) = (self.meta.chart_previous_close?.price()?, bars.first()?.open.get());
        (5.0 * close.get() > open && close.get() < 5.0 * open).then_some(close)
    }

    /// Whether the reply is about a name without an instrument, which has no rows and neither currency nor latest price, or
    /// Yahoo's own exchange `YHD`. Such a shell lists the session of New York, whatever its exchange was. Seen for CAPIO.ST
    /// (<https://github.com/scheb/yahoo-finance-api>, tests/ApiClient/fixtures). A currency alone is missing of living ones,
    /// too: LUCYW (<https://github.com/gadicc/yahoo-finance2>, tests/fixtures).
    fn is_shell(&self) -> bool {
        let Meta { currency, regular_market_price, exchange_name, .. } = &self.meta;
        let has_rows = self.series.timestamp.as_ref().is_some_and(|rows| !rows.is_empty());
        let is_nameless = currency.is_none() && regular_market_price.is_none_or(|price| price.price().is_none());
        !has_rows && (is_nameless || exchange_name.as_deref() == Some("YHD"))
    }

    /// Yahoo may send longer bars than were requested, without an error.
    fn check(&self, symbol: &Symbol, interval: Interval) -> Result<(), Failure> {
        let about = self.meta.symbol.as_deref().unwrap_or("no symbol");
        let granularity = self.meta.data_granularity.as_deref().unwrap_or("no length");
        if is_same_instrument(about, symbol) && granularity.parse() == Ok(interval) {
            return Ok(());
        }
        Err(Failure::malformed(format!(
            "requested {symbol} in bars of {interval}, got {about} in bars of {granularity}"
        )))
    }

    fn is_on(&self, row: Number, trade_date: TradeDate) -> bool {
        row.timestamp().is_some_and(|at| at.to_zoned(self.zone.clone()).date() == trade_date.date())
    }

    fn is_extended(&self, at: Timestamp) -> bool {
        self.meta.trading_periods.as_ref().is_some_and(|periods| periods.is_extended(at))
    }

    /// The rows that have a time, without those of pre- and post-market trading where that is listed.
    fn rows(&self) -> Vec<Row> {
        let nothing = Quote::default();
        let quote = self.series.indicators.as_ref().and_then(|all| all.quote.first()).unwrap_or(&nothing);
        let is_positive = |it: Number| it.0.is_some_and(|volume| volume > 0.0);
        let has_volume = |row: usize| number(&quote.volume, row).is_some_and(is_positive);
        let prices = [&quote.open, &quote.high, &quote.low, &quote.close];
        let has_price = |row: usize| prices.iter().any(|column| number(column, row).is_some_and(|it| it.0.is_some()));
        let row = |(row, at): (usize, &Number)| {
            let at = at.timestamp().filter(|at| !self.is_extended(*at))?;
            Some(Row { at, has_volume: has_volume(row), has_price: has_price(row), bar: bar(quote, row, at) })
        };
        self.series.timestamp.iter().flatten().enumerate().filter_map(row).collect()
    }
}

/// Whether a reply about one symbol answers a request for another. A currency pair with the dollar first has two names,
/// `USDJPY=X` and `JPY=X`, and a request by either may be answered by the other:
/// <https://github.com/sstrickx/yahoofinance-api/issues/172>.
fn is_same_instrument(about: &str, requested: &Symbol) -> bool {
    fn by_one_name(symbol: &str) -> &str {
        symbol.strip_prefix("USD").filter(|rest| rest.len() == 5 && rest.ends_with("=X")).unwrap_or(symbol)
    }
    by_one_name(&about.to_ascii_uppercase()) == by_one_name(requested.as_str())
}

fn number(column: &Option<Vec<Number>>, row: usize) -> Option<Number> {
    column.as_ref()?.get(row).copied()
}

/// A row as a bar, unless a value is missing or open or close lie outside of low to high.
fn bar(quote: &Quote, row: usize, start: Timestamp) -> Option<Ohlcv> {
    let price = |column| number(column, row).and_then(Number::price);
    let (open, high) = (price(&quote.open)?, price(&quote.high)?);
    let (low, close) = (price(&quote.low)?, price(&quote.close)?);
    let volume = number(&quote.volume, row)?.count()?;
    let in_range = |price| low <= price && price <= high;
    (in_range(open) && in_range(close)).then_some(Ohlcv { start, open, high, low, close, volume })
}

#[cfg(test)]
mod mutated;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
