//! One panel of the report, a small SVG: the coordinates of each hour's range, the scale and the day's extremes.
//!
//! Only the geometry is here; the template draws it, so colours, dark mode and fonts stay with the
//! page's CSS. That is also why no charting library is used: those set them on every element.

use shared::{
    HourlyExtreme,
    format::{clock, price},
};

/// The width of the panel, in SVG units of about a pixel, as all coordinates here.
pub const WIDTH: f64 = 340.0;
/// The height of the panel.
pub const HEIGHT: f64 = 196.0;
/// The left edge of the plot; the price labels are to the left of it.
pub const LEFT: f64 = 52.0;
/// The right edge of the plot.
pub const RIGHT: f64 = 332.0;
/// The y coordinate of the day's highest price; its label is above.
const TOP: f64 = 26.0;
/// The y coordinate of the day's lowest price; its label is below.
const BOTTOM: f64 = 150.0;
/// The lower end of the hours' columns.
pub const FLOOR: f64 = 172.0;

/// Half of the width of an extreme's label: nearer to an edge the label is aligned to that edge.
const HALF_LABEL: f64 = 70.0;
/// With more hour labels than this they would overlap.
const MAX_HOUR_LABELS: usize = 8;

/// The coordinates and texts of a panel.
#[derive(Debug)]
pub struct Chart {
    /// The price scale.
    pub ticks: Vec<Label>,
    /// The hours below the plot.
    pub hours: Vec<Label>,
    /// The price range of each row's hour.
    pub ranges: Vec<Range>,
    /// The day's highest price.
    pub high: Extreme,
    /// The day's lowest price.
    pub low: Extreme,
}

/// A label on an axis.
#[derive(Debug, PartialEq)]
pub struct Label {
    /// The coordinate along the axis.
    pub at: f64,
    /// The text of the label.
    pub text: String,
}

/// The range of one hour.
#[derive(Debug)]
pub struct Range {
    /// The left edge and the width of the hour's column, which is highlighted under the pointer.
    pub column: (f64, f64),
    /// The left edge and the width of the bar.
    pub bar: (f64, f64),
    /// The bar's upper edge.
    pub y: f64,
    /// The bar's height, at least 2 so that an hour of a single price is visible.
    pub height: f64,
    /// The prices and times as text, for the tooltip.
    pub title: String,
}

/// The label of the day's highest or lowest price.
#[derive(Debug)]
pub struct Extreme {
    /// The x coordinate of the label's anchor.
    pub x: f64,
    /// SVG's `text-anchor`.
    pub anchor: &'static str,
    /// The y coordinate of the price.
    pub y: f64,
    /// The price and when it was reached.
    pub text: String,
}

/// The panel of one company's rows, with columns from hour `first` to hour `last`; `None` without rows.
pub fn chart(rows: &[HourlyExtreme], (first, last): (i8, i8)) -> Option<Chart> {
    // The first of equals is kept, so the label gives the time at which the price was first reached.
    let highest = rows.iter().reduce(|a, b| if b.highest_hourly_price > a.highest_hourly_price { b } else { a })?;
    let lowest = rows.iter().reduce(|a, b| if b.lowest_hourly_price < a.lowest_hourly_price { b } else { a })?;
    let scale = Scale { low: lowest.lowest_hourly_price.get(), high: highest.highest_hourly_price.get() };
    let columns = Columns { first, count: f64::from((last - first).max(0)) + 1.0 };
    let extreme = |row: &HourlyExtreme, value: f64, text: String| {
        let (x, anchor) = anchored(columns.middle(row.hour));
        Extreme { x: tenth(x), anchor, y: tenth(scale.y(value)), text }
    };
    let ends =
        [(highest.highest_hourly_price, &highest.datetime_high), (lowest.lowest_hourly_price, &lowest.datetime_low)];
    let [high_text, low_text] = ends.map(|(value, at)| format!("{} at {}", price(value), clock(at)));
    Some(Chart {
        ticks: scale.ticks(),
        hours: columns.labels(last),
        ranges: rows.iter().map(|row| range(row, &scale, &columns)).collect(),
        high: extreme(highest, scale.high, format!("high {high_text}")),
        low: extreme(lowest, scale.low, format!("low {low_text}")),
    })
}

