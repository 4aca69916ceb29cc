//! How sure shot boundaries are: of all findings of a type that are as clear, the share that is true.
//!
//! How clear a finding is, its margin, is how many times over its limit the measure is that is nearest to it, as a logarithm, and of
//! cuts also how much motion does not explain; whatever options say. A logistic curve makes a probability of it, after
//! J. Platt, *Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods*,
//! Advances in Large Margin Classifiers (1999).
//! `bench/calibration.py` fits the constants to what is found with wider limits, which is partly false, in clips of known
//! truth; `docs/shot-detection.md` has what became of them on others.

/// The probability of a finding by its margin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    /// The logarithm of the odds where the margin is 0.
    at_limit: f64,
    /// What is added to it where the margin grows by 1.
    slope: f64,
}

pub(super) const CUT: Curve = Curve { at_limit: -1.515, slope: 2.597 };
pub(super) const DISSOLVE: Curve = Curve { at_limit: 0.875, slope: 6.880 };
pub(super) const WIPE: Curve = Curve { at_limit: 2.054, slope: 7.315 };
/// Of fades, however clear they are, for one of 575 was false: after Laplace's rule of succession.
pub(super) const FADE: f64 = 575.0 / 577.0;

impl Curve {
    pub(super) fn of(self, margin: f64) -> f64 {
        1.0 / (1.0 + (-self.at_limit - self.slope * margin).exp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_clearer_is_no_less_sure() {
        for curve in [CUT, DISSOLVE, WIPE] {
            let sure = [-1e9, -1.0, 0.0, 0.5, 3.0, 1e9].map(|margin| curve.of(margin));
            assert!(sure.is_sorted() && sure.iter().all(|sure| (0.0..=1.0).contains(sure)), "{sure:?}");
        }
    }
}
