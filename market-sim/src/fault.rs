//! The faults that can be injected into replies: what the sources and the networks in front of them send on bad days.
//!
//! The list below names them all: each fault with its name, its effect on the replies of each source that can have it, and
//! where it was observed. A page or a cut connection without the name of a source happens to both. `r#n` is issue or pull
//! request `n` of the GitHub repository `r`.
//!
//! Which request gets a fault is decided elsewhere: `--fault` or a test writes a rule (`fault_rule.rs`), which is set on
//! the market and chosen for a request in `simulated_market.rs`; `server.rs` then has the fault applied to the reply
//! (`effect.rs`), for Alpaca `alpaca/server.rs` (`alpaca/faults.rs`).

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

use shared::MarketSource;

use super::{
    alpaca::{
        Effect::{BarsError, EverySecond, PageSize, Paged, Rate, Refused, Sent, Symbol, Untraded},
        RateEffect, Standing, effects,
    },
    reply::Reply,
    request,
};
pub(super) use effect::Effect;
use effect::{
    Effect::{Alpaca, Delivery, Page, Yahoo},
    YahooEffect::{Body, Clock, Error, Fixed, Query, Rows},
};
pub(super) use pages::{CONSENT, CONSENT_PATH};

macro_rules! faults {
    ($($(#[$doc:meta])+ $kind:ident $name:literal $($effect:expr),+;)+) => {
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

            /// What it does to a reply, for each source that can have it.
            fn effects(self) -> &'static [Effect] {
                match self {
                    $(Self::$kind => const { &[$($effect),+] },)+
                }
            }
        }
    };
}

