//! The report for people.

use std::fmt::{self, Write as _};

use video_analysis::DetectorName;
use video_analysis::report::{
    ActiveArea, AudioFindings, ChannelFaultKind, DamageKind, DetectorRun, DetectorStatus, Loudness, OpenedBy,
    Plain, Rectangle, Report, Segment, SegmentKind, Shot, Stream, StreamDamage, StreamKind,
};

/// Streams, shots, fades, black and silent ranges, loudness, and what was not examined.
pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    write(&mut text, report).map_or_else(|_| String::new(), |()| text)
}

fn write(out: &mut String, report: &Report) -> fmt::Result {
    let container = &report.container;
    let name = container.format_name.as_deref().unwrap_or(&container.format);
    let duration = container.duration_seconds.map(clock).unwrap_or_default();
    writeln!(out, "{name}, {duration}, {} bytes", report.input.bytes)?;
    writeln!(out, "sha256 {}", report.input.sha256)?;

    writeln!(out, "\nStreams")?;
    for stream in &report.streams {
        writeln!(
            out,
            "  {:>2}  {}{}",
            stream.index,
            describe(stream),
            if stream.analyzed { "" } else { "  (not analysed)" }
        )?;
    }

    if !report.shots.is_empty() {
        writeln!(out, "\nShots ({} of {} frames)", report.shots.len(), report.frames)?;
        writeln!(
            out,
            "  {:>4}  {:<8}  {:>9}  {:>13}  {:>9}  {:>10}",
            "#", "opens", "frame", "start", "seconds", "confidence"
        )?;
        for (number, shot) in (1u64..).zip(&report.shots) {
            write_shot(out, number, shot)?;
        }
    }
    // Of what nobody asked for there is nothing to say.
    let asked = |detector| report.run_of(detector).is_some_and(|run| run.asked);
    if asked(DetectorName::Shots) {
        write_ranges(out, "Transitions", &report.transitions)?;
    }
    if asked(DetectorName::Black) {
        write_ranges(out, "Black", &report.black)?;
    }
    if asked(DetectorName::Plain) {
        write_plain(out, &report.plain)?;
    }
    if asked(DetectorName::Freeze) {
        write_ranges(out, "Freezes", &report.freezes)?;
    }
    if asked(DetectorName::Letterbox) {
        write_areas(out, &report.active_area)?;
    }
    if asked(DetectorName::Silence) {
        write_ranges(out, "Silence", &report.silence)?;
    }
    if let Some(loudness) = &report.loudness {
        write_loudness(out, loudness)?;
    }
    report.audio.iter().try_for_each(|found| write_channels(out, found))?;
    report.damage.iter().try_for_each(|damage| write_damage(out, damage))?;
    if let Some(poster) = &report.poster {
        writeln!(out, "\nPoster\n  frame {} at {}", poster.frame, clock(poster.seconds))?;
    }
    let worth_a_note = |run: &&DetectorRun| run.asked && run.status != DetectorStatus::Completed;
    for detector in report.detectors.iter().filter(worth_a_note) {
        let why = detector
            .skipped_reason
            .as_deref()
            .unwrap_or("the stream is damaged: only part of it was examined");
        writeln!(out, "\nNote: {}: {why}", detector.name)?;
    }
    Ok(())
}

fn describe(stream: &Stream) -> String {
    let codec = stream.codec.as_deref().unwrap_or("unknown codec");
    let mut parts = match (&stream.video, &stream.audio) {
        (Some(video), _) => {
            let rate = video.average_frame_rate.map(|rate| format!("{:.3} fps", rate.to_f64()));
            let turned = (video.rotation != 0).then(|| format!("rotated {}°", video.rotation));
            let cover = video.attached_picture.then(|| "cover picture".to_owned());
            let parts = [
                Some(format!("{}x{}", video.width, video.height)),
                video.pixel_format.clone(),
                rate,
                turned,
                cover,
            ];
            parts.into_iter().flatten().collect()
        }
        (None, Some(audio)) => {
            let layout =
                audio.channel_layout.clone().unwrap_or_else(|| format!("{} channels", audio.channels));
            vec![format!("{} Hz", audio.sample_rate), layout]
        }
        (None, None) => Vec::new(),
    };
    parts.extend(stream.language.clone().filter(|language| language != "und"));
    let kind = match stream.kind {
        StreamKind::Video => "video",
        StreamKind::Audio => "audio",
        StreamKind::Subtitle => "subtitle",
        StreamKind::Data => "data",
        StreamKind::Attachment => "attachment",
        StreamKind::Unknown => "unknown",
    };
    [vec![format!("{kind:<6} {codec}")], parts].concat().join(", ")
}

fn write_shot(out: &mut String, number: u64, shot: &Shot) -> fmt::Result {
    let opened = match shot.opened_by {
        OpenedBy::Start => "start",
        OpenedBy::Cut => "cut",
        OpenedBy::Fade => "fade",
        OpenedBy::Dissolve => "dissolve",
        OpenedBy::Wipe => "wipe",
    };
    let segment = &shot.segment;
    writeln!(
        out,
        "  {number:>4}  {opened:<8}  {:>9}  {:>13}  {:>9.3}  {:>10.2}",
        segment.start_frame.unwrap_or(0),
        clock(segment.start_seconds),
        segment.end_seconds - segment.start_seconds,
        segment.confidence
    )
}

