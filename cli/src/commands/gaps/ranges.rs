//! A range of dates in parts that a query may read.

use std::{collections::BTreeMap, ops::RangeInclusive};

use shared::TradeDate;

/// The fewest parts of a range of which each has at most `limit` bytes, by the bytes of each date. A date that alone has more is a
/// part of its own.
pub fn within(
    range: &RangeInclusive<TradeDate>,
    bytes: &BTreeMap<TradeDate, u64>,
    limit: u64,
) -> Vec<RangeInclusive<TradeDate>> {
    let (mut parts, mut first, mut read) = (Vec::new(), *range.start(), 0);
    for (date, more) in bytes.range(range.clone()) {
        if read > 0 && read + more > limit {
            let before = date.date().yesterday().unwrap_or(date.date());
            parts.push(first..=before.into());
            (first, read) = (*date, 0);
        }
        read += more;
    }
    parts.push(first..=*range.end());
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(day: u8) -> TradeDate {
        jiff::civil::date(2026, 11, 1).checked_add(jiff::Span::new().days(day)).unwrap_or_default().into()
    }

    fn days(part: &RangeInclusive<TradeDate>) -> Vec<TradeDate> {
        (0..60).map(date).filter(|date| part.contains(date)).collect()
    }

    proptest! {
        #[test]
        fn parts_are_whole_and_small(sizes in prop::collection::btree_map(0_u8..40, 1_u64..100, 0..40), limit in 1_u64..300) {
            let bytes: BTreeMap<_, _> = sizes.into_iter().map(|(day, size)| (date(day), size)).collect();
            let range = date(5)..=date(30);
            let parts = within(&range, &bytes, limit);
            prop_assert_eq!(parts.iter().flat_map(days).collect::<Vec<_>>(), days(&range));
            let read = |part: &RangeInclusive<TradeDate>| bytes.range(part.clone()).map(|(_, bytes)| bytes).sum::<u64>();
            for part in &parts {
                prop_assert!(read(part) <= limit || bytes.range(part.clone()).count() == 1, "{part:?}");
            }
            for pair in parts.windows(2) {
                let first = bytes.get(pair[1].start()).copied().unwrap_or_default();
                prop_assert!(read(&pair[0]) + first > limit, "{pair:?} fit in one");
            }
        }
    }
}
