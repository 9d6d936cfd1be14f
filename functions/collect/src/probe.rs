//! Whether the market answers this function: one query for the reference symbol's newest session. Nothing is written.

use shared::payload::{MarketState, Probe, Reason};

use crate::{
    failure::{Failure, FailureScope},
    invocation::Invocation,
    source::{NewestSession, Source},
};

/// Queries the market within the invocation's time.
pub async fn probe(source: &dyn Source, invocation: &Invocation) -> Probe {
    let queried = source.newest_session(&invocation.breaker(), invocation.began_at).await;
    let subject = format!("{} at {}", source.reference(), source.host());
    let probe = answer(&subject, queried);
    tracing::info!(market = ?probe.market, detail = probe.detail, "probed");
    probe
}

fn answer(subject: &str, result: Result<NewestSession, Failure>) -> Probe {
    match result {
        Ok(NewestSession { trade_date, simulated }) => Probe {
            market: MarketState::Reachable,
            detail: subject.to_owned(),
            newest_session: Some(trade_date),
            simulated,
        },
        Err(Failure { reason, scope, detail, simulated, .. }) => Probe {
            market: match reason {
                _ if scope == FailureScope::Key => MarketState::Unauthorized,
                Reason::Blocked => MarketState::Blocked,
                _ => MarketState::Unavailable,
            },
            detail: format!("{subject}: {detail}"),
            newest_session: None,
            simulated,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_says_whether_the_market_answered_blocked_or_failed() -> Result<(), Box<dyn std::error::Error>> {
        let newest = NewestSession { trade_date: "2026-11-20".parse()?, simulated: false };
        let probe = answer("SPY at example.com", Ok(newest));
        assert_eq!((probe.market, probe.newest_session), (MarketState::Reachable, Some(newest.trade_date)));
        for (reason, expected) in [
            (Reason::Blocked, MarketState::Blocked),
            (Reason::Unavailable, MarketState::Unavailable),
            (Reason::Malformed, MarketState::Unavailable),
            (Reason::UnknownSymbol, MarketState::Unavailable),
            (Reason::NotAttempted, MarketState::Unavailable),
        ] {
            let probe = answer("SPY at example.com", Err(Failure::new(reason, "status 429")));
            assert_eq!((probe.market, probe.newest_session), (expected, None), "{reason:?}");
            assert_eq!(probe.detail, "SPY at example.com: status 429");
        }
        let refused = Failure::new(Reason::Unauthorized, "forbidden.").about(FailureScope::Key);
        assert_eq!(answer("SPY at example.com", Err(refused)).market, MarketState::Unauthorized);
        Ok(())
    }
}
