//! One invocation of the function: the id of its request, the time at which it began, and the time that it has.

use std::time::{Duration, SystemTime};

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use lambda_runtime::Context;
use tokio::time::Instant;

use crate::circuit_breaker::CircuitBreaker;

/// The time limit of an invocation whose deadline passed before it began: `cargo lambda watch` names one in 1970.
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(60);

/// The most of an invocation's time that is reserved, after the last request to the market, for writing the last records.
const FLUSH_RESERVE: Duration = Duration::from_secs(30);

/// One invocation.
#[derive(Debug)]
pub struct Invocation {
    /// The id of its request.
    pub request_id: String,
    /// When it began, in UTC. Whether a session is over is decided by this time for every symbol.
    pub began_at: Timestamp,
    /// The same instant by the clock that measures the time left.
    began: Instant,
    /// The end of its time.
    deadline: Instant,
}

impl Invocation {
    /// The invocation that Lambda describes.
    pub fn new(context: Context) -> Self {
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or(DEFAULT_TIME_LIMIT);
        Self::beginning(context.request_id, Timestamp::now(), left)
    }

    /// An invocation that begins now, which is `began_at`, and has this much time.
    pub fn beginning(request_id: String, began_at: Timestamp, left: Duration) -> Self {
        let began = Instant::now();
        Self { request_id, began_at, began, deadline: began + left }
    }

    /// The same, with no more time than this in all.
    pub fn limited_to(self, limit: Duration) -> Self {
        Self { deadline: self.deadline.min(self.began + limit), ..self }
    }

    /// When it began, in UTC, to the millisecond, which is what the query compares.
    pub fn collected_at(&self) -> Timestamp {
        truncated(self.began_at, Unit::Millisecond)
    }

    /// The time now, in UTC.
    pub fn now(&self) -> Timestamp {
        self.began_at + self.began.elapsed()
    }

    /// A breaker for the requests to the market, which have most of the time.
    pub fn breaker(&self) -> CircuitBreaker {
        CircuitBreaker::new(self.deadline - self.reserve())
    }

    /// Until when records may be written; a little is left for the answer.
    pub fn writing_until(&self) -> Instant {
        self.deadline - self.reserve() / 6
    }

    fn reserve(&self) -> Duration {
        FLUSH_RESERVE.min(self.deadline.duration_since(self.began) / 5)
    }
}

/// The time, without what is smaller than the unit.
pub fn truncated(at: Timestamp, unit: Unit) -> Timestamp {
    at.round(TimestampRound::new().smallest(unit).mode(RoundMode::Trunc)).unwrap_or(at)
}
