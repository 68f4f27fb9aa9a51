//! Shares of viewers, and how certain they are.

use statrs::function::erf::erfc_inv;

/// The number of standard errors that chance exceeds with this probability, from 0 to 1/2.
pub(super) fn exceeded_with(probability: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(2.0 * probability)
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "what is as large needs no more digits")]
pub(super) fn float(count: i128) -> f64 {
    count as f64
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share {
    found: f64,
    of: f64,
}

impl Share {
    /// `found` of `of`, which is above 0.
    pub(super) fn new(found: i64, of: i64) -> Self {
        Self { found: float(found.into()), of: float(of.into()) }
    }

    /// As a number from 0 to 1.
    pub(super) fn value(self) -> f64 {
        self.found / self.of
    }

    /// The share, and Wilson's interval of `z` standard errors for it.
    pub(super) fn wilson(self, z: f64) -> [f64; 3] {
        let (share, of) = (self.value(), self.of);
        let shrunk = 1.0 + z * z / of;
        let middle = (share + z * z / (2.0 * of)) / shrunk;
        let half = z * (share * (1.0 - share) / of + z * z / (4.0 * of * of)).sqrt() / shrunk;
        [share, (middle - half).clamp(0.0, share), (middle + half).clamp(share, 1.0)]
    }

    /// By how much it exceeds `other`, and Newcombe's interval of `z` standard errors for that, from Wilson's of both.
    pub(super) fn difference(self, other: Self, z: f64) -> [f64; 3] {
        let ([a, a_low, a_high], [b, b_low, b_high]) = (self.wilson(z), other.wilson(z));
        let difference = a - b;
        [difference, difference - (a - a_low).hypot(b_high - b), difference + (a_high - a).hypot(b - b_low)]
    }

    /// By how many standard errors it exceeds `other`, negative if it does not: the signed root of the likelihood ratio,
    /// which stays near the truth where few were found, with half of one less here and more there, as they are whole ones.
    pub(super) fn exceeds(self, other: Self) -> f64 {
        let pooled = (self.found + other.found) / (self.of + other.of);
        let (here, there) =
            (Self { found: self.found - 0.5, ..self }, Self { found: other.found + 0.5, ..other });
        let terms = [here, there].map(|share| {
            let term =
                |found: f64, expected: f64| if found > 0.0 { found * (found / expected).ln() } else { 0.0 };
            term(share.found, share.of * pooled) + term(share.of - share.found, share.of * (1.0 - pooled))
        });
        let ratio = 2.0 * (terms[0] + terms[1]);
        ratio.max(0.0).sqrt().copysign(here.value() - there.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 5e-5, "{a} is not {b}");
    }

    #[test]
    fn quantiles_are_those_of_tables() {
        for (probability, z) in [(0.5, 0.0), (0.025, 1.95996), (0.05 / 1792.0, 4.02989), (5e-10, 6.10941)] {
            close(exceeded_with(probability), z);
        }
    }

    #[test]
    fn intervals_are_those_of_newcombe() {
        // Newcombe 1998, table I of each paper: 81 of 263, 0 of 20; 56/70 - 48/80, 10/10 - 0/10.
        let z = exceeded_with(0.025);
        let [_, low, high] = Share::new(81, 263).wilson(z);
        close(low, 0.2553);
        close(high, 0.3662);
        assert_eq!(Share::new(0, 20).wilson(z)[..2], [0.0, 0.0]);
        let [size, low, high] = Share::new(56, 70).difference(Share::new(48, 80), z);
        close(size, 0.2);
        close(low, 0.0524);
        close(high, 0.3339);
        let [_, low, high] = Share::new(10, 10).difference(Share::new(0, 10), z);
        close(low, 0.6075);
        close(high, 1.0);
    }

    #[test]
    fn the_likelihood_ratio_by_hand() {
        // 29.5 and 10.5 of 100 each: G² = 2 (29.5 ln 1.475 + 70.5 ln 0.88125 + 10.5 ln 0.525 + 89.5 ln 1.11875).
        close(Share::new(30, 100).exceeds(Share::new(10, 100)), 11.6609_f64.sqrt());
        assert!(Share::new(5, 10).exceeds(Share::new(5, 10)) < 0.0);
        // Of 15 where 5 are expected, a Poisson number tells 3.508: 1 in 4,400.
        let z = Share::new(15, 1_000_000).exceeds(Share::new(500_000, 100_000_000_000));
        assert!((3.4..3.508).contains(&z), "{z}");
    }
}
