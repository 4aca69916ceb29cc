//! What stands for a shot: a picture, and colours.

use crate::support::{clips, frames, report, sample};
use video_analysis::report::Swatch;

#[test]
fn the_picture_of_a_shot_is_not_from_its_fades_nor_its_edges() {
    let folder = tempfile::tempdir().unwrap();
    // The first shot fades in over its pictures 0 to 39, the second one fades out over 85 to 119.
    let graph = "testsrc2=s=320x180:r=25,trim=end_frame=60,fade=in:0:40,format=yuv420p[a];\
                 mandelbrot=s=320x180:r=25,trim=end_frame=60,fade=out:25:35,format=yuv420p[b];[a][b]concat=n=2";
    let report = report(&clips::make(
        folder.path(),
        "fades.mp4",
        &format!("-filter_complex {graph} -c:v libx264 -crf 20"),
    ));
    let stills: Vec<u64> = report.shots.iter().map(|shot| shot.representative.unwrap().frame).collect();
    assert_eq!(stills.len(), 2);
    assert!((43..57).contains(&stills[0]) && (63..83).contains(&stills[1]), "{stills:?}");
}

#[test]
fn every_shot_of_a_film_has_a_picture_of_its_own_outside_transitions() {
    let report = report(&sample());
    for shot in &report.shots {
        let still = shot.representative.unwrap();
        let (start, end) = frames(&shot.segment);
        let outside = |(from, to): (u64, u64)| !(from..to).contains(&still.frame);
        assert!((start..end).contains(&still.frame) && (0.0..=1.0).contains(&still.score), "{still:?}");
        assert!(
            report.transitions.iter().map(frames).all(outside)
                && report.black.iter().map(frames).all(outside)
        );
        assert!((shot.segment.time_base.seconds(still.pts) - still.seconds).abs() < 1e-6);
    }
    let poster = report.poster.unwrap();
    assert!(report.shots.iter().any(|shot| shot.representative.unwrap().score >= poster.score - 0.2));
}

/// Whether there is a colour with this share.
fn has(palette: &[Swatch], color: [u8; 3], share: f64) -> bool {
    let near = |one: &Swatch| one.color.0.iter().zip(color).all(|(one, other)| one.abs_diff(other) <= 8);
    palette.iter().any(|swatch| near(swatch) && (swatch.share - share).abs() < 0.03)
}

#[test]
fn a_palette_has_the_colours_of_its_shot_with_their_shares() {
    let folder = tempfile::tempdir().unwrap();
    // Fields that end where blocks do: 8 of 16 columns, 5 and 3.
    let fields = "color=0x204080:s=640x360:r=25,trim=end_frame=30,drawbox=x=320:y=0:w=200:h=360:c=0xe0a030:t=fill,\
                  drawbox=x=520:y=0:w=120:h=360:c=0xf0f0f0:t=fill,noise=alls=6:allf=t,format=yuv420p[a];\
                  color=black:s=640x360:r=25,trim=end_frame=30,format=yuv420p[b];\
                  testsrc2=s=640x360:r=25,trim=end_frame=30,format=yuv420p[c];[a][b][c]concat=n=3";
    let report = report(&clips::make(
        folder.path(),
        "fields.mp4",
        &format!("-filter_complex {fields} -c:v libx264 -crf 18"),
    ));
    let palettes: Vec<_> = report.shots.iter().map(|shot| &shot.palette).collect();
    assert_eq!(palettes.len(), 3);
    let first = palettes[0];
    assert!(
        has(first, [0x20, 0x40, 0x80], 0.5)
            && has(first, [0xe0, 0xa0, 0x30], 0.3125)
            && has(first, [0xf0; 3], 0.1875),
        "{first:?}"
    );
    assert_eq!(first.len(), 3);
    assert!(palettes[1].len() == 1 && has(palettes[1], [0; 3], 1.0), "{:?}", palettes[1]);
    assert!((3..=6).contains(&palettes[2].len()), "{:?}", palettes[2]);
    for palette in palettes {
        assert!(palette.windows(2).all(|pair| pair[0].share >= pair[1].share));
        assert!((palette.iter().map(|swatch| swatch.share).sum::<f64>() - 1.0).abs() < 0.004);
    }
}
