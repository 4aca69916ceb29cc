//! Final Cut Pro XML 1.8: a project whose storyline is the film, an asset clip a shot.
//!
//! Times are rational seconds and multiples of the frame's duration, as the format demands, counted from the first picture.
//! Version 1.8 is the last in which an asset names its file itself, and the one that the most programs read.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::film::{Film, Shot};
use super::{ExportError, Media};
use crate::rational::Rational;

type Xml = Writer<Vec<u8>>;

pub(super) fn write(film: &Film, media: &Media) -> Result<String, ExportError> {
    let rate = film.constant_rate()?;
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory cannot fail.
    let written =
        document(&mut xml, film, rate, media).ok().and_then(|()| String::from_utf8(xml.into_inner()).ok());
    Ok(written.unwrap_or_default() + "\n")
}

fn document(xml: &mut Xml, film: &Film, rate: Rational, media: &Media) -> io::Result<()> {
    let length = time(film.frames(), rate);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.write_event(Event::DocType(BytesText::from_escaped("fcpxml")))?;
    let root = xml.create_element("fcpxml").with_attribute(("version", "1.8"));
    root.write_inner_content(|xml| {
        xml.create_element("resources").write_inner_content(|xml| resources(xml, film, rate, media))?;
        xml.create_element("library").write_inner_content(|xml| {
            let event = xml.create_element("event").with_attribute(("name", media.name.as_str()));
            event.write_inner_content(|xml| {
                let project = xml.create_element("project").with_attribute(("name", media.name.as_str()));
                project.write_inner_content(|xml| {
                    let sequence = [
                        ("format", "r1"),
                        ("duration", &length),
                        ("tcStart", "0s"),
                        ("tcFormat", timecode_format(rate)),
                    ];
                    let sequence = xml.create_element("sequence").with_attributes(sequence);
                    sequence.write_inner_content(|xml| {
                        let spine = xml.create_element("spine");
                        let clips =
                            |xml: &mut Xml| film.shots.iter().try_for_each(|shot| clip(xml, shot, rate));
                        spine.write_inner_content(clips).map(drop)
                    })?;
                    Ok(())
                })?;
                Ok(())
            })?;
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(())
}

fn resources(xml: &mut Xml, film: &Film, rate: Rational, media: &Media) -> io::Result<()> {
    let video = film.video;
    let (width, height) = match video.rotation {
        90 | 270 => (video.height, video.width),
        _ => (video.width, video.height),
    };
    let (width, height, frame) = (width.to_string(), height.to_string(), time(1, rate));
    let mut format = vec![
        ("id", "r1"),
        ("frameDuration", frame.as_str()),
        ("width", width.as_str()),
        ("height", height.as_str()),
    ];
    let aspect = video.sample_aspect_ratio.filter(|aspect| aspect.num > 0 && aspect.num != aspect.den);
    let aspect = aspect.map(|aspect| (aspect.num.to_string(), aspect.den.to_string()));
    if let Some((across, down)) = &aspect {
        format.extend([("paspH", across.as_str()), ("paspV", down.as_str())]);
    }
    xml.create_element("format").with_attributes(format).write_empty()?;

    let (length, source) = (time(film.frames(), rate), media.url.as_ref().unwrap_or(&media.name));
    let mut asset = vec![
        ("id", "r2"),
        ("name", media.name.as_str()),
        ("src", source.as_str()),
        ("start", "0s"),
        ("duration", length.as_str()),
        ("hasVideo", "1"),
        ("format", "r1"),
    ];
    let sound = film.audio.map(|audio| (audio.channels.to_string(), audio.sample_rate.to_string()));
    if let Some((channels, rate)) = &sound {
        asset.extend([
            ("hasAudio", "1"),
            ("audioSources", "1"),
            ("audioChannels", channels.as_str()),
            ("audioRate", rate.as_str()),
        ]);
    }
    xml.create_element("asset").with_attributes(asset).write_empty()?;
    Ok(())
}

fn clip(xml: &mut Xml, shot: &Shot, rate: Rational) -> io::Result<()> {
    let (first, after) = shot.frames;
    let (name, start) = (format!("Shot {}", shot.number), time(first, rate));
    let length = time(after.saturating_sub(first), rate);
    let clip = [
        ("ref", "r2"),
        ("name", &name),
        ("offset", &start),
        ("start", &start),
        ("duration", &length),
        ("tcFormat", timecode_format(rate)),
    ];
    xml.create_element("asset-clip").with_attributes(clip).write_empty()?;
    Ok(())
}

/// So many frames, in seconds: `1001/30000s`, or `5s` where they are whole.
fn time(frames: u64, rate: Rational) -> String {
    let num = i128::from(frames) * i128::from(rate.den);
    let den = i128::from(rate.num.max(1));
    if num % den == 0 { format!("{}s", num / den) } else { format!("{num}/{den}s") }
}

fn timecode_format(rate: Rational) -> &'static str {
    if rate.den == 1001 && matches!(rate.num, 30_000 | 60_000) { "DF" } else { "NDF" }
}
