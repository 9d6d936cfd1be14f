//! The trading days and regular hours of the New York Stock Exchange, which Nasdaq shares, by rule.
//!
//! By rules and not from a list, so that it covers any day from 1990 to 2100. What is left out: trading halts, and
//! the handful of late opens and of early closes at other times than 13:00 (such as 14:00 on the Christmas Eves
//! before 1993), on which the full hours are given; and closures that were decided after this was written.
//!
//! The published dates: <https://www.nyse.com/markets/hours-calendars>. The rule itself: NYSE Rule 7.2.

use jiff::civil::{Date, Weekday, date, time};

use super::Hours;

const FULL_DAY: Hours = Hours { open: time(9, 30, 0, 0), close: time(16, 0, 0, 0) };
const HALF_DAY: Hours = Hours { open: time(9, 30, 0, 0), close: time(13, 0, 0, 0) };

/// Days on which the exchange was closed for a reason that no rule knows.
const CLOSURES: [Date; 11] = [
    date(1994, 4, 27),  // funeral of Richard Nixon
    date(2001, 9, 11),  // attacks of September 11
    date(2001, 9, 12),  //
    date(2001, 9, 13),  //
    date(2001, 9, 14),  //
    date(2004, 6, 11),  // funeral of Ronald Reagan
    date(2007, 1, 2),   // funeral of Gerald Ford
    date(2012, 10, 29), // hurricane Sandy
    date(2012, 10, 30), //
    date(2018, 12, 5),  // funeral of George H. W. Bush
    date(2025, 1, 9),   // funeral of Jimmy Carter
];

/// Half days that no rule knows: Fridays after Christmas.
const HALF_DAYS: [Date; 2] = [date(1997, 12, 26), date(2003, 12, 26)];

/// The regular hours of `date`, or `None` when the exchange does not trade on it.
pub fn hours(date: Date) -> Option<Hours> {
    let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    if weekend || is_holiday(date) || CLOSURES.contains(&date) {
        None
    } else if closes_early(date) {
        Some(HALF_DAY)
    } else {
        Some(FULL_DAY)
    }
}

fn is_holiday(date: Date) -> bool {
    let year = date.year();
    match (date.month(), date.day(), date.weekday()) {
        (1, 15..=21, Weekday::Monday) => year >= 1998, // Martin Luther King Jr. Day
        (2, 15..=21, Weekday::Monday) => true,         // Washington's Birthday
        (5, 25..=31, Weekday::Monday) => true,         // Memorial Day
        (9, 1..=7, Weekday::Monday) => true,           // Labor Day
        (11, 22..=28, Weekday::Thursday) => true,      // Thanksgiving Day
        _ => {
            is_new_years_day(date)
                || is_good_friday(date)
                || (year >= 2022 && is_observed(date, 6, 19)) // Juneteenth
                || is_observed(date, 7, 4) // Independence Day
                || is_observed(date, 12, 25) // Christmas Day
        }
    }
}

/// Whether a holiday of this month and day is observed on `date`: on itself, the Friday before a Saturday or the Monday
/// after a Sunday.
fn is_observed(date: Date, month: i8, day: i8) -> bool {
    let holiday = match date.weekday() {
        Weekday::Friday if falls_on(date, month, day) => Ok(date),
        Weekday::Friday => date.tomorrow(),
        Weekday::Monday if falls_on(date, month, day) => Ok(date),
        Weekday::Monday => date.yesterday(),
        _ => Ok(date),
    };
    holiday.is_ok_and(|holiday| falls_on(holiday, month, day))
}

fn falls_on(date: Date, month: i8, day: i8) -> bool {
    (date.month(), date.day()) == (month, day)
}

/// New Year's Day on a Saturday is not observed on the Friday before it, which ends the accounting year (Rule 7.2).
fn is_new_years_day(date: Date) -> bool {
    date.month() == 1 && is_observed(date, 1, 1)
}

fn is_good_friday(date: Date) -> bool {
    let sunday = date.tomorrow().and_then(Date::tomorrow);
    date.weekday() == Weekday::Friday && sunday.is_ok_and(is_easter)
}

/// Whether `sunday` is Easter, by the anonymous Gregorian computus (<https://en.wikipedia.org/wiki/Date_of_Easter>).
fn is_easter(sunday: Date) -> bool {
    let year = i32::from(sunday.year());
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let correction = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - correction + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let shift = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * shift + 114;
    (i32::from(sunday.month()), i32::from(sunday.day())) == (days / 31, days % 31 + 1)
}

