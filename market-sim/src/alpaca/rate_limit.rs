//! The rate limit of the free plan: a bucket of requests that refills evenly over a minute.
//!
//! Only a fault has it enforced. What the headers mean is documented as "reset in epoch seconds"; that the bucket is full then
//! was seen by its users.

use jiff::Timestamp;

/// Requests a minute, and the most that the bucket holds.
pub const LIMIT: u32 = 200;
const PER_SECOND: f64 = LIMIT as f64 / 60.0;

/// The requests that may still be made.
#[derive(Debug, Default)]
pub struct Bucket {
    /// How many requests are missing, and since when.
    taken: f64,
    at: Timestamp,
}

/// What the headers of a reply say of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The requests that may be made at once.
    pub remaining: u32,
    /// When the bucket is full again, in Unix seconds.
    pub reset: i64,
}

impl Rate {
    /// What is left after the one request of this second.
    pub fn unlimited(at: Timestamp) -> Self {
        Self { remaining: LIMIT - 1, reset: at.as_second() + 1 }
    }

    /// Nothing is left until the next second.
    pub fn exceeded(at: Timestamp) -> Self {
        Self { remaining: 0, reset: at.as_second() + 1 }
    }
}

impl Bucket {
    /// Takes `cost` requests at `at`: whether one was left, and what is left then. A refused request takes nothing.
    pub fn take(&mut self, cost: u32, at: Timestamp) -> (bool, Rate) {
        let passed = self.at.duration_until(at).as_secs_f64().max(0.0);
        self.at = at;
        self.taken = (self.taken - passed * PER_SECOND).max(0.0);
        let is_left = f64::from(LIMIT) - self.taken >= 1.0;
        if is_left {
            self.taken = (self.taken + f64::from(cost)).min(f64::from(LIMIT));
        }
        let remaining = (f64::from(LIMIT) - self.taken) as u32;
        (is_left, Rate { remaining, reset: at.as_second() + (self.taken * 60.0 / f64::from(LIMIT)).ceil() as i64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_at_once_and_refills_over_a_minute() -> Result<(), jiff::Error> {
        let mut bucket = Bucket::default();
        let at = |second: i64| Timestamp::from_second(1_795_000_000 + second);
        for left in (0..200).rev() {
            let (is_allowed, rate) = bucket.take(1, at(0)?);
            assert_eq!((is_allowed, rate.remaining), (true, left));
        }
        let refused = (false, Rate { remaining: 0, reset: at(60)?.as_second() });
        assert_eq!(bucket.take(1, at(0)?), refused);
        assert_eq!(bucket.take(1, at(30)?), (true, Rate { remaining: 99, reset: at(61)?.as_second() }));
        assert_eq!(bucket.take(10, at(90)?), (true, Rate { remaining: 190, reset: at(93)?.as_second() }));
        assert_eq!(bucket.take(1_000, at(93)?).1, Rate { remaining: 0, reset: at(153)?.as_second() });
        Ok(())
    }
}
