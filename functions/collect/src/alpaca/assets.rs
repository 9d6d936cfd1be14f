//! What Alpaca knows of a symbol that has no bars: it leaves out what it does not know without a word.

use shared::{Symbol, TradeDate, payload::Reason};

use super::{
    client::{Alpaca, Host},
    refusal::Refusal,
    wire::Asset,
};
use crate::{
    circuit_breaker::CircuitBreaker,
    failure::{Failure, FailureScope},
};

impl Alpaca {
    /// Why a symbol has no bars of a session.
    pub(super) async fn without_bars(&self, breaker: &CircuitBreaker, symbol: &Symbol, date: TradeDate) -> Failure {
        let url = self.url(Host::Trading, &format!("/v2/assets/{symbol}"));
        let reply = match self.get(breaker, Host::Trading, url).await {
            Ok(reply) => reply,
            Err(Refusal::NotFound(failure)) => {
                let detail = format!("the market lists no {symbol}");
                return Failure { simulated: failure.simulated, ..Failure::new(Reason::UnknownSymbol, detail) };
            }
            Err(refusal) => return of_symbol(refusal.into_failure()),
        };
        let failure = match reply.json::<Asset>("an asset") {
            Err(failure) => failure,
            Ok(Asset { status, .. }) if status == "inactive" => {
                Failure::new(Reason::NotTradedHere, format!("{symbol} is delisted, or has another symbol by now"))
            }
            Ok(Asset { exchange, .. }) if exchange == "OTC" => Failure::new(
                Reason::NotTradedHere,
                format!("{symbol} trades over the counter only, not on an exchange"),
            ),
            Ok(_) => Failure::new(Reason::NoTrades, format!("no trades in the session of {date}")),
        };
        Failure { simulated: reply.simulated, zone: Some(self.settings.zone.clone()), ..of_symbol(failure) }
    }
}

/// A request for one symbol fails for that symbol, unless it would for every one.
fn of_symbol(failure: Failure) -> Failure {
    if failure.is_of_all() { failure } else { failure.about(FailureScope::Symbol) }
}
