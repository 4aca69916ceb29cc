//! Which keyframes are shown: the first of each second, or of longer stretches where those were too many.

use crate::rational::Rational;

/// Most thumbnails: of more than 500, neighbours on a seek bar are less than three pixels apart.
pub(super) const MOST: usize = 500;

/// Pictures, at most one of each stretch of time.
pub(super) struct Thumbnails {
    /// Timestamps and red, green and blue, in order of time.
    pub(super) kept: Vec<(i64, Vec<u8>)>,
    /// Length of a stretch in ticks.
    stretch: i64,
    most: usize,
}

impl Thumbnails {
    /// None yet, and never more than `most`.
    pub(super) fn new(time_base: Rational, most: usize) -> Self {
        const SECOND: Rational = Rational { num: 1, den: 1 };
        Self { kept: Vec::new(), stretch: SECOND.rescale(1, time_base).max(1), most: most.max(1) }
    }

    /// Adds a picture that is shown after all others.
    pub(super) fn push(&mut self, pts: i64, picture: &[u8]) {
        let taken = self.kept.last().is_some_and(|(last, _)| self.same_stretch(*last, pts));
        if !taken {
            self.kept.push((pts, picture.to_vec()));
            self.thin();
        }
    }

    /// All of both; `next` follows.
    pub(super) fn join(mut self, next: Self) -> Self {
        self.stretch = self.stretch.max(next.stretch);
        self.most = self.most.max(next.most);
        self.kept.extend(next.kept);
        self.leave_first();
        self.thin();
        self
    }

    pub(super) fn pts(&self) -> Vec<i64> {
        self.kept.iter().map(|(pts, _)| *pts).collect()
    }

    fn same_stretch(&self, one: i64, other: i64) -> bool {
        one.div_euclid(self.stretch) == other.div_euclid(self.stretch)
    }

    fn leave_first(&mut self) {
        let stretch = self.stretch;
        self.kept.dedup_by_key(|(pts, _)| pts.div_euclid(stretch));
    }

    fn thin(&mut self) {
        while self.kept.len() > self.most && self.stretch < i64::MAX {
            self.stretch = self.stretch.saturating_mul(2);
            self.leave_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTHS: Rational = Rational { num: 1, den: 10 };

    fn of(pts: impl Iterator<Item = i64>, most: usize) -> Thumbnails {
        let mut thumbnails = Thumbnails::new(TENTHS, most);
        pts.for_each(|pts| thumbnails.push(pts, &[]));
        thumbnails
    }

    #[test]
    fn the_first_of_each_second_is_kept() {
        assert_eq!(of([-3, 0, 4, 9, 10, 35, 36].into_iter(), 9).pts(), [-3, 0, 10, 35]);
    }

    #[test]
    fn too_many_are_thinned_evenly_also_where_pieces_join() {
        assert_eq!(of((0..100).step_by(10), 3).pts(), [0, 40, 80]);
        let joined = of((0..40).step_by(10), 2).join(of((40..100).step_by(30), 2));
        assert_eq!(joined.pts(), [0, 40]);
    }
}
