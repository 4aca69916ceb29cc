//! A progress bar on the terminal.

use indicatif::{ProgressBar, ProgressStyle};
use video_analysis::{Observer, Progress, Stage};

/// Resolution of the bar.
const STEPS: f64 = 1000.0;

/// Shows an analysis as a bar, and goes away with it.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(1000);
        // A template that does not parse leaves indicatif's own style, which also does.
        if let Ok(style) = ProgressStyle::with_template("{msg:9} {wide_bar} {percent:>3} %  {eta:>4} left") {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Observer for Bar {
    fn progress(&self, progress: Progress) {
        self.0.set_message(match progress.stage {
            Stage::Probe => "reading",
            Stage::Decode => "decoding",
            Stage::Detect => "detecting",
        });
        let steps = (0u64..).zip((0..=1000).map(|step| f64::from(step) / STEPS));
        let reached = steps.take_while(|(_, fraction)| *fraction <= progress.fraction).last();
        self.0.set_position(reached.map_or(0, |(step, _)| step));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
