//! What becomes of a symbol with a fault over Alpaca, whose requests are for many symbols at once.

use market_sim::Fault;
use shared::{MarketSource, payload::Reason};

use super::Tenth;

/// Faults that befall a key or the whole source, or that a single symbol shows as others do: `alpaca` has them.
const ELSEWHERE: [Fault; 9] = [
    Fault::Unauthorized,
    Fault::Forbidden,
    Fault::ForbiddenPage,
    Fault::KeyComesAndGoes,
    Fault::TooManyRequests,
    Fault::TooManyRequestsBare,
    Fault::TooRecent,
    Fault::TooRecentCode,
    Fault::NullBars,
];

pub fn tenth(fault: Fault) -> Tenth {
    use Fault as F;
    match fault {
        F::ForeignSymbol | F::ShortPages | F::EmptyFirstPage | F::Stalled => Tenth::Complete,
        F::RateLimit | F::SharedKey | F::CorrectedOvernight => Tenth::Complete,
        F::CrossedPrices | F::LostMinutes => Tenth::Short,
        F::NotFound => Tenth::Failed(Reason::UnknownSymbol, "the market lists no Q"),
        F::InvalidSymbol | F::InvalidSymbolPrefixed => Tenth::Failed(Reason::UnknownSymbol, "invalid symbol: Q"),
        F::Delisted => Tenth::Failed(Reason::NotTradedHere, "delisted, or has another symbol"),
        F::OverTheCounter => Tenth::Failed(Reason::NotTradedHere, "over the counter"),
        F::MissingSymbol | F::NullSymbol | F::OtherSymbol => {
            Tenth::Failed(Reason::NoTrades, "no trades in the session of")
        }
        F::BadRequest => Tenth::Failed(Reason::Refused, "unexpected query parameter(s)"),
        F::Unprocessable => Tenth::Failed(Reason::Refused, "invalid timeframe"),
        F::RepeatedToken => Tenth::Failed(Reason::Malformed, "the pages of bars have no end"),
        F::NotJson | F::EmptyBody | F::Truncated => Tenth::Failed(Reason::Malformed, "not a page of bars"),
        F::CutOff | F::Reset => Tenth::Failed(Reason::Unavailable, "error"),
        F::InternalError => Tenth::Failed(Reason::Unavailable, "internal server error occurred"),
        F::BadGateway => Tenth::Failed(Reason::Unavailable, "status 502"),
        F::Unavailable => Tenth::Failed(Reason::Unavailable, "status 503"),
        F::GatewayTimeout => Tenth::Failed(Reason::Unavailable, "status 504"),
        fault => {
            assert!(
                ELSEWHERE.contains(&fault) || !fault.is_of(MarketSource::ALPACA),
                "add what becomes of a symbol with {fault} over Alpaca"
            );
            Tenth::Elsewhere
        }
    }
}
