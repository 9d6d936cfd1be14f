//! The faults that can be injected into replies: what Yahoo and the network in front of it send on bad days.
//!
//! The list below names them all: each fault with its name, its effect, and where it was observed. `r#n` is issue or
//! pull request `n` of the GitHub repository `r`.
//!
//! Which request gets a fault is decided elsewhere: `--fault` or a test writes a rule (`fault_rule.rs`), which is set on
//! the market and chosen for a request in `simulated_market.rs`; `server.rs` then has the fault applied to the reply
//! (`effect.rs`).

mod effect;
mod error_replies;
mod pages;
mod reply_rows;
mod rows;
mod shape;
mod trailing_row;

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use super::{reply::Reply, request};
use effect::Effect::{self, Body, Clock, Delivery, Error, Page, Query, Rows};
pub(super) use pages::{CONSENT, CONSENT_PATH};

macro_rules! faults {
    ($($(#[$doc:meta])+ $kind:ident $name:literal $effect:expr;)+) => {
        /// A fault of a reply. Faults that change the rows or the shape of a reply do not affect replies without bars.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$doc])+ $kind,)+
        }

        impl Fault {
            /// Every fault, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// Its name in a fault rule, such as `null-rows`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            fn effect(self) -> Effect {
                match self {
                    $(Self::$kind => $effect,)+
                }
            }
        }
    };
}

