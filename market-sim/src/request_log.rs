//! The log of the requests that the market received: for charts, and all of Alpaca's side.

use std::{collections::VecDeque, fmt};

use jiff::Timestamp;

use super::fault::Fault;

/// How many requests are kept.
const CAPACITY: usize = 10_000;

/// One request and the outcome of its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRequest {
    /// When it arrived, by the market's clock.
    pub at: Timestamp,
    /// The symbol as the client spelled it; several are joined by commas, and the calendar's is `calendar`.
    pub symbol: String,
    /// The query's `period1` as it was sent, the window's start in Unix seconds; on Alpaca's side its `start`.
    pub period1: Option<String>,
    /// The query's `period2` as it was sent, the window's end in Unix seconds; on Alpaca's side its `end`.
    pub period2: Option<String>,
    /// The HTTP status of the reply; 0 where the connection was cut.
    pub status: u16,
    /// The fault that was injected into the reply, if one was.
    pub fault: Option<Fault>,
}

/// `2026-11-20T16:00:00Z META 200 null-rows`
impl fmt::Display for LoggedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} {} {}", self.at, self.symbol.escape_debug(), self.status)?;
        self.fault.map_or(Ok(()), |fault| write!(f, " {fault}"))
    }
}

/// The latest requests, up to [`CAPACITY`].
#[derive(Debug, Default)]
pub struct RequestLog(VecDeque<LoggedRequest>);

impl RequestLog {
    /// Appends a request; drops the oldest one when the log is full.
    pub fn add(&mut self, request: LoggedRequest) {
        if self.0.len() == CAPACITY {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<LoggedRequest> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(second: i64) -> LoggedRequest {
        let at = Timestamp::from_second(second).unwrap_or_default();
        LoggedRequest { at, symbol: "META".to_owned(), period1: None, period2: None, status: 200, fault: None }
    }

    #[test]
    fn the_oldest_are_dropped() {
        let mut requests = RequestLog::default();
        (0..10_003).for_each(|second| requests.add(request(second)));
        let all = requests.all();
        assert_eq!((all.len(), all[0].clone(), all[9_999].clone()), (10_000, request(3), request(10_002)));
    }

    #[test]
    fn a_request_is_one_line() {
        let fault = Some(Fault::Reset);
        assert_eq!(request(0).to_string(), "1970-01-01T00:00:00.000Z META 200");
        let cut = LoggedRequest { symbol: "A\nB".to_owned(), status: 0, fault, ..request(0) };
        assert_eq!(cut.to_string(), "1970-01-01T00:00:00.000Z A\\nB 0 reset");
    }
}
