//! Dissolves and wipes between real shots at known frames, and changes within a shot that are none.

use crate::support::joined::{RENUMBER, from_sample};
use crate::support::{clips, frames, report, sample, starts};
use video_analysis::Report;
use video_analysis::report::{OpenedBy, Segment, SegmentKind};

/// A cross-fade whose mixed frames are `[start, start + mixed)`: the frame before is still the old shot alone.
fn cross_fade(start: u32, mixed: u32) -> String {
    transition("fade", start, mixed)
}

/// Another of `xfade`'s transitions over the same frames.
fn transition(name: &str, start: u32, mixed: u32) -> String {
    let seconds = |frames: u32| f64::from(frames) / 24.0;
    let (duration, offset) = (seconds(mixed + 1), seconds(start - 1));
    format!("xfade=transition={name}:duration={duration:.6}:offset={offset:.6},{RENUMBER}")
}

fn near(range: &Segment, start: u64, end: u64, tolerance: u64) -> bool {
    let found = frames(range);
    found.0.abs_diff(start) <= tolerance && found.1.abs_diff(end) <= tolerance
}

fn kinds(report: &Report) -> Vec<SegmentKind> {
    report.transitions.iter().map(|range| range.kind).collect()
}

#[test]
fn dissolves_short_and_long_are_found_with_their_ranges_also_when_compressed_badly() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (mixed, tolerance, codec)) in
        [(8, 2, "-c:v libx264 -crf 20"), (23, 4, "-c:v libx264 -crf 38"), (40, 6, "-c:v mpeg2video -q:v 12")]
            .into_iter()
            .enumerate()
    {
        let name = format!("{number}.mkv");
        let clip = from_sample(
            folder.path(),
            &name,
            [60, 78, 0, 0],
            &format!("[a][b]{}", cross_fade(16, mixed)),
            codec,
        );
        let report = report(&clip);
        assert_eq!(kinds(&report), [SegmentKind::Dissolve], "{mixed} {:?}", report.shots);
        let dissolve = &report.transitions[0];
        assert!(near(dissolve, 16, 16 + u64::from(mixed), tolerance), "{mixed} {dissolve:?}");
        assert!((0.8..=1.0).contains(&dissolve.confidence));
        // The new shot begins where it is first seen.
        assert_eq!(starts(&report), [0, dissolve.start_frame.unwrap()]);
        assert_eq!(report.shots[1].opened_by, OpenedBy::Dissolve);
        assert_eq!(report.shots[1].segment.evidence, dissolve.evidence);
    }
}

#[test]
fn a_dissolve_of_four_seconds_is_one_and_hides_no_short_one_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    // A picture that stands still, and a shot that goes forth and back, for it is shorter than that.
    let graph = format!(
        "[a]trim=end_frame=1,loop=loop=119:size=1,{RENUMBER}[still];\
         [b]split[forth][s];[s]reverse[back];[forth][back]concat,{RENUMBER}[moving];\
         [still][moving]{}[ab];[ab][c]{}",
        cross_fade(18, 96),
        cross_fade(140, 8)
    );
    let clip = from_sample(folder.path(), "long.mkv", [60, 78, 61, 0], &graph, "-c:v libx264 -crf 26");
    let report = report(&clip);
    assert_eq!(kinds(&report), [SegmentKind::Dissolve, SegmentKind::Dissolve]);
    let [long, short] = &report.transitions[..] else { panic!("{report:?}") };
    assert!(near(long, 18, 114, 12) && near(short, 140, 148, 2), "{:?}", report.transitions);
}

#[test]
fn what_two_shots_have_alike_by_chance_leaves_their_dissolve_one() {
    let folder = tempfile::tempdir().unwrap();
    // What is at the left of the one shot is there in the other too.
    let graph = format!(
        "[a]split[before][s];[s]trim=end_frame=1,crop=iw*0.16:ih:0:0,loop=loop=99:size=1,{RENUMBER}[strip];\
         [b][strip]overlay=0:0:shortest=1,{RENUMBER}[after];[before][after]{}",
        cross_fade(24, 20)
    );
    let report = report(&from_sample(folder.path(), "wall.mkv", [60, 78, 0, 0], &graph, "-c:v libx264"));
    assert_eq!(kinds(&report), [SegmentKind::Dissolve]);
    assert!(near(&report.transitions[0], 24, 44, 3), "{:?}", report.transitions);
}

#[test]
fn a_plain_picture_that_is_neither_black_nor_white_dissolves_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let graph = format!(
        "color=0x507090:s=320x180:r=24,trim=end_frame=60,settb=1/24,format=yuv420p,setsar=1[plain];[plain][b]{}",
        cross_fade(24, 20)
    );
    let report = report(&from_sample(folder.path(), "plain.mkv", [0, 78, 0, 0], &graph, "-c:v libx264"));
    assert_eq!(kinds(&report), [SegmentKind::Dissolve]);
    assert!(near(&report.transitions[0], 24, 44, 3), "{:?}", report.transitions);
}

