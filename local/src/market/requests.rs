//! What the market was asked.

use std::{collections::VecDeque, fmt};

use jiff::Timestamp;

use super::misbehaviour::Misbehaviour;

/// How many requests are remembered.
const LIMIT: usize = 10_000;

/// One request for a chart, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
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
    /// How it was misbehaved at, if it was.
    pub misbehaviour: Option<Misbehaviour>,
}

/// `2026-11-20T16:00:00Z META 200 null-rows`
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} {} {}", self.at, self.symbol.escape_debug(), self.status)?;
        self.misbehaviour.map_or(Ok(()), |kind| write!(f, " {kind}"))
    }
}

/// The latest requests.
#[derive(Debug, Default)]
pub struct Requests(VecDeque<Request>);

impl Requests {
    /// Remembers one, and forgets the oldest where there are too many.
    pub fn add(&mut self, request: Request) {
        if self.0.len() == LIMIT {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Request> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(second: i64) -> Request {
        let at = Timestamp::from_second(second).unwrap_or_default();
        Request { at, symbol: "META".to_owned(), period1: None, period2: None, status: 200, misbehaviour: None }
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut requests = Requests::default();
        (0..10_003).for_each(|second| requests.add(request(second)));
        let all = requests.all();
        assert_eq!((all.len(), all[0].clone(), all[9_999].clone()), (10_000, request(3), request(10_002)));
    }

    #[test]
    fn a_request_is_one_line() {
        let misbehaviour = Some(Misbehaviour::Reset);
        assert_eq!(request(0).to_string(), "1970-01-01T00:00:00.000Z META 200");
        let cut = Request { symbol: "A\nB".to_owned(), status: 0, misbehaviour, ..request(0) };
        assert_eq!(cut.to_string(), "1970-01-01T00:00:00.000Z A\\nB 0 reset");
    }
}
