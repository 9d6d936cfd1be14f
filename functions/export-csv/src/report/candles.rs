//! A company's hours as candles with their volume.

use shared::format::{price, thousands};

use super::{
    company::Company,
    scale::{Scale, whole},
};

/// The width of the picture, in SVG units of about a pixel, as all coordinates here.
pub const WIDTH: i32 = 340;
/// The height of the picture.
pub const HEIGHT: i32 = 170;
/// The least space for the prices on the left, and that for each of their characters.
const LEFT: (f64, f64) = (54.0, 6.5);
const RIGHT: f64 = 332.0;
/// The y coordinates of the day's lowest and highest price.
const PLOT: (f64, f64) = (124.0, 20.0);
/// The lower end of the volumes.
pub const FLOOR: i32 = 150;
/// The height of the greatest volume.
const VOLUME: f64 = 22.0;

/// The hours of one company.
#[derive(Debug)]
pub struct Candles {
    /// Half of a candle's width.
    pub half: i32,
    /// Where the prices on the left end.
    pub labels: i32,
    pub candles: Vec<Candle>,
}

/// One hour.
#[derive(Debug)]
pub struct Candle {
    /// `09`.
    pub hour: String,
    /// Whether the hour's label would overlap its neighbour's.
    pub is_crowded: bool,
    /// The x coordinate of the middle.
    pub x: i32,
    /// The y coordinates of the four prices.
    pub open: i32,
    pub high: i32,
    pub low: i32,
    pub close: i32,
    /// `up`, or `dn` where the hour closed below its open.
    pub direction: &'static str,
    /// The height of the volume.
    pub volume: i32,
    pub title: String,
}

impl Candle {
    /// The y coordinate of the body's upper edge.
    pub fn top(&self) -> i32 {
        self.open.min(self.close)
    }

    /// The height of the body, which is visible also where the hour closed at its open.
    pub fn body(&self) -> i32 {
        (self.open - self.close).abs().max(1)
    }
}

impl Candles {
    /// The candles of a company, in columns of the hours from `first` to `last`.
    pub fn of(company: &Company<'_>, (first, last): (i8, i8)) -> Option<Self> {
        let scale = Scale::over([company.day.low.0.get(), company.day.high.0.get()], PLOT)?;
        let longest = company.high().len().max(company.low().len());
        #[allow(clippy::cast_precision_loss)] // a few characters
        let left = LEFT.0.max(longest as f64 * LEFT.1 + 8.0);
        let width = (RIGHT - left) / (f64::from(last - first) + 1.0);
        let most = company.day.hours.iter().map(|hour| hour.volume).max().unwrap_or_default().max(1);
        let crowd = i8::try_from(usize::from(last.abs_diff(first)) / 10 + 1).unwrap_or(1);
        let candle = |row: &shared::HourlyExtreme| {
            let (open, close) = (row.open?, row.close?);
            let (high, low) = (row.highest_hourly_price, row.lowest_hourly_price);
            #[allow(clippy::cast_precision_loss)] // it becomes a height of at most 22
            let volume = whole(row.volume as f64 / most as f64 * VOLUME);
            Some(Candle {
                hour: format!("{:02}", row.hour),
                is_crowded: (row.hour - first) % crowd != 0,
                x: whole(left + (f64::from(row.hour - first) + 0.5) * width),
                open: scale.at(open.get()),
                high: scale.at(high.get()),
                low: scale.at(low.get()),
                close: scale.at(close.get()),
                direction: if close < open { "dn" } else { "up" },
                volume,
                title: format!(
                    "{:02}:00 open {}, high {}, low {}, close {}, volume {}",
                    row.hour,
                    price(open),
                    price(high),
                    price(low),
                    price(close),
                    thousands(row.volume)
                ),
            })
        };
        let candles = company.day.hours.iter().filter_map(candle).collect();
        Some(Self { half: whole((width * 0.2).clamp(2.0, 8.0)), labels: whole(left - 6.0), candles })
    }

    /// The candles as the page's script reads them, to draw a company that is chosen: half of the width and the end
    /// of the prices, then for each hour its label, direction, x, the y of open, high, low and close, and the volume's height.
    pub fn data(&self) -> String {
        let candle = |of: &Candle| {
            let Candle { hour, direction, x, open, high, low, close, volume, .. } = of;
            format!(";{hour} {direction} {x} {open} {high} {low} {close} {volume}")
        };
        format!("{} {}", self.half, self.labels) + &self.candles.iter().map(candle).collect::<String>()
    }
}