#[test]
fn cuts_dissolves_and_fades_stand_beside_each_other() {
    let folder = tempfile::tempdir().unwrap();
    // a dissolves into b over frames 40 to 51, b into c over 90 to 109, c is cut to d at 150; d fades out from 180 on.
    let graph = format!(
        "[a][b]{}[ab];[ab][c]{}[abc];[d]fade=out:30:20[e];[abc][e]concat,{RENUMBER}",
        cross_fade(40, 12),
        cross_fade(90, 20)
    );
    let clip = from_sample(folder.path(), "all.mp4", [60, 75, 61, 60], &graph, "-c:v libx264");
    let report = report(&clip);
    assert_eq!(kinds(&report), [SegmentKind::Dissolve, SegmentKind::Dissolve, SegmentKind::FadeOut]);
    assert!(
        near(&report.transitions[0], 40, 52, 3) && near(&report.transitions[1], 90, 110, 3),
        "{report:?}"
    );
    let opened: Vec<_> = report.shots.iter().map(|shot| shot.opened_by).collect();
    assert_eq!(opened, [OpenedBy::Start, OpenedBy::Dissolve, OpenedBy::Dissolve, OpenedBy::Cut]);
    assert_eq!(starts(&report)[3], 150);
}

#[test]
fn wipes_in_any_direction_and_shape_are_found_with_their_ranges() {
    let folder = tempfile::tempdir().unwrap();
    for (name, mixed, codec) in [
        ("wipeleft", 10, "-c:v libx264 -crf 20"),
        ("wipedown", 30, "-c:v libx264 -crf 36"),
        ("wiperight", 24, "-c:v mpeg2video -q:v 8"),
        ("wipeup", 20, "-c:v libx264 -crf 28"),
        ("wipeup", 4, "-c:v libx264 -crf 28"),
        ("wipetl", 40, "-c:v libx264 -crf 24"),
        ("wipebr", 33, "-c:v libx264 -crf 24"),
        ("circleopen", 35, "-c:v libx264 -crf 20"),
        ("radial", 5, "-c:v libx264 -crf 24"),
        ("radial", 4, "-c:v libx264 -crf 24"),
        ("diagtl", 4, "-c:v libx264 -crf 24"),
        ("circleclose", 5, "-c:v libx264 -crf 24"),
    ] {
        let graph = format!("[a][b]{}", transition(name, 20, mixed));
        let clip = from_sample(folder.path(), &format!("{name}.mkv"), [60, 78, 0, 0], &graph, codec);
        let report = report(&clip);
        assert_eq!(kinds(&report), [SegmentKind::Wipe], "{name} {:?}", report.shots);
        let wipe = &report.transitions[0];
        // The circle is within the picture from a sixth of the time on, until a sixth before the end, and its line is soft.
        let (unseen, soft) = if name == "circleopen" { (mixed / 6, 4) } else { (0, 0) };
        let (start, end) = (20 + u64::from(unseen), 20 + u64::from(mixed - unseen));
        assert!(near(wipe, start, end, 4 + soft), "{name} {wipe:?}");
        assert_eq!(starts(&report), [0, wipe.start_frame.unwrap()], "{name}");
        assert_eq!(report.shots[1].opened_by, OpenedBy::Wipe);
    }
}

#[test]
fn a_shot_that_pushes_the_other_out_of_the_picture_is_a_wipe() {
    let folder = tempfile::tempdir().unwrap();
    for (name, mixed, codec) in [
        ("slideleft", 12, "-c:v libx264 -crf 20"),
        ("slideright", 7, "-c:v libx264 -crf 34"),
        ("slideup", 20, "-c:v mpeg2video -q:v 8"),
        ("slidedown", 30, "-c:v libx264 -crf 24"),
    ] {
        let graph = format!("[a][b]{}", transition(name, 20, mixed));
        let clip = from_sample(folder.path(), &format!("{name}.mkv"), [60, 78, 0, 0], &graph, codec);
        let report = report(&clip);
        assert_eq!(kinds(&report), [SegmentKind::Wipe], "{name} {:?}", report.shots);
        let push = &report.transitions[0];
        assert!(near(push, 20, 20 + u64::from(mixed), 1), "{name} {push:?}");
        assert_eq!(starts(&report), [0, push.start_frame.unwrap()], "{name}");
    }
}

