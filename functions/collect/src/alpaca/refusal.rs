//! What a reply without data means. The message decides before the status where there is one: the `code` beside it comes and
//! goes.

use shared::{Symbol, payload::Reason};

use super::wire::Problem;
use crate::{
    failure::{Failure, FailureScope},
    source::{HttpReply, ReportedRate},
};

/// Why a request brought nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// The whole request is refused because of one symbol, which cannot be one of Alpaca's.
    Symbol(Symbol, Failure),
    /// The key is not accepted.
    Key(Failure),
    /// The account's plan does not have bars as young as that.
    Plan(Failure),
    /// Requests come too fast. No block.
    Rate(ReportedRate, Failure),
    /// There is no such thing.
    NotFound(Failure),
    /// The market failed, and may answer the same request soon.
    Market(Failure),
    /// Any other reason, for which the same request would be refused again.
    Request(Failure),
}

impl Refusal {
    /// What a reply means that is not a success.
    pub fn of(reply: &HttpReply) -> Self {
        let HttpReply { status, body, simulated, rate } = reply;
        let message = serde_json::from_str::<Problem>(body).ok().map(|problem| problem.message);
        let detail = message.clone().unwrap_or_else(|| {
            let start: String = body.trim().chars().take(80).collect();
            format!("status {status} without a reason: {start}")
        });
        let failure =
            |reason, scope| Failure { simulated: *simulated, ..Failure::new(reason, detail.clone()).about(scope) };
        let message = message.unwrap_or_default();
        if let Some(symbol) = message.rsplit_once("invalid symbol: ").and_then(|(_, symbol)| symbol.parse().ok()) {
            return Self::Symbol(symbol, failure(Reason::UnknownSymbol, FailureScope::Symbol));
        }
        match status {
            403 if message.contains("subscription does not permit") => {
                let failure = failure(Reason::Unauthorized, FailureScope::Key);
                let detail = format!("{}: a free account has no bars of the last 15 minutes", failure.detail);
                Self::Plan(Failure { detail, ..failure })
            }
            401 | 403 => Self::Key(failure(Reason::Unauthorized, FailureScope::Key)),
            404 => Self::NotFound(failure(Reason::UnknownSymbol, FailureScope::Batch)),
            429 => Self::Rate(*rate, failure(Reason::Blocked, FailureScope::Source)),
            500.. => Self::Market(failure(Reason::Unavailable, FailureScope::Batch)),
            _ => Self::Request(failure(Reason::Refused, FailureScope::Batch)),
        }
    }

    /// The failure of what was requested.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Symbol(_, failure)
            | Self::Key(failure)
            | Self::Plan(failure)
            | Self::Rate(_, failure)
            | Self::NotFound(failure)
            | Self::Market(failure)
            | Self::Request(failure) => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies that public clients of the API have logged.
    #[test]
    fn the_message_decides_before_the_status() {
        for (status, body, expected) in [
            (400, r#"{"message":"invalid symbol: BRK-B"}"#, "symbol BRK-B: unknown symbol"),
            (400, r#"{"message":"code=400, message=invalid symbol: ABC123"}"#, "symbol ABC123: unknown symbol"),
            (400, r#"{"message":"unexpected query parameter(s): since"}"#, "request: refused"),
            (400, r#"{"message":"invalid page_token"}"#, "request: refused"),
            (401, r#"{"code":40110000,"message":"request is not authorized"}"#, "key: unauthorized"),
            (401, "", "key: unauthorized"),
            (403, r#"{"message":"forbidden."}"#, "key: unauthorized"),
            (403, "<html><head><title>403 Forbidden</title></head></html>", "key: unauthorized"),
            (403, r#"{"message":"subscription does not permit querying recent SIP data"}"#, "plan: unauthorized"),
            (404, r#"{"code":40410000,"message":"asset not found for ZTST"}"#, "not found: unknown symbol"),
            (422, r#"{"message":"invalid limit"}"#, "request: refused"),
            (429, r#"{"message":"too many requests."}"#, "rate: blocked"),
            (500, r#"{"message":"internal server error occurred"}"#, "market: unavailable"),
            (503, "<html>Service Unavailable</html>", "market: unavailable"),
        ] {
            let reply = HttpReply::new(status, body);
            let refusal = Refusal::of(&reply);
            let kind = match &refusal {
                Refusal::Symbol(symbol, _) => format!("symbol {symbol}"),
                Refusal::Key(_) => "key".to_owned(),
                Refusal::Plan(_) => "plan".to_owned(),
                Refusal::Rate(..) => "rate".to_owned(),
                Refusal::NotFound(_) => "not found".to_owned(),
                Refusal::Market(_) => "market".to_owned(),
                Refusal::Request(_) => "request".to_owned(),
            };
            assert_eq!(format!("{kind}: {}", refusal.into_failure().reason.label()), expected, "{status} {body}");
        }
    }
}
