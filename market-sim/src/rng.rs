//! The only source of randomness in the simulated market: the same request draws the same numbers on every machine.
//!
//! A generator is seeded by its purpose and not by earlier draws, so days can be requested in any order. Only
//! integer arithmetic, `+ - * /` and `sqrt` follow: they are exact to the last bit everywhere, unlike libm's functions.

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use sha2::{Digest, Sha256};

/// A stream of numbers that belongs to one symbol, one purpose and one number (such as a day).
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// The generator for one purpose.
    pub fn new(symbol: &str, purpose: &str, number: i64) -> Self {
        let seed = Sha256::new()
            .chain_update(symbol)
            .chain_update("\0")
            .chain_update(purpose)
            .chain_update("\0")
            .chain_update(number.to_le_bytes())
            .finalize();
        Self(Xoshiro256PlusPlus::from_seed(seed.into()))
    }

    /// A number from 0 up to, not including, 1.
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// A number around 0 with variance 1, bell-shaped, never beyond 3.5 either way.
    pub fn bell(&mut self) -> f64 {
        let sum: f64 = (0..4).map(|_| self.unit()).sum();
        (sum - 2.0) * 3.0_f64.sqrt() // four uniform numbers have mean 2 and variance 1/3
    }

    /// `true` once in `odds` draws, on average.
    pub fn once_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    /// A whole number from 0 up to, not including, `limit`; 0 if `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.unit() * limit as f64) as usize
    }
}

/// The exponential of `x`, to four digits for `x` within about ±5.
pub fn exp(x: f64) -> f64 {
    (0..20).fold(1.0 + x / f64::from(1 << 20), |power, _| power * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_purpose_draws_the_same_and_another_one_does_not() {
        let draw = |symbol: &str, purpose: &str, number| Rng::new(symbol, purpose, number).unit();
        assert_eq!(draw("META", "level", 7), draw("META", "level", 7));
        for other in [draw("SHOP", "level", 7), draw("META", "gaps", 7), draw("META", "level", 8)] {
            assert_ne!(draw("META", "level", 7), other);
        }
    }

    #[test]
    fn the_bell_has_mean_0_and_variance_1() {
        let mut rng = Rng::new("META", "test", 0);
        let draws: Vec<f64> = (0..20_000).map(|_| rng.bell()).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|x| x * x).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }

    #[test]
    fn exp_is_the_exponential() {
        for x in [-3.0, -0.5, 0.0, 0.02, 1.0, 4.6] {
            assert!((exp(x) / f64::exp(x) - 1.0).abs() < 1e-4, "{x}");
        }
    }
}