#[test]
fn a_camera_that_turns_to_what_is_beside_the_picture_gives_one_shot() {
    let folder = tempfile::tempdir().unwrap();
    // As far and as fast as a push, in one picture that is twice as wide and as high.
    for (name, x, y) in [("left", 1, 0), ("up", 0, 1)] {
        let moved = "clip((n-19)/13,0,1)";
        let graph = format!(
            "[a]trim=end_frame=1,loop=loop=59:size=1,{RENUMBER},crop=160:90:160*{x}*{moved}:90*{y}*{moved}",
            moved = moved.replace(',', "\\,")
        );
        let clip =
            from_sample(folder.path(), &format!("{name}.mkv"), [60, 0, 0, 0], &graph, "-c:v libx264 -crf 20");
        let report = report(&clip);
        assert_eq!((kinds(&report), starts(&report)), (vec![], vec![0]), "{name}");
    }
}

#[test]
fn a_wipe_with_a_soft_line_is_no_dissolve() {
    let folder = tempfile::tempdir().unwrap();
    for (name, mixed) in [("smoothleft", 24), ("smoothright", 36)] {
        let graph = format!("[a][b]{}", transition(name, 20, mixed));
        let clip = from_sample(
            folder.path(),
            &format!("{name}.mkv"),
            [60, 78, 0, 0],
            &graph,
            "-c:v libx264 -crf 24",
        );
        let report = report(&clip);
        assert_eq!(kinds(&report), [SegmentKind::Wipe], "{name} {:?}", report.transitions);
        let (start, end) = frames(&report.transitions[0]);
        // Of its ends, at which little is to be seen of one of the shots, some may be left out.
        assert!(
            start + 3 >= 20 && end <= 23 + u64::from(mixed) && 3 * (end - start) >= 2 * u64::from(mixed),
            "{name} {start} {end}"
        );
    }
}

#[test]
fn something_dark_that_leaves_at_once_uncovers_the_scene_and_is_no_cut() {
    let folder = tempfile::tempdir().unwrap();
    // It covers all, a third less in the next picture, and nothing in the one after that.
    let graph = format!(
        "[c]eq=brightness=-0.3:contrast=0.4[thing];[b][thing]overlay=y=-60*clip(n-30\\,0\\,1)-120*gt(n\\,31):\
         enable=lt(n\\,32),{RENUMBER}"
    );
    let report = report(&from_sample(folder.path(), "leaves.mp4", [0, 70, 70, 0], &graph, "-c:v libx264"));
    assert_eq!((starts(&report), kinds(&report)), (vec![0], vec![]));
}

#[test]
fn pictures_that_are_held_as_in_drawn_films_are_no_shots() {
    let folder = tempfile::tempdir().unwrap();
    for held in [2, 3, 4] {
        let graph = format!("[b]framestep={held},settb=1/24,setpts={held}*N,fps=24,{RENUMBER}");
        let name = format!("held_{held}.mp4");
        let report = report(&from_sample(folder.path(), &name, [0, 78, 0, 0], &graph, "-c:v libx264"));
        assert_eq!((starts(&report), kinds(&report)), (vec![0], vec![]), "{held}");
    }
}

#[test]
fn pictures_that_are_held_and_coded_anew_are_no_shots_though_the_camera_moves_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let moving = "crop=w=iw*2/3:h=ih*2/3:x=(iw-ow)/2*(1+sin(n/10)):y=(ih-oh)/2,scale=320:180";
    let held = "framestep=4,settb=1/24,setpts=4*N,fps=24";
    let clip = clips::make(
        folder.path(),
        "moving.mkv",
        &format!(
            "-i {} -an -vf trim=start_frame=3:end_frame=75,setpts=PTS-STARTPTS,{moving},{held} -c:v libx264 -preset veryfast -crf 34",
            sample().display()
        ),
    );
    let report = report(&clip);
    assert_eq!((starts(&report), kinds(&report)), (vec![0], vec![]));
}

#[test]
fn a_cut_between_the_two_fields_of_a_picture_is_one_cut_to_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    // Every picture has its two fields from two pictures in a row: of the thirteenth, one from each shot.
    let graph =
        format!("[a]trim=end_frame=25[x];[x][b]concat,{RENUMBER},tinterlace=interleave_top,{RENUMBER}");
    let clip = from_sample(folder.path(), "fields.mp4", [60, 71, 0, 0], &graph, "-c:v libx264 -crf 24");
    let report = report(&clip);
    assert_eq!((starts(&report), kinds(&report)), (vec![0, 12], vec![]), "{:?}", report.shots);
    assert_eq!(report.shots[1].opened_by, OpenedBy::Cut);
}

