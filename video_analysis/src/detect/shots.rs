//! Shots: the film between cuts, dissolves, wipes and fades.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use super::cuts::Cut;
use super::fades::{Blank, Fade, Title};
use super::film::evidence;
use super::gradual::Gradual;
use super::{Detector, Film, Findings, VideoDetector, confidence, windows};
use crate::choice::DetectorName;
use crate::features::Frames;
use crate::options::ShotOptions;
use crate::report::{Evidence, OpenedBy, SegmentKind, Shot};

/// Finds cuts, dissolves, wipes and fades, and tiles the film with the shots between them.
pub(super) struct Shots {
    options: ShotOptions,
}

/// Where shots end and begin, before what overlaps is told apart.
pub(crate) struct Boundaries {
    blanks: Vec<Blank>,
    cuts: Vec<Cut>,
    graduals: Vec<Gradual>,
}

/// What opens the shot that begins at some frame.
struct Opening {
    by: OpenedBy,
    confidence: f64,
    evidence: Option<Evidence>,
}

impl Shots {
    pub(super) fn new(options: &ShotOptions) -> Self {
        Self { options: options.clone() }
    }
}

impl Detector for Shots {
    fn name(&self) -> DetectorName {
        DetectorName::Shots
    }

    fn version(&self) -> &'static str {
        "9"
    }

    fn params(&self) -> Value {
        json!(self.options)
    }
}

impl Boundaries {
    /// Finds them all.
    pub(crate) fn find(frames: &Frames, options: &ShotOptions) -> io::Result<Self> {
        let min_fade = usize::try_from(options.min_fade_frames).unwrap_or(usize::MAX);
        let (sharp, graduals) = std::thread::scope(|scope| {
            let sharp = scope.spawn(|| -> io::Result<_> {
                Ok((windows::blanks(frames, min_fade)?, windows::cuts(frames, options)?))
            });
            let graduals = windows::graduals(frames, options);
            (sharp.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), graduals)
        });
        let ((blanks, cuts), mut graduals) = (sharp?, graduals?);
        graduals.retain(|gradual| {
            blanks.iter().map(Blank::extent).all(|(from, to)| gradual.end <= from || to <= gradual.start)
        });
        Ok(Self { blanks, cuts, graduals })
    }

    /// The same while decoders are still at work: of a film of one window, for the memory of more is the decoders' until they are done.
    pub(crate) fn find_early(frames: &Frames, options: &ShotOptions) -> io::Result<Option<Self>> {
        windows::is_one(frames).then(|| Self::find(frames, options)).transpose()
    }
}

impl VideoDetector for Shots {
    fn detect(&self, film: &Film, found: &mut Findings) -> io::Result<()> {
        if film.frames.is_empty() {
            return Ok(());
        }
        let now;
        let Boundaries { blanks, cuts, graduals } = if let Some(early) = &film.boundaries {
            early
        } else {
            now = Boundaries::find(&film.frames, &self.options)?;
            &now
        };
        for blank in blanks {
            let parts = [(SegmentKind::FadeOut, &blank.fade_out), (SegmentKind::FadeIn, &blank.fade_in)];
            for (kind, fade) in parts.into_iter().filter_map(|(kind, fade)| Some((kind, fade.as_ref()?))) {
                let (sure, why) = judged(fade);
                found.transitions.push(film.segment(kind, fade.start, fade.end, sure, Some(why)));
            }
        }
        for Gradual { kind, start, end, margin, evidence, .. } in graduals {
            let segment = film.segment(*kind, *start, *end, sure(*kind, *margin), Some(evidence.clone()));
            found.transitions.push(segment);
        }
        found.transitions.sort_by_key(|transition| transition.start_frame);
        found.shots = tile(film, &openings(blanks, cuts, graduals, film.frames.len()));
        Ok(())
    }
}

/// A fade-out, the plain pictures after it and the fade-in that follows open one shot: with the first picture that is seen.
/// Where nothing fades in, the plain pictures end with a cut. What looks like a cut inside a dissolve or a wipe is a part of it.
fn openings(blanks: &[Blank], cuts: &[Cut], graduals: &[Gradual], frames: usize) -> BTreeMap<usize, Opening> {
    let mut openings: BTreeMap<usize, Opening> = cuts.iter().map(|cut| (cut.frame, of_cut(cut))).collect();
    for gradual in graduals {
        openings.retain(|frame, _| *frame < gradual.start || *frame > gradual.end);
        let by = if gradual.kind == SegmentKind::Wipe { OpenedBy::Wipe } else { OpenedBy::Dissolve };
        let Gradual { kind, margin, evidence, .. } = gradual;
        let opening = Opening { by, confidence: sure(*kind, *margin), evidence: Some(evidence.clone()) };
        openings.insert(gradual.start, opening);
    }
    for blank in blanks {
        let (from, to) = blank.extent();
        // A cut into the plain stretch is one, and the stretch then belongs to the shot that fades in from it.
        let cut_into = blank.fade_out.is_none() && (blank.start == 0 || openings.contains_key(&blank.start));
        let cut_out_of = blank.fade_in.is_none();
        openings.retain(|frame, _| {
            let kept = (cut_into && *frame == blank.start) || (cut_out_of && *frame == blank.end);
            *frame < from || *frame > to || kept
        });
        if let Some(fade) = &blank.fade_in
            && !cut_into
            && blank.end < frames
        {
            let (confidence, evidence) = judged(fade);
            openings.insert(blank.end, Opening { by: OpenedBy::Fade, confidence, evidence: Some(evidence) });
        }
        // What is there at once after a fade out is the next shot, also where it is a title and little of the picture.
        if let Some(title) = blank.title {
            openings.entry(blank.end).or_insert_with(|| of_title(title));
        }
    }
    openings
}

fn of_cut(cut: &Cut) -> Opening {
    Opening {
        by: OpenedBy::Cut,
        confidence: confidence::CUT.of(cut.margin),
        evidence: Some(evidence(cut.metric, cut.value, cut.threshold)),
    }
}

fn of_title(title: Title) -> Opening {
    Opening {
        by: OpenedBy::Cut,
        confidence: confidence::CUT.of(title.margin()),
        evidence: Some(evidence("peak_change", title.change, Title::THRESHOLD)),
    }
}

fn sure(kind: SegmentKind, margin: f64) -> f64 {
    let curve = if kind == SegmentKind::Wipe { confidence::WIPE } else { confidence::DISSOLVE };
    curve.of(margin)
}

fn judged(fade: &Fade) -> (f64, Evidence) {
    (confidence::FADE, evidence("largest_step", fade.largest_step, Fade::THRESHOLD))
}

fn tile(film: &Film, openings: &BTreeMap<usize, Opening>) -> Vec<Shot> {
    let start = Opening { by: OpenedBy::Start, confidence: 1.0, evidence: None };
    let starts =
        || [(0, &start)].into_iter().chain(openings.iter().map(|(frame, opening)| (*frame, opening)));
    let ends = starts().skip(1).map(|(frame, _)| frame).chain([film.frames.len()]);
    starts()
        .zip(ends)
        .map(|((from, opening), to)| Shot {
            segment: film.segment(SegmentKind::Shot, from, to, opening.confidence, opening.evidence.clone()),
            opened_by: opening.by,
            representative: None,
            palette: Vec::new(),
        })
        .collect()
}