fn range(row: &HourlyExtreme, scale: &Scale, columns: &Columns) -> Range {
    let (low, high) = (row.lowest_hourly_price, row.highest_hourly_price);
    let (top, bottom) = (scale.y(high.get()), scale.y(low.get()));
    let height = (bottom - top).max(2.0);
    let width = (columns.width() * 0.5).min(18.0);
    let middle = columns.middle(row.hour);
    Range {
        column: (tenth(middle - columns.width() / 2.0), tenth(columns.width())),
        bar: (tenth(middle - width / 2.0), tenth(width)),
        y: tenth(f64::midpoint(top, bottom) - height / 2.0),
        height: tenth(height),
        title: format!(
            "hour {:02}: high {} at {}, low {} at {}",
            row.hour,
            price(high),
            clock(&row.datetime_high),
            price(low),
            clock(&row.datetime_low)
        ),
    }
}

/// The hours' columns, all of one width.
struct Columns {
    first: i8,
    count: f64,
}

impl Columns {
    fn width(&self) -> f64 {
        (RIGHT - LEFT) / self.count
    }

    fn middle(&self, hour: i8) -> f64 {
        LEFT + (f64::from(hour - self.first) + 0.5) * self.width()
    }

    fn labels(&self, last: i8) -> Vec<Label> {
        let hours = self.first..=last;
        let every = hours.clone().count().div_ceil(MAX_HOUR_LABELS).max(1);
        hours.step_by(every).map(|hour| Label { at: tenth(self.middle(hour)), text: format!("{hour:02}") }).collect()
    }
}

/// The day's prices, from lowest to highest, over the height of the plot.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn y(&self, value: f64) -> f64 {
        let span = self.high - self.low;
        let share = if span > 0.0 { (value - self.low) / span } else { 0.5 };
        BOTTOM - share * (BOTTOM - TOP)
    }

    /// The round prices inside the scale, in steps of 1, 2 or 5 times a power of ten: three to eight of them.
    fn ticks(&self) -> Vec<Label> {
        let span = self.high - self.low;
        if span <= self.high * 1e-9 {
            return vec![Label { at: tenth(self.y(self.low)), text: self.low.to_string() }];
        }
        let magnitude = (span / 3.0).log10().floor();
        let power = 10_f64.powf(magnitude);
        let step = [5.0, 2.0].into_iter().map(|n| n * power).find(|step| *step <= span / 3.0).unwrap_or(power);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to what a label can hold
        let decimals = (-magnitude).clamp(0.0, 12.0) as usize;
        let first = (self.low / step).ceil();
        (0_u8..10)
            .map(|n| (first + f64::from(n)) * step)
            .take_while(|value| *value <= self.high)
            .map(|value| Label { at: tenth(self.y(value)), text: format!("{value:.decimals$}") })
            .collect()
    }
}

/// Centred, unless the label would leave the panel.
fn anchored(x: f64) -> (f64, &'static str) {
    if x < LEFT + HALF_LABEL {
        (LEFT, "start")
    } else if x > RIGHT - HALF_LABEL {
        (RIGHT, "end")
    } else {
        (x, "middle")
    }
}

/// A tenth of a unit is finer than any screen shows, and keeps the page small.
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(labels: &[Label]) -> Vec<&str> {
        labels.iter().map(|label| label.text.as_str()).collect()
    }

    #[test]
    fn the_scale_has_round_prices() {
        for (low, high, expected) in [
            (331.0, 341.19, vec!["332", "334", "336", "338", "340"]),
            (1486.12, 1522.7, vec!["1490", "1500", "1510", "1520"]),
            (0.081, 0.0846, vec!["0.081", "0.082", "0.083", "0.084"]),
            (100.0, 100.04, vec!["100.00", "100.01", "100.02", "100.03", "100.04"]),
            (208.5, 208.5, vec!["208.5"]),
        ] {
            assert_eq!(texts(&Scale { low, high }.ticks()), expected, "{low} to {high}");
        }
    }

    #[test]
    fn hours_are_skipped_where_their_labels_would_overlap() {
        let labels = |first, last: i8| Columns { first, count: f64::from(last - first) + 1.0 }.labels(last);
        assert_eq!(texts(&labels(9, 15)), ["09", "10", "11", "12", "13", "14", "15"]);
        assert_eq!(texts(&labels(0, 23)), ["00", "03", "06", "09", "12", "15", "18", "21"]);
    }

    proptest! {
        #[test]
        fn any_prices_have_ticks_inside_the_plot(low in 1e-6_f64..1e9, spread in 1e-6_f64..10.0) {
            let scale = Scale { low, high: low * (1.0 + spread) };
            let ticks = scale.ticks();
            prop_assert!((3..=8).contains(&ticks.len()), "{:?}", ticks);
            prop_assert!(ticks.iter().all(|tick| (TOP..=BOTTOM).contains(&tick.at)), "{:?}", ticks);
            let mut texts = texts(&ticks);
            texts.dedup();
            prop_assert_eq!(texts.len(), ticks.len());
        }
    }
}
