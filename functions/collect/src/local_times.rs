//! Times on an exchange's clock, as remarks list them.

use jiff::{Timestamp, tz::TimeZone};
use shared::Session;

/// How many times are listed.
const LISTED: usize = 5;

/// The first of the times on the exchange's clock, and how many more there are.
pub fn listed_times(times: &[Timestamp], session: &Session) -> String {
    let listed: Vec<_> = times.iter().take(LISTED).map(|at| clock(*at, &session.zone)).collect();
    match times.len().saturating_sub(LISTED) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// `16:35`, with the seconds where there are any.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned(zone.clone());
    at.strftime(if at.second() == 0 { "%H:%M" } else { "%H:%M:%S" }).to_string()
}