/// Whether a trading day ends at 13:00. Half days at that hour began in 1993; until 2012 a Thursday's Independence Day
/// shortened the Friday after it instead of the Wednesday before it.
fn closes_early(date: Date) -> bool {
    let year = date.year();
    year >= 1993
        && match (date.month(), date.day(), date.weekday()) {
            (11, 23..=29, Weekday::Friday) | (12, 24, _) => true,
            (7, 3, Weekday::Wednesday) => year >= 2013,
            (7, 3, _) => true,
            (7, 5, Weekday::Friday) => year < 2013,
            _ => HALF_DAYS.contains(&date),
        }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    /// The weekdays of a year for which `wanted` holds, as `MM-DD`.
    fn weekdays(year: i16, wanted: impl Fn(Date) -> bool) -> Vec<String> {
        date(year, 1, 1)
            .series(1.day())
            .take_while(|day| day.year() == year)
            .filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && wanted(*day))
            .map(|day| day.strftime("%m-%d").to_string())
            .collect()
    }

    /// As published by the exchange, year by year: the closed weekdays and the half days, all of them.
    #[test]
    fn the_rules_give_the_published_calendar() {
        let published: [(i16, &str, &str); 9] = [
            (
                2001,
                "01-01 01-15 02-19 04-13 05-28 07-04 09-03 09-11 09-12 09-13 09-14 11-22 12-25",
                "07-03 11-23 12-24",
            ),
            (2012, "01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25", "07-03 11-23 12-24"),
            (2021, "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24", "11-26"),
            (2022, "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26", "11-25"),
            (2023, "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25", "07-03 11-24"),
            (2024, "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25", "07-03 11-29 12-24"),
            (2025, "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25", "07-03 11-28 12-24"),
            (2026, "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25", "11-27 12-24"),
            (2027, "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24", "11-26"),
        ];
        for (year, closed, half) in published {
            assert_eq!(weekdays(year, |day| hours(day).is_none()).join(" "), closed, "closed in {year}");
            assert_eq!(weekdays(year, |day| hours(day) == Some(HALF_DAY)).join(" "), half, "half days in {year}");
        }
    }

    #[test]
    fn days_that_rules_often_get_wrong() {
        for (day, expected, why) in [
            (date(2021, 12, 31), Some(FULL_DAY), "New Year's Day 2022 was a Saturday, so it was not observed"),
            (date(2021, 6, 18), Some(FULL_DAY), "Juneteenth was not yet a holiday in 2021"),
            (date(1997, 1, 20), Some(FULL_DAY), "Martin Luther King Jr. Day was not yet a holiday in 1997"),
            (date(2019, 7, 3), Some(HALF_DAY), "a Wednesday before Independence Day, since 2013"),
            (date(2002, 7, 3), Some(FULL_DAY), "until 2012 the Friday after it was the half day"),
            (date(2002, 7, 5), Some(HALF_DAY), "until 2012 the Friday after it was the half day"),
            (date(2024, 7, 5), Some(FULL_DAY), "no half day after Independence Day since 2013"),
            (date(2026, 11, 21), None, "a Saturday"),
            (date(2026, 11, 22), None, "a Sunday"),
            (date(2011, 12, 26), None, "Christmas Day 2011 was a Sunday"),
            (date(2038, 4, 23), None, "Good Friday of the century's latest Easter"),
            (date(2008, 3, 21), None, "Good Friday of an early Easter"),
            (date(2000, 2, 29), Some(FULL_DAY), "a leap day"),
        ] {
            assert_eq!(hours(day), expected, "{day}: {why}");
        }
    }

    #[test]
    fn every_year_has_its_nine_or_ten_holidays() {
        for year in 1990..=2100 {
            let closures = CLOSURES.iter().filter(|day| day.year() == year).count();
            let closed = weekdays(year, |day| hours(day).is_none()).len() - closures;
            let kept = 8 + usize::from(year >= 1998) + usize::from(year >= 2022);
            let new_year_on_a_saturday = usize::from(date(year, 1, 1).weekday() == Weekday::Saturday);
            assert_eq!(closed, kept - new_year_on_a_saturday, "{year}");
        }
    }
}
