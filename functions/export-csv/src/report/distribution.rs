//! How the changes of all companies are distributed through the day, counted while the companies pass.
//!
//! Counts are kept in place of values: a histogram of two thousand steps for each mark of the time axis, however many companies
//! there are.

use std::collections::BTreeMap;

/// The minutes between two marks. Bars of all intervals start and end on one, but those of a minute or two.
const MARK: u16 = 5;
/// The steps of a histogram for each percent: finer than the picture shows.
const STEPS: f64 = 50.0;
/// Changes beyond this one, in percent, count as this: the picture shows no more of them than nineteen twentieths.
const LIMIT: f64 = 20.0;
const COUNTS: usize = 2 * (LIMIT * STEPS) as usize + 1;

/// The number of companies by mark and change.
#[derive(Debug, Default)]
pub struct Distribution(BTreeMap<u16, Vec<u32>>);

/// At one minute the changes below which a twentieth, a quarter, half, three quarters and nineteen twentieths of the
/// companies are.
#[derive(Debug, Clone, Copy)]
pub struct Level {
    pub minute: u16,
    pub values: [f64; 5],
}

impl Distribution {
    /// Counts a company by the line that is drawn of it: minutes with changes in percent, oldest first.
    pub fn add(&mut self, curve: &[(u16, f64)]) {
        for pair in curve.windows(2) {
            let [(from, a), (to, b)] = [pair[0], pair[1]];
            let first = from.next_multiple_of(MARK);
            for minute in (first..to).step_by(MARK.into()) {
                self.count(minute, a + (b - a) * f64::from(minute - from) / f64::from(to - from));
            }
        }
        if let Some((minute, change)) = curve.last().filter(|(minute, _)| minute.is_multiple_of(MARK)) {
            self.count(*minute, *change);
        }
    }

    fn count(&mut self, minute: u16, change: f64) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to the counts
        let place = ((change.clamp(-LIMIT, LIMIT) + LIMIT) * STEPS).round() as usize;
        let counts = self.0.entry(minute).or_insert_with(|| vec![0; COUNTS]);
        counts[place.min(COUNTS - 1)] += 1;
    }

    /// The levels at each mark, oldest first.
    pub fn levels(&self) -> Vec<Level> {
        let level = |(minute, counts): (&u16, &Vec<u32>)| {
            let last = counts.iter().map(|count| u64::from(*count)).sum::<u64>().saturating_sub(1);
            let values = [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| {
                #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                // the place of a company
                let company = (last as f64 * share).round() as u64;
                let mut before = 0;
                let place = counts.iter().take_while(|count| {
                    before += u64::from(**count);
                    before <= company
                });
                #[allow(clippy::cast_precision_loss)] // below COUNTS
                let place = place.count() as f64;
                place / STEPS - LIMIT
            });
            Level { minute: *minute, values }
        };
        self.0.iter().map(level).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_counts_at_every_mark_that_it_passes() {
        let mut distribution = Distribution::default();
        // It opens off the marks, and lacks a bar.
        distribution.add(&[(571, 0.0), (575, 1.0), (585, 3.0)]);
        let levels: Vec<_> = distribution.levels().iter().map(|level| (level.minute, level.values[2])).collect();
        assert_eq!(levels, [(575, 1.0), (580, 2.0), (585, 3.0)]);
        assert!(Distribution::default().levels().is_empty());
    }

    proptest! {
        #[test]
        fn the_levels_are_those_of_the_sorted_changes(
            mut changes in prop::collection::vec(-60.0_f64..60.0, 1..200),
        ) {
            let mut distribution = Distribution::default();
            changes.iter().for_each(|change| distribution.add(&[(600, *change)]));
            changes.sort_by(f64::total_cmp);
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let exact = [0.05, 0.25, 0.5, 0.75, 0.95]
                .map(|share| changes[((changes.len() - 1) as f64 * share).round() as usize].clamp(-LIMIT, LIMIT));
            let levels = distribution.levels();
            prop_assert_eq!(levels.len(), 1);
            for (level, exact) in levels[0].values.iter().zip(exact) {
                prop_assert!((level - exact).abs() <= 0.5 / STEPS + 1e-9, "{} for {}", level, exact);
            }
        }
    }
}