faults! {
    /// A few inner rows are null in all five columns: one of Yahoo's two encodings of a bar without a trade.
    NullRows "null-rows" Yahoo(Rows(rows::null));
    /// Some rows have one null among their five columns. Volume without prices was seen in 2026 (yfinance commit bac8c4a0).
    PartialRows "partial-rows" Yahoo(Rows(rows::partial));
    /// Some prices are the strings "NaN", "Infinity" or "-Infinity". Seen for PADEF (yahoo_finance_api commit d102cb6).
    NotANumber "not-a-number" Yahoo(Rows(rows::not_a_number));
    /// All prices are whole and sent as integers. Yahoo does so with every price that happens to be whole.
    Integers "integers" Yahoo(Rows(rows::integers));
    /// Volumes do not fit into 32 bits, as those of cryptocurrencies and the cheapest shares.
    HugeVolume "huge-volume" Yahoo(Rows(rows::huge_volume));
    /// The columns are three rows shorter than `timestamp`. node-yahoo-finance2 checks for it and reports it.
    ShortColumns "short-columns" Yahoo(Body(shape::short_columns));
    /// Some rows come twice. Seen for the last bar (yfinance#1217, yfinance#2122).
    DuplicateRows "duplicate-rows" Yahoo(Rows(rows::duplicate));
    /// The rows come in no order. Not seen, but nothing promises an order.
    ShuffledRows "shuffled-rows" Yahoo(Rows(rows::shuffled));
    /// The last row is the close at exactly the session's end: on the grid and without volume (yfinance#1585).
    ClosingRow "closing-row" Yahoo(Rows(trailing_row::closing));
    /// The last row is the latest price inside the session: off the grid and without volume. Seen whenever a session is
    /// open; here it is present afterwards, too.
    LiveRow "live-row" Yahoo(Rows(trailing_row::live));
    /// The last row is the close of the following day, after the window (gadicc/yahoo-finance2#531).
    ForeignRow "foreign-row" Yahoo(Rows(trailing_row::foreign));
    /// Some rows have a price of 0 or below. Lows of 0 were seen for VFINX.
    ZeroPrices "zero-prices" Yahoo(Rows(rows::zero_prices));
    /// Some rows have their high below their low, others their open above their high. An open below the low was seen for VFINX.
    /// Alpaca: an open above the high, seen in old bars (forum.alpaca.markets topic 7054).
    CrossedPrices "crossed-prices" Yahoo(Rows(rows::crossed_prices)), Alpaca(Symbol(effects::crossed_prices));
    /// There is one bar only, as for a symbol that hardly trades.
    OneBar "one-bar" Yahoo(Rows(rows::one_bar));
    /// A split of ten for one, with one inner row that is null: prices are split-adjusted as of the request
    /// (yfinance's documentation of price repair).
    Split "split" Yahoo(Rows(rows::split));
    /// The last bar's low and close are a hundredth of what they should be, without volume: pounds among pence (yfinance#1110).
    PoundsAmongPence "pounds-among-pence" Yahoo(Rows(rows::pounds_among_pence));
    /// The first bar has no volume beside a range of a tenth of the price. Seen for the first row of a window
    /// (xemwebe/yahoo_finance_api#22).
    FirstRowNoVolume "first-row-no-volume" Yahoo(Rows(rows::first_row_no_volume));
    /// Some traded rows are 17 seconds late, off the grid. Not seen, but nothing promises the grid.
    RowsOffGrid "rows-off-grid" Yahoo(Rows(rows::off_grid));
    /// The last row is the closing auction, at exactly the session's end, with volume and a price above the day's high
    /// (yfinance#2806).
    ClosingAuction "closing-auction" Yahoo(Rows(trailing_row::auction));
    /// The last dozen bars are missing; without a duration in the rule, from the first reply only. Five of AAPL's bars were
    /// missing an hour after the close of 2025-10-10.
    ShortAtFirst "short-at-first" Yahoo(Rows(trailing_row::without_the_end));

    /// No `timestamp`, and `quote` is `[{}]`: nothing was traded in the window.
    NoTimestamp "no-timestamp" Yahoo(Body(shape::no_timestamp));
    /// `timestamp` and the columns are empty lists: what Yahoo sent until about 2019 when nothing was traded.
    EmptyColumns "empty-columns" Yahoo(Body(shape::empty_columns));
    /// `result` is an empty list, without an error. Libraries guard against it.
    EmptyResult "empty-result" Yahoo(Body(shape::empty_result));
    /// `result` and `error` are both null. Libraries guard against it.
    NullResult "null-result" Yahoo(Body(shape::null_result));
    /// `chart` is null (yfinance#2670).
    NullChart "null-chart" Yahoo(Body(shape::null_chart));
    /// A name without an instrument: no currency, Yahoo's own exchange, New York's hours. Seen for CAPIO.ST and MT.PA, which moved.
    DeadListing "dead-listing" Yahoo(Body(shape::dead_listing));
    /// No `meta`. Not seen, but nothing promises it.
    NoMeta "no-meta" Yahoo(Body(shape::no_meta));
    /// No trading periods in `meta`, neither those of the window nor the current ones. Seen in one of 49 replies.
    NoPeriods "no-periods" Yahoo(Body(shape::no_periods));
    /// The same prices in another unit: a hundredth in `GBP` where they were in `GBp`, else nine tenths in `EUR`.
    OtherCurrency "other-currency" Yahoo(Body(shape::other_currency));
    /// Trading periods end a minute too early. Seen for what trades around the clock, whose day "ends" at 23:59.
    PeriodShort "period-short" Yahoo(Body(shape::period_short));
    /// Trading periods are an hour late, as where a country has changed its summer time and Yahoo has not.
    PeriodHourLate "period-hour-late" Yahoo(Body(shape::period_hour_late));
    /// Trading periods are an hour early.
    PeriodHourEarly "period-hour-early" Yahoo(Body(shape::period_hour_early));
    /// Trading periods begin seven minutes late, off the grid of the bars, which keep to the clock.
    OpenOffGrid "open-off-grid" Yahoo(Body(shape::open_off_grid));
    /// The trading period is the last 24 hours and another 15 seconds: the session is still going on.
    StillOpen "still-open" Yahoo(Clock(shape::still_open));
    /// Trading periods in the shape of `includePrePost=true`, though the request did not have it.
    ExtendedPeriods "extended-periods" Yahoo(Body(shape::extended_periods));
    /// Trading periods are `{"pre":[],"post":[]}`, and there are no current ones.
    EmptyPeriods "empty-periods" Yahoo(Body(shape::empty_periods));
    /// Bars of an hour, as `dataGranularity` says, though the request was for shorter ones. Seen for `interval=30m` and `range=max`.
    CoarserBars "coarser-bars" Yahoo(Query(request::Query::hourly));
    /// `meta` names another symbol. Seen for symbols that were renamed. Alpaca: the bars come under another symbol than was
    /// requested. Seen for `BCpC`, a preferred share, answered as `BCPC`.
    OtherSymbol "other-symbol" Yahoo(Body(shape::other_symbol)), Alpaca(Symbol(effects::other_symbol));

    /// 404: unknown, delisted or renamed. Alpaca: left out of the bars, and no asset.
    NotFound "not-found" Yahoo(Error(error_replies::not_found)), Alpaca(Untraded(Standing::Unknown));
    /// 400: the window lies before the listing.
    NotListedYet "not-listed-yet" Yahoo(Error(error_replies::not_listed_yet));
    /// 422: the window is older than the bars that Yahoo keeps.
    TooOld "too-old" Yahoo(Error(error_replies::too_old));
    /// 400: a parameter is invalid, or to Alpaca unknown (ccxt#30117).
    BadRequest "bad-request" Yahoo(Error(error_replies::bad_request)), Alpaca(Refused(effects::unexpected_parameter));
    /// 401, in an envelope called `finance`. Seen on other endpoints without a crumb. Alpaca: the key is refused, as its OpenAPI
    /// document says of either host and its trading API does.
    Unauthorized "unauthorized" Yahoo(Fixed(pages::UNAUTHORIZED)), Alpaca(Refused(effects::unauthorized));

    /// 429 `Too Many Requests`, which is not JSON (yfinance#2125, yfinance#2128). Alpaca: JSON, with the headers of the rate
    /// limit (kzhdev/alpaca_zorro_plugin#11).
    TooManyRequests "too-many-requests" Yahoo(Fixed(pages::TOO_MANY_REQUESTS)), Alpaca(Rate(RateEffect::Exceeded));
    /// 429 `Edge: Too Many Requests`: the user agent is rejected, however few its requests.
    EdgeTooManyRequests "edge-too-many-requests" Yahoo(Fixed(pages::EDGE_TOO_MANY_REQUESTS));
    /// `Too Many Requests` with status 200. yahoo_finance_api checks for it.
    TooManyRequestsAsOk "too-many-requests-as-ok" Yahoo(Fixed(pages::TOO_MANY_REQUESTS_AS_OK));
    /// 403 and an HTML page of the network's edge. Not recorded, but usual there. Alpaca: JSON, the key is refused
    /// (alpacahq/Alpaca-API#228).
    Forbidden "forbidden" Yahoo(Fixed(pages::FORBIDDEN)), Alpaca(Refused(effects::forbidden));
    /// 999 `Request denied` and an HTML page (pilwon/node-yahoo-finance#53).
    RequestDenied "request-denied" Yahoo(Fixed(pages::REQUEST_DENIED));
    /// 200 and the cookie consent page for Europe.
    ConsentPage "consent-page" Yahoo(Fixed(pages::CONSENT));
    /// 302 to that page.
    Redirect "redirect" Yahoo(Fixed(pages::REDIRECT));

    /// 200 and the page `Will be right back...`: an outage (yfinance checks for it).
    RightBack "right-back" Yahoo(Fixed(pages::RIGHT_BACK));
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
    /// 500, as JSON. Seen for a single symbol, repeatedly (yfinance#2721), and of Alpaca for heavy queries
    /// (alpacahq/alpaca-trade-api-python#392).
    InternalError "internal-error" Yahoo(Error(error_replies::internal_error)), Alpaca(Refused(effects::internal_error));
    /// 502 and an HTML page.
    BadGateway "bad-gateway" Page(pages::BAD_GATEWAY);
    /// 503 and an HTML page.
    Unavailable "unavailable" Page(pages::UNAVAILABLE);
    /// No reply for a minute; then the connection is closed.
    Stalled "stalled" Delivery(Reply::stalled);

    /// 400 that names one symbol of a request, in place of the bars of all of them. Seen for `BRK-B`.
    InvalidSymbol "invalid-symbol" Alpaca(BarsError(effects::invalid_symbol));
    /// The same with `code=400, message=` before it, as a public client's test has it.
    InvalidSymbolPrefixed "invalid-symbol-prefixed" Alpaca(BarsError(effects::invalid_symbol_prefixed));
    /// 422 in place of a 400: a parameter is invalid. In Alpaca's documentation of 2022.
    Unprocessable "unprocessable" Alpaca(Refused(effects::unprocessable));
    /// 403: `end` is too recent for the plan (kzhdev/alpaca_zorro_plugin#11, bennycode/trading-signals#1375).
    TooRecent "too-recent" Alpaca(BarsError(effects::too_recent));
    /// The same with a code, the older form that Alpaca's market data FAQ shows.
    TooRecentCode "too-recent-code" Alpaca(BarsError(effects::too_recent_code));
    /// 403 and an HTML page of nginx: the key is refused (alpacahq/alpaca-trade-api-csharp#244).
    ForbiddenPage "forbidden-page" Alpaca(Sent(pages::FORBIDDEN_BY_NGINX));
    /// 401 to every second request: key errors that come and go (alpacahq/Alpaca-API#118).
    KeyComesAndGoes "key-comes-and-goes" Alpaca(EverySecond(effects::unauthorized));
    /// 429 without the headers of the rate limit, which nobody has recorded beside a 429.
    TooManyRequestsBare "too-many-requests-bare" Alpaca(Rate(RateEffect::ExceededWithoutHeaders));
    /// The free plan's limit of 200 requests a minute is enforced: then 429 until the bucket has refilled.
    RateLimit "rate-limit" Alpaca(Rate(RateEffect::Enforced { cost: 1 }));
    /// The same while another process with the same key makes nine of ten requests (forum.alpaca.markets topic 11614).
    SharedKey "shared-key" Alpaca(Rate(RateEffect::Enforced { cost: 10 }));
    /// 504 and an HTML page. Alpaca's Python client repeats such requests.
    GatewayTimeout "gateway-timeout" Page(pages::GATEWAY_TIMEOUT);
    /// `bars` is null (alpacahq/alpaca-trade-api-python#478).
    NullBars "null-bars" Alpaca(Paged(effects::null_bars));
    /// A symbol's list of bars is null. Alpaca's Python client guards against it.
    NullSymbol "null-symbol" Alpaca(Symbol(effects::null_symbol));
    /// A symbol that is listed is left out (alpacahq/alpaca-trade-api-python#528).
    MissingSymbol "missing-symbol" Alpaca(Symbol(effects::missing_symbol));
    /// A symbol without bars whose asset is inactive: delisted, or renamed.
    Delisted "delisted" Alpaca(Untraded(Standing::Inactive));
    /// A symbol without bars whose asset is traded over the counter, which another feed has (Alpaca's market data FAQ).
    OverTheCounter "over-the-counter" Alpaca(Untraded(Standing::OverTheCounter));
    /// Bars of a symbol that was not requested, beside the others. Seen for `BCpC`.
    ForeignSymbol "foreign-symbol" Alpaca(Paged(effects::foreign_symbol));
    /// All bars are missing but the first of each hour. Seen for the minutes of 2018-05-02 and 2018-05-03 (alpaca-py#803).
    LostMinutes "lost-minutes" Alpaca(Symbol(effects::lost_minutes));
    /// Some lows are lower on the day itself than from the next day on. Seen for EDSA (forum.alpaca.markets topic 16170).
    CorrectedOvernight "corrected-overnight" Alpaca(Symbol(effects::corrected_overnight));
    /// Pages of seven bars, whatever the limit, so that they cut symbols (ccxt#30117, alpacahq/alpaca-trade-api-csharp#473).
    ShortPages "short-pages" Alpaca(PageSize(7));
    /// The first page has no bars, and the token of another. Not seen, but the documentation makes the token alone the end.
    EmptyFirstPage "empty-first-page" Alpaca(Paged(effects::empty_first_page));
    /// Every page has the token of itself. Not seen, but public clients guard against it.
    RepeatedToken "repeated-token" Alpaca(Paged(effects::repeated_token));
}

impl Fault {
    /// What it does to a reply of `source`; `None` where such a reply cannot have it.
    pub(crate) fn effect_on(self, source: MarketSource) -> Option<Effect> {
        self.effects().iter().copied().find(|effect| effect.is_of(source))
    }

    /// Whether replies of `source` can have it. A rule with another fault leaves them as they are.
    pub fn is_of(self, source: MarketSource) -> bool {
        self.effect_on(source).is_some()
    }
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