#[test]
fn a_title_that_is_there_at_once_after_a_fade_out_opens_a_shot() {
    let folder = tempfile::tempdir().unwrap();
    // Faded out over pictures 30 to 49, black, and a small white box from picture 60 on.
    let graph = format!(
        "[b]fade=out:30:20,drawbox=x=iw/3:y=ih*2/5:w=iw/3:h=ih/10:t=fill:color=white:enable=gte(n\\,60),{RENUMBER}"
    );
    let report = report(&from_sample(folder.path(), "card.mp4", [0, 78, 0, 0], &graph, "-c:v libx264"));
    assert_eq!((starts(&report), kinds(&report)), (vec![0, 60], vec![SegmentKind::FadeOut]));
    assert_eq!(report.shots[1].opened_by, OpenedBy::Cut);
}

#[test]
fn what_changes_within_a_shot_is_no_transition() {
    let folder = tempfile::tempdir().unwrap();
    let ramp = "clip((n-20)/24\\,0\\,1)";
    for (name, filters) in [
        ("brighter", format!("eq=eval=frame:brightness=0.3*{ramp}")),
        ("darker", format!("eq=eval=frame:contrast=1-0.5*{ramp}")),
        ("tinted", format!("eq=eval=frame:gamma_r=1+{ramp}:saturation=1-{ramp}")),
        ("panned", format!("crop=w=iw/2:h=ih/2:y=ih/4:x=(iw-ow)*{ramp},scale=320:180")),
        (
            "whip-panned",
            "crop=w=iw/3:h=ih/3:y=ih/3:x=(iw-ow)*clip((n-20)/4\\,0\\,1),scale=320:180".to_owned(),
        ),
        (
            "zoomed",
            "zoompan=z=1+min(in/60\\,1):d=1:x=iw/2-iw/zoom/2:y=ih/2-ih/zoom/2:s=320x180:fps=24".to_owned(),
        ),
        (
            "a title",
            "drawbox=x=iw/5:y=ih*3/5:w=iw*3/5:h=ih/5:t=fill:color=white:enable=between(n\\,20\\,50)"
                .to_owned(),
        ),
        ("a flash", "lutyuv=y=val+120:enable=between(n\\,30\\,34)".to_owned()),
        ("strobe lights", "lutyuv=y=val+90:enable=between(n\\,20\\,59)*lt(mod(n\\,8)\\,4)".to_owned()),
    ] {
        let graph = format!("[b]{filters},{RENUMBER}");
        let file = format!("{}.mp4", name.replace(' ', "_"));
        let report = report(&from_sample(folder.path(), &file, [0, 78, 0, 0], &graph, "-c:v libx264"));
        assert_eq!((starts(&report), kinds(&report)), (vec![0], vec![]), "{name}");
    }
}

#[test]
fn two_who_speak_before_the_same_wall_are_cut_from_one_to_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let person = |x: u32, source: &str| {
        format!(
            "color=0x708090:s=320x180:r=24,trim=end_frame=36[w{x}];{source}=s=80x140:r=24,trim=end_frame=36[p{x}];\
             [w{x}][p{x}]overlay=x={x}:y=40,{RENUMBER}[s{x}];"
        )
    };
    let graph = person(20, "testsrc2") + &person(220, "mandelbrot") + "[s20][s220]concat," + RENUMBER;
    let clip = clips::make(folder.path(), "dialogue.mp4", &format!("-filter_complex {graph} -c:v libx264"));
    assert_eq!(starts(&report(&clip)), [0, 36]);
}

#[test]
fn a_title_that_fades_in_and_out_is_no_transition() {
    let folder = tempfile::tempdir().unwrap();
    let graph = format!(
        "color=white@0.8:s=150x40:r=24,format=yuva420p,trim=end_frame=78,fade=in:15:12:alpha=1,\
         fade=out:45:12:alpha=1[title];[b][title]overlay=60:100,{RENUMBER}"
    );
    let report = report(&from_sample(folder.path(), "title.mp4", [0, 78, 0, 0], &graph, "-c:v libx264"));
    assert_eq!((starts(&report), kinds(&report)), (vec![0], vec![]));
}

#[test]
fn a_fixed_camera_in_front_of_which_things_move_gives_one_shot() {
    let folder = tempfile::tempdir().unwrap();
    // One picture; something large and something small cross it, and a third thing comes to stay.
    let graph = format!(
        "[b]trim=end_frame=1,loop=loop=99:size=1,setpts=N,fps=24[still];\
         [c]scale=90:160,split=3[c0][c1][c2];[c0]setpts=N[large];[c1]scale=24:24[small];[c2]scale=70:90[third];\
         [still][large]overlay=x=-w+8*n:y=10[x];[x][small]overlay=x=W-4*n:y=90[y];\
         [y][third]overlay=x=max(W-3*n\\,W/2):y=80,{RENUMBER}"
    );
    let report = report(&from_sample(folder.path(), "fixed.mp4", [0, 10, 78, 0], &graph, "-c:v libx264"));
    assert_eq!((starts(&report), kinds(&report)), (vec![0], vec![]));
}
