//! Durations that fit a column.

use jiff::SignedDuration;

/// A duration in one unit: `45 s`, `3 min`, `2 h`, `4 d`. One below zero, between two clocks that differ, is none.
pub fn short(duration: SignedDuration) -> String {
    match duration.as_secs().max(0) {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_one_unit() {
        for (seconds, text) in [
            (-3, "0 s"),
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(short(SignedDuration::from_secs(seconds)), text);
        }
    }
}
