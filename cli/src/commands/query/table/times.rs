//! The times of a table on one clock, without what they have in common.

use jiff::{
    Timestamp,
    civil::DateTime,
    fmt::temporal::Pieces,
    tz::{Offset, TimeZone},
};

/// Shortens every column whose values are instants, such as `2026-11-20T09:30:00-05:00`: to the time of day, with the date where
/// that is not the same in the whole column and the first. All are at the offset that is the same in all of the column that first has
/// one which is not UTC's, so that an exchange's time stands beside that of a collection. Columns of several offsets stay as they are.
///
/// Returns which clock and date it is; `None` where no column was shortened.
pub fn shorten<'a>(columns: impl Iterator<Item = &'a mut Vec<String>>) -> Option<String> {
    let columns: Vec<_> = columns.filter_map(|column| Some((offset_of(column)?, column))).collect();
    let first = columns.iter().map(|(offset, _)| *offset).find(|offset| *offset != Offset::UTC).unwrap_or(Offset::UTC);
    let mut common_date = None; // of the first column that has one date
    let (mut is_shortened, mut have_dates) = (false, false);
    for (offset, column) in columns {
        if offset != first && offset != Offset::UTC {
            continue;
        }
        is_shortened = true;
        let times: Vec<_> = column.iter().map(|text| local(text, first)).collect();
        let date = times.iter().flatten().next().map(|time| time.date());
        let is_one_date = times.iter().flatten().all(|time| Some(time.date()) == date);
        let has_date = !is_one_date || *common_date.get_or_insert(date) != date;
        have_dates |= has_date;
        let has_seconds = times.iter().flatten().any(|time| time.second() != 0 || time.subsec_nanosecond() != 0);
        let text = |time: &Option<DateTime>| {
            let Some(time) = time else { return String::new() };
            let date = if has_date { format!("{} ", time.date()) } else { String::new() };
            let clock = if has_seconds { time.time().to_string() } else { time.strftime("%H:%M").to_string() };
            date + &clock
        };
        *column = times.iter().map(text).collect();
    }
    let minutes = first.seconds().unsigned_abs() / 60;
    let sign = if first.is_negative() { '-' } else { '+' };
    let zone = if first == Offset::UTC {
        "UTC".to_owned()
    } else {
        format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    };
    let some = if have_dates { " where they have no date" } else { "" };
    let date = common_date.flatten().map(|date| format!(", on {date}{some}")).unwrap_or_default();
    is_shortened.then(|| format!("times are in {zone}{date}"))
}

/// The offset of all the instants of a column; `None` where one is no instant, they have several, or there are none.
fn offset_of(column: &[String]) -> Option<Offset> {
    let mut offsets = column.iter().filter(|text| !text.is_empty()).map(|text| {
        text.parse::<Timestamp>().ok()?;
        Pieces::parse(text).ok()?.to_numeric_offset()
    });
    let first = offsets.next()??;
    offsets.all(|offset| offset == Some(first)).then_some(first)
}

fn local(text: &str, offset: Offset) -> Option<DateTime> {
    let instant: Timestamp = text.parse().ok()?;
    Some(instant.to_zoned(TimeZone::fixed(offset)).datetime())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_on_one_clock() {
        let exchange = ["2026-11-20T09:30:00-05:00", "", "2026-11-20T15:55:00-05:00"];
        for (columns, expected, clock) in [
            (vec![&exchange[..]], vec!["09:30, , 15:55"], Some("times are in UTC-05:00, on 2026-11-20")),
            (
                vec![&["2026-11-20T15:26:11.891Z", "2026-11-20T15:26:12Z"], &exchange],
                vec!["10:26:11.891, 10:26:12", "09:30, , 15:55"],
                Some("times are in UTC-05:00, on 2026-11-20"),
            ),
            (
                vec![&exchange, &["2026-11-21T03:00:00Z", "2026-11-21T05:30:00Z"]],
                vec!["09:30, , 15:55", "2026-11-20 22:00, 2026-11-21 00:30"],
                Some("times are in UTC-05:00, on 2026-11-20 where they have no date"),
            ),
            (
                vec![&["2026-11-20T09:30:00-05:00", "2026-11-20T09:00:00+09:00"], &["2026-11-20T22:30:00Z"]],
                vec!["2026-11-20T09:30:00-05:00, 2026-11-20T09:00:00+09:00", "22:30"],
                Some("times are in UTC, on 2026-11-20"),
            ),
            (vec![&["2026-11-20T09:30:05+05:30"]], vec!["09:30:05"], Some("times are in UTC+05:30, on 2026-11-20")),
            (vec![&["META", "2026-11-20"], &[""], &[]], vec!["META, 2026-11-20", "", ""], None),
        ] {
            let mut columns: Vec<Vec<_>> =
                columns.iter().map(|column| column.iter().map(|text| (*text).to_owned()).collect()).collect();
            assert_eq!(shorten(columns.iter_mut()).as_deref(), clock);
            assert_eq!(columns.iter().map(|column| column.join(", ")).collect::<Vec<_>>(), expected);
        }
    }
}
