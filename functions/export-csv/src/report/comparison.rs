//! The day of all companies in one picture: each a line in percent of its previous close, on one scale.
//!
//! Above [`MAX_LINES`] companies there are lines of the best and the worst, over bands that hold most of all companies.

use shared::{Interval, Symbol};

use super::{
    company::{Company, ranked},
    distribution::{Distribution, Level},
    scale::{Label, Scale, path, thinned, whole},
};

/// The width of the picture, in SVG units of about a pixel, as all coordinates here.
pub const WIDTH: i32 = 1100;
/// The height of the picture.
pub const HEIGHT: i32 = 340;
/// The left edge of the plot.
pub const LEFT: i32 = 54;
/// The right edge of the plot; the lines' labels are to the right of it.
pub const RIGHT: i32 = 950;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 312.0;
/// Where the hours stand.
pub const FLOOR: i32 = 334;
/// The most characters of a symbol beside the plot; its change follows.
const LABEL_LENGTH: usize = 10;
/// The least distance between the labels of two lines.
const LABEL_HEIGHT: i32 = 13;

/// With more companies the rest is drawn as bands.
pub const MAX_LINES: usize = 20;
/// How many of the best, and of the worst, are lines then.
const EXTREMES: usize = 5;
/// The most points of a line: as many as the picture can show.
const MAX_POINTS: usize = 100;

/// The coordinates and texts of the picture.
#[derive(Debug)]
pub struct Comparison<'a> {
    pub marks: Vec<Label>,
    pub hours: Vec<Label>,
    pub bands: Option<Bands>,
    pub lines: Vec<Line<'a>>,
    scale: Scale,
}

/// One company's line.
#[derive(Debug)]
pub struct Line<'a> {
    pub symbol: &'a Symbol,
    /// The symbol, shortened to what fits beside the plot.
    pub label: String,
    pub name: &'a str,
    /// The number of its colour.
    pub colour: usize,
    /// Whether another line has the same colour, and this one is dashed.
    pub dashed: bool,
    pub path: String,
    /// Where its label stands.
    pub label_y: i32,
    pub change: String,
}

/// Areas that hold most companies, and the line of the median.
#[derive(Debug)]
pub struct Bands {
    /// Nine tenths of the companies.
    pub most: String,
    /// The middle half.
    pub half: String,
    pub median: String,
}

/// The time axis: minutes of the exchanges' clocks.
#[derive(Debug, Clone, Copy)]
pub struct TimeAxis {
    first: u16,
    last: u16,
}

impl TimeAxis {
    /// From the start of the first bar to the end of the one that starts last.
    pub fn of((first, last): (u16, u16), interval: Interval) -> Self {
        Self { first, last: last + minutes(interval) }
    }

    /// The coordinate of a minute on an axis from `left` to `right`.
    pub fn at(self, minute: u16, (left, right): (i32, i32)) -> i32 {
        let share = f64::from(minute - self.first) / f64::from((self.last - self.first).max(1));
        whole(f64::from(left) + share * f64::from(right - left))
    }

    fn hours(self) -> Vec<Label> {
        let hours = self.first.div_ceil(60)..=self.last / 60;
        let every = usize::from(hours.clone().count() > 12) * 2 + 1;
        let label = |hour: u16| Label { at: self.at(hour * 60, (LEFT, RIGHT)), text: format!("{hour:02}:00") };
        hours.step_by(every).map(label).collect()
    }
}

fn minutes(interval: Interval) -> u16 {
    u16::try_from(interval.duration().as_mins()).unwrap_or(1)
}

/// A company's day as minutes with percentages: its open, then the close of each bar at the bar's end.
pub fn curve(company: &Company<'_>, interval: Interval) -> Vec<(u16, f64)> {
    let first = company.closes.first().zip(company.day.open).map(|(close, open)| (close.minute, open));
    let closes = company.closes.iter().map(|close| (close.minute + minutes(interval), close.price));
    first.into_iter().chain(closes).filter_map(|(minute, price)| Some((minute, company.percent(price)?))).collect()
}

