//! The requests that the market got.

use std::{collections::VecDeque, fmt};

use jiff::Timestamp;

use super::fault::Fault;

/// How many requests are remembered.
const LIMIT: usize = 10_000;

/// One request for a chart, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRequest {
    /// When it came.
    pub at: Timestamp,
    /// The symbol as it was asked for.
    pub symbol: String,
    /// The window's start as it was asked for: Unix seconds.
    pub period1: Option<String>,
    /// The window's end as it was asked for: Unix seconds.
    pub period2: Option<String>,
    /// The HTTP status of the answer; 0 where the connection was cut.
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

/// The latest requests.
#[derive(Debug, Default)]
pub struct RequestLog(VecDeque<LoggedRequest>);

impl RequestLog {
    /// Remembers one, and forgets the oldest where there are too many.
    pub fn add(&mut self, request: LoggedRequest) {
        if self.0.len() == LIMIT {
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
    fn the_oldest_are_forgotten() {
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
