//! Pairs of measurements, the limit and the product by turns, and what may be said of them.
//!
//! Seconds on one machine mean nothing elsewhere, and little a minute later; a ratio of two figures that were taken
//! side by side means something. So a series keeps pairs, and its figure is the median of the pairs' ratios.
//! Deliberately absent: what is measured.

use std::time::{Duration, Instant};

/// The smallest number of pairs of which a median is believed.
pub const RUNS_MIN: usize = 5;

/// The middle of some figures; the mean of the two middle ones where they are even in number.
#[must_use]
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// Pairs of figures of one sort, both in the same unit.
#[derive(Clone, Debug, Default)]
pub struct Series {
    limit: Vec<f64>,
    product: Vec<f64>,
}

/// What may be said of the ratios of a series.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Spread {
    /// Of some figures.
    #[must_use]
    pub fn of(figures: &[f64]) -> Self {
        let low = figures.iter().copied().fold(f64::INFINITY, f64::min);
        let high = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Spread { median: median(figures), low, high }
    }

    /// Of a figure that was counted and not timed: it has no spread.
    #[must_use]
    pub fn exact(figure: f64) -> Self {
        Spread { median: figure, low: figure, high: figure }
    }
}

impl Series {
    /// Adds a pair.
    pub fn push(&mut self, limit: f64, product: f64) {
        self.limit.push(limit);
        self.product.push(product);
    }

    /// The limit's median.
    #[must_use]
    pub fn limit(&self) -> f64 {
        median(&self.limit)
    }

    /// The product's median.
    #[must_use]
    pub fn product(&self) -> f64 {
        median(&self.product)
    }

    /// The spread of product ÷ limit, pair by pair.
    #[must_use]
    pub fn ratios(&self) -> Spread {
        let ratios: Vec<f64> = self.limit.iter().zip(&self.product).map(|(l, p)| p / l).collect();
        Spread::of(&ratios)
    }

    /// How much the limit alone differed between runs, as greatest ÷ least: the machine's noise.
    #[must_use]
    pub fn noise(&self) -> f64 {
        let spread = Spread::of(&self.limit);
        spread.high / spread.low
    }
}

/// Runs a limit and a product by turns, so that neither is always the first.
///
/// # Errors
/// The first that either returns.
pub fn alternate<E>(
    runs: usize,
    mut limit: impl FnMut() -> Result<f64, E>,
    mut product: impl FnMut() -> Result<f64, E>,
) -> Result<Series, E> {
    let mut series = Series::default();
    for run in 0..runs {
        let (l, p) = if run % 2 == 0 {
            let l = limit()?;
            (l, product()?)
        } else {
            let p = product()?;
            (limit()?, p)
        };
        series.push(l, p);
    }
    Ok(series)
}

/// How long work takes, with what it gives.
///
/// # Errors
/// What the work returns.
pub fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let begun = Instant::now();
    let done = work()?;
    Ok((done, begun.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let mut series = Series::default();
        // The machine was twice as slow in the second pair: that is no difference of the two.
        series.push(10.0, 5.0);
        series.push(20.0, 10.0);
        let ratios = series.ratios();
        assert_eq!((ratios.low, ratios.median, ratios.high), (0.5, 0.5, 0.5));
        assert_eq!(series.noise(), 2.0);
    }

    #[test]
    fn turns_are_taken() {
        let order = std::cell::RefCell::new(String::new());
        let say = |c: char| {
            order.borrow_mut().push(c);
            Ok::<_, ()>(1.0)
        };
        alternate(3, || say('l'), || say('p')).expect("runs");
        assert_eq!(order.into_inner(), "lppllp");
    }
}
