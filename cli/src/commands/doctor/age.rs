//! Points in time, as AWS gives them, and how long ago they were.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use crate::output::format::pluralize;

pub fn timestamp(at: &DateTime) -> Timestamp {
    Timestamp::from_second(at.secs()).unwrap_or_default()
}

/// `just now`, `5 minutes ago`, `3 hours ago`, `2 days ago`.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let minutes = usize::try_from(now.duration_since(then).as_mins()).unwrap_or_default();
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{} ago", pluralize(minutes, "minute")),
        60..2880 => format!("{} ago", pluralize(minutes / 60, "hour")),
        _ => format!("{} ago", pluralize(minutes / 1440, "day")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn an_age_has_one_unit() -> Result<(), jiff::Error> {
        let now: Timestamp = "2026-11-20T22:30:00Z".parse()?;
        for (minutes, text) in
            [(0, "just now"), (1, "1 minute ago"), (59, "59 minutes ago"), (90, "1 hour ago"), (3000, "2 days ago")]
        {
            assert_eq!(age(now.checked_sub(minutes.minutes())?, now), text);
        }
        assert_eq!(age(now.checked_add(5.minutes())?, now), "just now");
        Ok(())
    }
}
