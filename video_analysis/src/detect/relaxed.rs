//! What is found with wider limits than reports have: partly false, which is what confidences are fitted to.

use std::collections::BTreeSet;

use super::fades::{Blank, Fade};
use super::gradual::Gradual;
use super::{cuts, fades, gradual};
use crate::calibration::Finding;
use crate::features::Frame;
use crate::options::ShotOptions;
use crate::report::SegmentKind;

/// Cuts, dissolves and wipes, each with limits `leeway` times as wide, beside what is found of the others without; and fades, of
/// which wider limits find no more and none that is false.
pub(crate) fn find(frames: &[Frame], leeway: f64) -> Vec<Finding> {
    let usual = ShotOptions::default();
    let shortest = usize::try_from(usual.min_fade_frames).unwrap_or(usize::MAX);
    let blanks = fades::find(frames, shortest);
    let extents: Vec<_> = blanks.iter().map(Blank::extent).collect();
    let no_fade =
        |gradual: &Gradual| extents.iter().all(|(from, to)| gradual.end <= *from || *to <= gradual.start);
    let graduals = |leeway| gradual::find_within(frames, &usual, leeway).into_iter().filter(no_fade);
    let found = |kind, start, end, margin, usual| Finding { kind, start, end, margin, usual };

    let inside: Vec<_> = graduals(1.0).map(|gradual| (gradual.start, gradual.end + 1)).collect();
    let covered = |at: usize| {
        inside.iter().any(|(start, end)| (*start..*end).contains(&at))
            || extents.iter().any(|(from, to)| *from < at && at < *to)
    };
    let options = ShotOptions {
        min_change: usual.min_change / leeway,
        min_contrast: usual.min_contrast / leeway,
        ..usual.clone()
    };
    let cuts = cuts::find(frames, &options).into_iter().filter(|cut| !covered(cut.frame));
    let usual_cuts: BTreeSet<usize> = cuts::find(frames, &usual).iter().map(|cut| cut.frame).collect();
    let cuts =
        cuts.map(|cut| found("cut", cut.frame, cut.frame, cut.margin, usual_cuts.contains(&cut.frame)));

    let gradual = |gradual: Gradual| {
        let kind = if gradual.kind == SegmentKind::Wipe { "wipe" } else { "dissolve" };
        found(kind, gradual.start, gradual.end, gradual.margin, gradual.margin > 0.0)
    };
    let fades = blanks.into_iter().flat_map(|blank| {
        let fade = |kind, fade: Fade| found(kind, fade.start, fade.end, 0.0, true);
        let fade_out = blank.fade_out.map(|out| fade("fade_out", out));
        fade_out.into_iter().chain(blank.fade_in.map(|into| fade("fade_in", into)))
    });
    cuts.chain(graduals(leeway).map(gradual)).chain(fades).collect()
}
