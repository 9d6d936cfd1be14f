//! Polls an AWS service until the expected result is there.

use std::time::Duration;

/// How many polls in a row may fail, each after the SDK's own retries.
const MAX_POLL_ERRORS: u32 = 5;

/// How often to poll: the first interval, and the one that it grows to while nothing changes.
#[derive(Debug, Clone, Copy)]
pub struct PollInterval {
    /// The first interval, and the one after any change.
    pub first: Duration,
    pub longest: Duration,
}

/// The result of one poll.
pub enum Poll<T> {
    Ready(T),
    /// Not ready, but something has changed, so that more may follow soon.
    Changed,
    Pending,
}

/// Polls until the result is ready, for the first time at once. The intervals grow by a quarter while nothing changes.
///
/// # Errors
/// The last error of `poll`, when it has failed [`MAX_POLL_ERRORS`] times in a row.
pub async fn poll_until<T>(
    interval: PollInterval,
    mut poll: impl AsyncFnMut() -> anyhow::Result<Poll<T>>,
) -> anyhow::Result<T> {
    let (mut pause, mut errors) = (interval.first, 0);
    loop {
        match poll().await {
            Ok(Poll::Ready(result)) => return Ok(result),
            Ok(Poll::Changed) => (pause, errors) = (interval.first, 0),
            Ok(Poll::Pending) => errors = 0,
            Err(error) if errors + 1 >= MAX_POLL_ERRORS => return Err(error),
            Err(_) => errors += 1,
        }
        tokio::time::sleep(pause).await;
        pause = backoff(pause, interval.longest);
    }
}

fn backoff(pause: Duration, longest: Duration) -> Duration {
    pause.mul_f64(1.25).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMMEDIATELY: PollInterval = PollInterval { first: Duration::ZERO, longest: Duration::ZERO };

    /// Polls by a script: `-` an error, `.` pending, `+` changed, `!` ready; returns the number of polls.
    async fn polls(script: &str) -> Option<usize> {
        let (mut steps, mut count) = (script.chars(), 0);
        let result = poll_until(IMMEDIATELY, async || {
            count += 1;
            match steps.next() {
                Some('!') => Ok(Poll::Ready(())),
                Some('+') => Ok(Poll::Changed),
                Some('.') => Ok(Poll::Pending),
                _ => anyhow::bail!("no answer"),
            }
        });
        result.await.ok().map(|()| count)
    }

    #[tokio::test]
    async fn only_errors_in_a_row_end_the_polling() {
        for (script, expected) in
            [("!", Some(1)), ("....!", Some(5)), ("----!", Some(5)), ("-----!", None), ("----.----+----!", Some(15))]
        {
            assert_eq!(polls(script).await, expected, "{script}");
        }
    }

    #[test]
    fn intervals_grow_by_a_quarter_up_to_the_longest() {
        let seconds = Duration::from_secs_f64;
        assert_eq!(backoff(seconds(1.0), seconds(2.0)), seconds(1.25));
        assert_eq!(backoff(seconds(1.9), seconds(2.0)), seconds(2.0));
    }
}
