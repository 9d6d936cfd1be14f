//! A linear scale from values to SVG coordinates, and its round marks.

/// The values from `low` to `high` over a plot from the y coordinate `bottom` up to `top`.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    pub bottom: f64,
    pub top: f64,
}

/// A label on an axis.
#[derive(Debug, PartialEq, Eq)]
pub struct Label {
    /// The coordinate along the axis.
    pub at: i32,
    pub text: String,
}

impl Scale {
    /// From the lowest to the highest of `values`; none where there are none.
    pub fn over(values: impl IntoIterator<Item = f64>, (bottom, top): (f64, f64)) -> Option<Self> {
        let range = values.into_iter().fold(None, |range: Option<(f64, f64)>, value| {
            Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        });
        range.map(|(low, high)| Self { low, high, bottom, top })
    }

    /// The coordinate of a value; the middle of the plot where all values are one.
    pub fn at(&self, value: f64) -> i32 {
        let span = self.high - self.low;
        let share = if span > 0.0 { (value - self.low) / span } else { 0.5 };
        whole(self.bottom + share * (self.top - self.bottom))
    }

    /// The round values inside the scale, in steps of 1, 2 or 5 times a power of ten, three to eight of them, and the number
    /// of decimals that they need; none where all values are one.
    pub fn marks(&self) -> (Vec<f64>, usize) {
        let span = self.high - self.low;
        if span <= self.high.abs().max(self.low.abs()) * 1e-9 {
            return (vec![], 0);
        }
        let magnitude = (span / 3.0).log10().floor();
        let power = 10_f64.powf(magnitude);
        let step = [5.0, 2.0].into_iter().map(|n| n * power).find(|step| *step <= span / 3.0).unwrap_or(power);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to what a label can hold
        let decimals = (-magnitude).clamp(0.0, 12.0) as usize;
        let first = (self.low / step).ceil();
        let marks = (0_u8..10).map(|n| (first + f64::from(n)) * step).take_while(|value| *value <= self.high);
        (marks.collect(), decimals)
    }
}

/// The nearest whole coordinate: finer than a reader sees, and short.
pub fn whole(coordinate: f64) -> i32 {
    #[allow(clippy::cast_possible_truncation)] // a float that is cast saturates
    let whole = coordinate.round() as i32;
    whole
}

/// An SVG path through the points, with steps from one to the next, which are shorter than coordinates.
pub fn path(points: impl IntoIterator<Item = (i32, i32)>) -> String {
    let mut path = String::new();
    let mut last: Option<(i32, i32)> = None;
    for (x, y) in points {
        path += &match last {
            None => format!("M{x} {y}l"),
            Some((last_x, last_y)) => {
                let separator = if path.ends_with('l') { "" } else { " " };
                let (dx, dy) = (x - last_x, y - last_y);
                let between = if dy < 0 { "" } else { " " };
                format!("{}{dx}{between}{dy}", if dx < 0 { "" } else { separator })
            }
        };
        last = Some((x, y));
    }
    path.trim_end_matches('l').to_owned()
}

/// Of `items` at most `most`, evenly spaced, the first and the last among them.
pub fn thinned<T: Copy>(items: &[T], most: usize) -> Vec<T> {
    let (Some(last), true) = (items.len().checked_sub(1), items.len() > most && most > 1) else {
        return items.to_vec();
    };
    (0..most).map(|n| items[n * last / (most - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLOT: (f64, f64) = (100.0, 0.0);

    #[test]
    fn the_marks_are_round() {
        for (low, high, expected) in [
            (331.0, 341.19, "332 334 336 338 340"),
            (1486.12, 1522.7, "1490 1500 1510 1520"),
            (0.081, 0.0846, "0.081 0.082 0.083 0.084"),
            (-2.7, 2.4, "-2 -1 0 1 2"),
            (100.0, 100.04, "100.00 100.01 100.02 100.03 100.04"),
            (208.5, 208.5, ""),
        ] {
            let (marks, decimals) = Scale::over([high, low], PLOT).map(|scale| scale.marks()).unwrap_or_default();
            let shown: Vec<_> = marks.iter().map(|mark| format!("{mark:.decimals$}").replace("-0", "0")).collect();
            assert_eq!(shown.join(" "), expected, "{low} to {high}");
        }
        assert!(Scale::over([], PLOT).is_none());
    }

    #[test]
    fn a_path_has_steps() {
        assert_eq!(path([(2, 12), (4, 18), (5, 17), (4, 17), (6, 15)]), "M2 12l2 6 1-1-1 0 2-2");
        assert_eq!(path([(2, 12)]), "M2 12");
        assert_eq!(path([]), "");
    }

    #[test]
    fn what_is_thinned_keeps_its_ends() {
        let all: Vec<u32> = (0..78).collect();
        assert_eq!(thinned(&all, 4), [0, 25, 51, 77]);
        assert_eq!(thinned(&all[..3], 4), [0, 1, 2]);
        assert!(thinned::<u32>(&[], 4).is_empty());
    }

    proptest! {
        #[test]
        fn any_values_have_marks_inside_the_plot(low in 1e-6_f64..1e9, spread in 1e-6_f64..10.0, sign in any::<bool>()) {
            let ends = [low, low * (1.0 + spread)].map(|value| if sign { value } else { -value });
            let scale = Scale::over(ends, PLOT).ok_or_else(|| TestCaseError::fail("no scale"))?;
            let (marks, decimals) = scale.marks();
            prop_assert!((3..=8).contains(&marks.len()), "{:?}", marks);
            prop_assert!(marks.iter().all(|mark| (0..=100).contains(&scale.at(*mark))), "{:?}", marks);
            let mut texts: Vec<_> = marks.iter().map(|mark| format!("{mark:.decimals$}")).collect();
            texts.dedup();
            prop_assert_eq!(texts.len(), marks.len());
        }
    }
}
