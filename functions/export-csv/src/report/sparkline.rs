//! The small line in a company's row of the table.

use shared::Interval;

use super::{
    company::Company,
    comparison::{TimeAxis, curve},
    scale::{Scale, path, thinned},
};

/// The width of the picture, in SVG units of about a pixel.
pub const WIDTH: i32 = 120;
/// The height of the picture.
pub const HEIGHT: i32 = 28;
/// The ends of the time axis, which all rows share.
pub const ENDS: (i32, i32) = (2, WIDTH - 2);
const PLOT: (f64, f64) = (26.0, 2.0);
/// The most points of a line: one for each ten minutes of New York's session.
const MAX_POINTS: usize = 40;

/// The coordinates of one line.
#[derive(Debug)]
pub struct Sparkline {
    pub path: String,
    /// The y coordinate of the price that changes are measured from, where the line reaches it.
    pub base: Option<i32>,
    /// The lowest and the highest change, in percent, which are the lower and the upper end of the line.
    pub range: String,
}

impl Sparkline {
    /// The line of a company; none where it has no closes.
    pub fn of(company: &Company<'_>, axis: TimeAxis, interval: Interval) -> Option<Self> {
        let curve = curve(company, interval);
        let scale = Scale::over(curve.iter().map(|(_, value)| *value), PLOT)?;
        let points = thinned(&curve, MAX_POINTS).into_iter();
        Some(Self {
            path: path(points.map(|(minute, value)| (axis.at(minute, ENDS), scale.at(value)))),
            base: (scale.low <= 0.0 && 0.0 <= scale.high).then(|| scale.at(0.0)),
            range: format!("{:.2} {:.2}", scale.low, scale.high),
        })
    }
}