fn write_ranges(out: &mut String, title: &str, ranges: &[Segment]) -> fmt::Result {
    writeln!(out, "\n{title}{}", if ranges.is_empty() { "\n  none" } else { "" })?;
    for range in ranges {
        let frames =
            range.start_frame.zip(range.end_frame).map(|(start, end)| format!("  frames {start} to {end}"));
        let kind = match range.kind {
            SegmentKind::FadeOut => "  fade-out",
            SegmentKind::FadeIn => "  fade-in",
            SegmentKind::Dissolve => "  dissolve",
            SegmentKind::Wipe => "  wipe",
            _ => "",
        };
        let seconds = range.end_seconds - range.start_seconds;
        let (start, end) = (clock(range.start_seconds), clock(range.end_seconds));
        writeln!(out, "  {start} - {end}  {seconds:>9.3} s{}{kind}", frames.unwrap_or_default())?;
    }
    Ok(())
}

fn write_plain(out: &mut String, ranges: &[Plain]) -> fmt::Result {
    writeln!(out, "\nOne colour{}", if ranges.is_empty() { "\n  none" } else { "" })?;
    for Plain { segment, color } in ranges {
        let (start, end) = (clock(segment.start_seconds), clock(segment.end_seconds));
        writeln!(out, "  {start} - {end}  {color}")?;
    }
    Ok(())
}

fn write_areas(out: &mut String, ranges: &[ActiveArea]) -> fmt::Result {
    writeln!(out, "\nBars{}", if ranges.is_empty() { "\n  none" } else { "" })?;
    for ActiveArea { segment, active: Rectangle { x, y, width, height } } in ranges {
        let (start, end) = (clock(segment.start_seconds), clock(segment.end_seconds));
        writeln!(out, "  {start} - {end}  picture {width}x{height} at {x},{y}")?;
    }
    Ok(())
}

fn write_loudness(out: &mut String, loudness: &Loudness) -> fmt::Result {
    let level = |value: Option<f64>, unit: &str| match value {
        Some(value) => format!("{value:>7.2} {unit}"),
        None => format!("{:>7} {unit}", "-"),
    };
    writeln!(out, "\nLoudness (EBU R 128)")?;
    writeln!(out, "  integrated      {}", level(loudness.integrated_lufs, "LUFS"))?;
    writeln!(out, "  range           {}", level(loudness.range_lu, "LU"))?;
    writeln!(out, "  true peak       {}", level(loudness.true_peak_dbtp, "dBTP"))?;
    writeln!(out, "  momentary max   {}", level(loudness.momentary_max_lufs, "LUFS"))?;
    writeln!(out, "  short-term max  {}", level(loudness.short_term_max_lufs, "LUFS"))?;
    if let Some(note) = &loudness.note {
        writeln!(out, "  {note}")?;
    }
    Ok(())
}

/// What is wrong with one audio stream; nothing where nothing is.
fn write_channels(out: &mut String, found: &AudioFindings) -> fmt::Result {
    let drift = found.timing.as_ref().filter(|timing| timing.drift_seconds != 0.0);
    if !found.silent && found.channel_faults.is_empty() && found.clipping.is_empty() && drift.is_none() {
        return Ok(());
    }
    writeln!(out, "\nSound of stream {}", found.coverage.stream)?;
    if let Some(timing) = drift {
        writeln!(out, "  timestamps run ahead of the samples by {:.3} s", timing.drift_seconds)?;
    }
    if found.silent {
        writeln!(out, "  all of it is silent")?;
    }
    for fault in &found.channel_faults {
        let other = fault.other_channel.unwrap_or(0);
        match fault.kind {
            ChannelFaultKind::Dead => writeln!(out, "  channel {} is dead", fault.channel),
            ChannelFaultKind::Inverted => {
                writeln!(out, "  channel {} is channel {other} with opposite polarity", fault.channel)
            }
            ChannelFaultKind::Duplicated => {
                writeln!(out, "  channel {} is the same as channel {other}", fault.channel)
            }
        }?;
    }
    for range in &found.clipping {
        let (start, end) = (clock(range.segment.start_seconds), clock(range.segment.end_seconds));
        writeln!(out, "  {start} - {end}  channel {} clips, {} samples", range.channel, range.samples)?;
    }
    Ok(())
}

/// Where one stream is damaged; nothing where it is not.
fn write_damage(out: &mut String, damage: &StreamDamage) -> fmt::Result {
    if damage.ranges.is_empty() {
        return Ok(());
    }
    let covered =
        damage.coverage.map(|share| format!(", {:.2} % decoded", share * 100.0)).unwrap_or_default();
    writeln!(out, "\nDamage of stream {}{covered}", damage.stream)?;
    for range in &damage.ranges {
        let kind = match range.kind {
            DamageKind::DecodeError => "decoding errors",
            DamageKind::Undecodable => "nothing could be decoded",
            DamageKind::Gap => "missing",
            DamageKind::Duplicated => "the same timestamp more than once",
            DamageKind::Backwards => "timestamps go back",
            DamageKind::CutOff => "cut off",
        };
        let (start, end) = (clock(range.start_seconds), clock(range.end_seconds));
        writeln!(out, "  {start} - {end}  {kind}")?;
    }
    if damage.left_off > 0 {
        writeln!(out, "  and {} more", damage.left_off)?;
    }
    Ok(())
}

/// `h:mm:ss.mmm`
fn clock(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let seconds = seconds.abs();
    let hours = (seconds / 3600.0).floor();
    let minutes = ((seconds - hours * 3600.0) / 60.0).floor();
    let rest = seconds - hours * 3600.0 - minutes * 60.0;
    format!("{sign}{hours:.0}:{minutes:02.0}:{rest:06.3}")
}