impl<'a> Comparison<'a> {
    /// The picture of these companies, the best and the worst of the day among them, over the distribution of all; none where
    /// they have no closes.
    pub fn of(
        companies: &[Company<'a>],
        distribution: &Distribution,
        axis: TimeAxis,
        interval: Interval,
    ) -> Option<Self> {
        let (chosen, others) = chosen(companies);
        let curves: Vec<_> = chosen.iter().map(|company| curve(company, interval)).collect();
        let levels = others.then(|| thinned(&distribution.levels(), MAX_POINTS));
        let of_bands = levels.iter().flatten().flat_map(|level| level.values);
        let values = curves.iter().flatten().map(|(_, value)| *value).chain(of_bands).chain([0.0]);
        let scale = Scale::over(values, (BOTTOM, TOP)).filter(|_| curves.iter().any(|curve| !curve.is_empty()))?;
        let point = |(minute, value): (u16, f64)| (axis.at(minute, (LEFT, RIGHT)), scale.at(value));
        let lines = chosen.into_iter().zip(&curves).enumerate().map(|(n, (company, curve))| Line {
            symbol: company.symbol(),
            label: shortened(company.symbol().as_str()),
            name: company.day.name,
            colour: n % 10,
            dashed: n >= 10,
            path: path(thinned(curve, MAX_POINTS).into_iter().map(point)),
            label_y: curve.last().map(|last| point(*last).1).unwrap_or_default(),
            change: company.change(),
        });
        let mut lines: Vec<_> = lines.collect();
        separate(&mut lines);
        let (marks, decimals) = scale.marks();
        let mark = |value: &f64| Label { at: scale.at(*value), text: signed(*value, decimals) };
        Some(Self {
            marks: marks.iter().map(mark).collect(),
            hours: axis.hours(),
            bands: levels.map(|levels| bands(&levels, point)),
            lines,
            scale,
        })
    }

    /// The y coordinates of no change and of a change of one percent, for lines that the page's script adds.
    pub fn unit(&self) -> String {
        let zero = self.scale.at(0.0);
        format!("{zero} {:.3}", (self.scale.bottom - self.scale.top) / (self.scale.high - self.scale.low).max(1e-9))
    }
}

/// The companies that are lines, the best first, and whether there are others.
fn chosen<'c, 'a>(companies: &'c [Company<'a>]) -> (Vec<&'c Company<'a>>, bool) {
    let ranked = ranked(companies, |company| company.day.change());
    let mut all: Vec<_> = ranked.into_iter().map(|(company, _)| company).collect();
    let others = all.len() > MAX_LINES;
    if others {
        all.drain(EXTREMES..all.len() - EXTREMES);
    }
    (all, others)
}

/// At most [`LABEL_LENGTH`] characters of a symbol.
fn shortened(symbol: &str) -> String {
    if symbol.len() <= LABEL_LENGTH { symbol.to_owned() } else { format!("{}\u{2026}", &symbol[..LABEL_LENGTH - 1]) }
}

/// Moves labels apart that would overlap, as little as needed, from the highest to the lowest.
fn separate(lines: &mut [Line<'_>]) {
    let mut order: Vec<_> = lines.iter_mut().collect();
    order.sort_by_key(|line| line.label_y);
    let mut least = whole(TOP);
    for line in &mut order {
        line.label_y = line.label_y.max(least);
        least = line.label_y + LABEL_HEIGHT;
    }
    let mut most = whole(BOTTOM);
    for line in order.iter_mut().rev() {
        line.label_y = line.label_y.min(most);
        most = line.label_y - LABEL_HEIGHT;
    }
}

fn bands(levels: &[Level], point: impl Fn((u16, f64)) -> (i32, i32)) -> Bands {
    let along = |n: usize| levels.iter().map(move |level| (level.minute, level.values[n]));
    let area = |low: usize, high: usize| path(along(high).chain(along(low).rev()).map(&point)) + "z";
    Bands { most: area(0, 4), half: area(1, 3), median: path(along(2).map(&point)) }
}

/// `+1.5%`, `−2%`, `0%`.
fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}%", value.abs());
    match text.trim_start_matches(['0', '.']) {
        "%" => "0%".to_owned(),
        _ if value < 0.0 => format!("\u{2212}{text}"),
        _ => format!("+{text}"),
    }
}
