//! Progress bars on the terminal.

use std::io::{self, IsTerminal as _};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use video_analysis::{Observer, Progress, Stage};

/// Resolution of a bar whose pictures are not counted.
const STEPS: u16 = 1000;

/// Shows one analysis after the other, and all of them together where there are several. Shows nothing where standard
/// error is no terminal.
pub(super) struct Bars {
    shown: Option<(MultiProgress, Option<ProgressBar>)>,
}

/// Shows one analysis, and goes away with it.
pub(super) struct Bar {
    own: ProgressBar,
    all: Option<(ProgressBar, u64, u64)>,
}

impl Bars {
    /// For files of so many bytes: their sizes say best how long the rest will take.
    pub(super) fn new(sizes: &[u64]) -> Self {
        let shown = io::stderr().is_terminal().then(|| {
            let bars = MultiProgress::new();
            let several = sizes.len() > 1;
            let all = several.then(|| bars.add(ProgressBar::new(sizes.iter().sum())));
            if let Some(all) = &all {
                all.set_style(style("{prefix} {wide_bar} {percent:>3} %  {eta:>4} left"));
                all.set_prefix(format!("{} files", sizes.len()));
            }
            (bars, all)
        });
        Self { shown }
    }

    /// For the next file.
    pub(super) fn next(&self, name: &str, bytes: u64) -> Bar {
        let Some((bars, all)) = &self.shown else {
            return Bar { own: ProgressBar::hidden(), all: None };
        };
        let own = bars.add(ProgressBar::new(STEPS.into()));
        own.set_style(style(
            "{prefix:20!} {msg:9} {wide_bar} {percent:>3} %  {pos}/{len}  {per_sec}  {eta:>4} left",
        ));
        own.set_prefix(name.to_owned());
        Bar { own, all: all.clone().map(|all| (all.clone(), all.position(), bytes)) }
    }

    /// Writes a line above the bars.
    pub(super) fn tell(&self, text: &str) {
        match &self.shown {
            // Where even that fails there is nobody to tell.
            Some((bars, _)) => bars.println(text).unwrap_or_default(),
            None => eprintln!("{text}"),
        }
    }
}

/// A template that does not parse leaves indicatif's own style, which also does.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for Bar {
    fn progress(&self, progress: Progress) {
        self.own.set_message(match progress.stage {
            Stage::Probe => "reading",
            Stage::Decode => "decoding",
            Stage::Detect => "detecting",
        });
        if let Some(total) = progress.frames_total {
            self.own.set_length(total);
            self.own.set_position(progress.frames_done.min(total));
        } else {
            self.own.set_position(reached(progress.fraction, STEPS.into()));
        }
        if let Some((all, before, bytes)) = &self.all {
            all.set_position(before + reached(progress.fraction, *bytes));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.own.finish_and_clear();
        if let Some((all, before, bytes)) = &self.all {
            all.set_position(before + bytes);
        }
    }
}

/// A fraction of a count, to a thousandth of it.
fn reached(fraction: f64, of: u64) -> u64 {
    let steps = (1..=STEPS).take_while(|step| f64::from(*step) <= fraction * f64::from(STEPS)).count();
    of / u64::from(STEPS) * u64::try_from(steps).unwrap_or(0)
}