faults! {
    /// A few inner rows are null in all five columns: one of Yahoo's two encodings of a bar without a trade.
    NullRows "null-rows" Rows(rows::null);
    /// Some rows have one null among their five columns. Volume without prices was seen in 2026 (yfinance commit bac8c4a0).
    PartialRows "partial-rows" Rows(rows::partial);
    /// Some prices are the strings "NaN", "Infinity" or "-Infinity". Seen for PADEF (yahoo_finance_api commit d102cb6).
    NotANumber "not-a-number" Rows(rows::not_a_number);
    /// All prices are whole and sent as integers. Yahoo does so with every price that happens to be whole.
    Integers "integers" Rows(rows::integers);
    /// Volumes do not fit into 32 bits, as those of cryptocurrencies and the cheapest shares.
    HugeVolume "huge-volume" Rows(rows::huge_volume);
    /// The columns are three rows shorter than `timestamp`. node-yahoo-finance2 checks for it and reports it.
    ShortColumns "short-columns" Body(shape::short_columns);
    /// Some rows come twice. Seen for the last bar (yfinance#1217, yfinance#2122).
    DuplicateRows "duplicate-rows" Rows(rows::duplicate);
    /// The rows come in no order. Not seen, but nothing promises an order.
    ShuffledRows "shuffled-rows" Rows(rows::shuffled);
    /// The last row is the close at exactly the session's end: on the grid and without volume (yfinance#1585).
    ClosingRow "closing-row" Rows(trailing_row::closing);
    /// The last row is the latest price inside the session: off the grid and without volume. Seen whenever a session is
    /// open; here it is present afterwards, too.
    LiveRow "live-row" Rows(trailing_row::live);
    /// The last row is the close of the following day, after the window (gadicc/yahoo-finance2#531).
    ForeignRow "foreign-row" Rows(trailing_row::foreign);
    /// Some rows have a price of 0 or below. Lows of 0 were seen for VFINX.
    ZeroPrices "zero-prices" Rows(rows::zero_prices);
    /// Some rows have their high below their low, others their open above their high. An open below the low was seen for VFINX.
    CrossedPrices "crossed-prices" Rows(rows::crossed_prices);
    /// There is one bar only, as for a symbol that hardly trades.
    OneBar "one-bar" Rows(rows::one_bar);
    /// A split of ten for one, with one inner row that is null: prices are split-adjusted as of the request
    /// (yfinance's documentation of price repair).
    Split "split" Rows(rows::split);
    /// The last bar's low and close are a hundredth of what they should be, without volume: pounds among pence (yfinance#1110).
    PoundsAmongPence "pounds-among-pence" Rows(rows::pounds_among_pence);
    /// The first bar has no volume beside a range of a tenth of the price. Seen for the first row of a window
    /// (xemwebe/yahoo_finance_api#22).
    FirstRowNoVolume "first-row-no-volume" Rows(rows::first_row_no_volume);
    /// Some traded rows are 17 seconds late, off the grid. Not seen, but nothing promises the grid.
    RowsOffGrid "rows-off-grid" Rows(rows::off_grid);
    /// The last row is the closing auction, at exactly the session's end, with volume and a price above the day's high
    /// (yfinance#2806).
    ClosingAuction "closing-auction" Rows(trailing_row::auction);
    /// The last dozen bars are missing; without a duration in the rule, from the first reply only. Five of AAPL's bars were
    /// missing an hour after the close of 2025-10-10.
    ShortAtFirst "short-at-first" Rows(trailing_row::without_the_end);

    /// No `timestamp`, and `quote` is `[{}]`: nothing was traded in the window.
    NoTimestamp "no-timestamp" Body(shape::no_timestamp);
    /// `timestamp` and the columns are empty lists: what Yahoo sent until about 2019 when nothing was traded.
    EmptyColumns "empty-columns" Body(shape::empty_columns);
    /// `result` is an empty list, without an error. Libraries guard against it.
    EmptyResult "empty-result" Body(shape::empty_result);
    /// `result` and `error` are both null. Libraries guard against it.
    NullResult "null-result" Body(shape::null_result);
    /// `chart` is null (yfinance#2670).
    NullChart "null-chart" Body(shape::null_chart);
    /// A name without an instrument: no currency, Yahoo's own exchange, New York's hours. Seen for CAPIO.ST and MT.PA, which moved.
    DeadListing "dead-listing" Body(shape::dead_listing);
    /// No `meta`. Not seen, but nothing promises it.
    NoMeta "no-meta" Body(shape::no_meta);
    /// No trading periods in `meta`, neither those of the window nor the current ones. Seen in one of 49 replies.
    NoPeriods "no-periods" Body(shape::no_periods);
    /// The same prices in another unit: a hundredth in `GBP` where they were in `GBp`, else nine tenths in `EUR`.
    OtherCurrency "other-currency" Body(shape::other_currency);
    /// Trading periods end a minute too early. Seen for what trades around the clock, whose day "ends" at 23:59.
    PeriodShort "period-short" Body(shape::period_short);
    /// Trading periods are an hour late, as where a country has changed its summer time and Yahoo has not.
    PeriodHourLate "period-hour-late" Body(shape::period_hour_late);
    /// Trading periods are an hour early.
    PeriodHourEarly "period-hour-early" Body(shape::period_hour_early);
    /// Trading periods begin seven minutes late, off the grid of the bars, which keep to the clock.
    OpenOffGrid "open-off-grid" Body(shape::open_off_grid);
    /// The trading period is the last 24 hours and another 15 seconds: the session is still going on.
    StillOpen "still-open" Clock(shape::still_open);
    /// Trading periods in the shape of `includePrePost=true`, though the request did not have it.
    ExtendedPeriods "extended-periods" Body(shape::extended_periods);
    /// Trading periods are `{"pre":[],"post":[]}`, and there are no current ones.
    EmptyPeriods "empty-periods" Body(shape::empty_periods);
    /// Bars of an hour, as `dataGranularity` says, though the request was for shorter ones. Seen for `interval=30m` and `range=max`.
    CoarserBars "coarser-bars" Query(request::Query::hourly);
    /// `meta` names another symbol. Seen for symbols that were renamed.
    OtherSymbol "other-symbol" Body(shape::other_symbol);

    /// 404: unknown, delisted or renamed.
    NotFound "not-found" Error(error_replies::not_found);
    /// 400: the window lies before the listing.
    NotListedYet "not-listed-yet" Error(error_replies::not_listed_yet);
    /// 422: the window is older than the bars that Yahoo keeps.
    TooOld "too-old" Error(error_replies::too_old);
    /// 400: a parameter is invalid.
    BadRequest "bad-request" Error(error_replies::bad_request);
    /// 401, in an envelope called `finance`. Seen on other endpoints without a crumb.
    Unauthorized "unauthorized" Page(pages::UNAUTHORIZED);

    /// 429 `Too Many Requests`, which is not JSON (yfinance#2125, yfinance#2128).
    TooManyRequests "too-many-requests" Page(pages::TOO_MANY_REQUESTS);
    /// 429 `Edge: Too Many Requests`: the user agent is rejected, however few its requests.
    EdgeTooManyRequests "edge-too-many-requests" Page(pages::EDGE_TOO_MANY_REQUESTS);
    /// `Too Many Requests` with status 200. yahoo_finance_api checks for it.
    TooManyRequestsAsOk "too-many-requests-as-ok" Page(pages::TOO_MANY_REQUESTS_AS_OK);
    /// 403 and an HTML page of the network's edge. Not recorded, but usual there.
    Forbidden "forbidden" Page(pages::FORBIDDEN);
    /// 999 `Request denied` and an HTML page (pilwon/node-yahoo-finance#53).
    RequestDenied "request-denied" Page(pages::REQUEST_DENIED);
    /// 200 and the cookie consent page for Europe.
    ConsentPage "consent-page" Page(pages::CONSENT);
    /// 302 to that page.
    Redirect "redirect" Page(pages::REDIRECT);

    /// 200 and the page `Will be right back...`: an outage (yfinance checks for it).
    RightBack "right-back" Page(pages::RIGHT_BACK);
    /// 200 and an empty body. yahoo_finance_api checks for it.
    EmptyBody "empty-body" Page(pages::EMPTY);
    /// 200 and a sentence, with the content type of JSON.
    NotJson "not-json" Page(pages::NOT_JSON);
    /// The first half of the body, with a matching `Content-Length`.
    Truncated "truncated" Delivery(Reply::halved);
    /// The first half of the body; then the connection is closed, short of the `Content-Length`.
    CutOff "cut-off" Delivery(Reply::cut_off);
    /// The connection is closed without a reply.
    Reset "reset" Delivery(Reply::reset);
    /// 500, as JSON. Seen for a single symbol, repeatedly (yfinance#2721).
    InternalError "internal-error" Error(error_replies::internal_error);
    /// 502 and an HTML page.
    BadGateway "bad-gateway" Page(pages::BAD_GATEWAY);
    /// 503 and an HTML page.
    Unavailable "unavailable" Page(pages::UNAVAILABLE);
    /// No reply for a minute; then the connection is closed.
    Stalled "stalled" Delivery(Reply::stalled);
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text is not the name of a fault; the message lists the names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a fault: use one of {all}", all = names())]
pub struct InvalidFault(String);

impl FromStr for Fault {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = Self::ALL.iter().copied().find(|fault| fault.name() == text);
        fault.ok_or_else(|| InvalidFault(text.to_owned()))
    }
}

fn names() -> String {
    Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ")
}
