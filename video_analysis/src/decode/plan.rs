//! Where to cut a file so that the pieces can be decoded side by side.

use std::num::NonZeroUsize;
use std::ops::Range;

use crate::numeric::{len, whole_number};
use crate::probe::{Keyframe, PacketIndex};

/// A piece of the video stream: the pictures with `from <= pts < to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Ordinal of its first picture.
    pub(crate) first: usize,
    /// Timestamp of the keyframe to start at; `None`: the beginning, without seeking.
    pub(crate) from: Option<i64>,
    /// Timestamp of the next piece's keyframe; `None`: the end.
    pub(crate) to: Option<i64>,
    /// Pictures it must give for the pieces to join; `None`: whatever comes.
    pub(crate) expected: Option<u64>,
}

/// The whole stream as one piece.
pub(super) const WHOLE: Piece = Piece { first: 0, from: None, to: None, expected: None };

/// Demuxers whose seeking is by an index of the file, and so lands where it is told to.
const INDEXED: [&str; 3] = ["mov", "matroska", "avi"];

/// Whether the pieces of a stream can be decoded on their own: where seeking can be trusted, and nothing is doubtful.
pub(super) fn is_cuttable(index: &PacketIndex, format: &str, codec: Option<&str>) -> bool {
    let indexed = format.split(',').any(|name| INDEXED.contains(&name));
    indexed && index.timed && !index.damaged && !hides_damage(codec)
}

/// Whether a decoder may go on with what is damaged and complain about nothing, so that what several give is not known to be what one
/// gives. A keyframe of VP8 takes over the segment map before it where a damaged header says so (RFC 6386, 9.3), and frames that are
/// decoded at the same time take over others'.
pub(super) fn hides_damage(codec: Option<&str>) -> bool {
    codec == Some("vp8")
}

/// Whether a piece may begin with a keyframe.
///
/// Pictures that lead an open group need pictures of the group before. They belong to the piece before, and decoders skip
/// them in silence; FFmpeg's H.264 decoder does not, so that what it says could not be told from damage: H.264 is cut at
/// closed groups only.
pub(super) fn may_begin(keyframe: &Keyframe, codec: Option<&str>) -> bool {
    keyframe.closed || codec != Some("h264")
}

/// How much work the sound of a film is, in thousandths of what its pictures are: decoding and measuring a sample costs about what
/// decoding so many pixels does.
pub(crate) fn sound_share(samples: f64, pixels: f64) -> u64 {
    const PIXELS_A_SAMPLE: f64 = 12.0;
    // Half of a piece of two: a guess should not make more of a difference.
    const MOST: f64 = 250.0;
    let share = 1000.0 * PIXELS_A_SAMPLE * samples / pixels.max(1.0);
    u64::from(whole_number(share.min(MOST).round()).unwrap_or(0))
}

/// Cuts the stream at keyframes into at most `pieces` of about equal work; into one where it cannot be cut.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn cut(
    index: &PacketIndex,
    format: &str,
    codec: Option<&str>,
    pieces: NonZeroUsize,
) -> Vec<Piece> {
    // Of what is listed without a packet the decoder has the last word.
    if index.shown.is_empty() || !is_cuttable(index, format, codec) {
        return vec![WHOLE];
    }
    cut_rest(index, codec, pieces, &[], 0)
}

/// The same of what is missing between `kept` ranges of pictures, each of which is a piece of some cut: at most `pieces`, but one in
/// every hole. The last of a hole is shorter by the work that sound is, in thousandths of the pictures': while that is decoded, one place
/// fewer is left for them.
pub(super) fn cut_rest(
    index: &PacketIndex,
    codec: Option<&str>,
    pieces: NonZeroUsize,
    kept: &[Range<usize>],
    sound: u64,
) -> Vec<Piece> {
    let all = index.shown.len();
    let ends = kept.iter().map(|range| range.end);
    let starts = kept.iter().map(|range| range.start).chain([all]);
    let holes: Vec<Range<usize>> = [0]
        .into_iter()
        .chain(ends)
        .zip(starts)
        .map(|(start, end)| start..end)
        .filter(|hole| !hole.is_empty())
        .collect();
    let missing: usize = holes.iter().map(Range::len).sum();
    let pieces_of = |hole: &Range<usize>| (pieces.get() * hole.len()).div_ceil(missing.max(1)).max(1);
    let of_hole = |hole: Range<usize>| {
        let cuts = starts_within(index, codec, &hole, pieces_of(&hole), sound);
        let ends = cuts.iter().copied().chain([hole.end]);
        let piece = |(start, end): (usize, usize)| Piece {
            first: start,
            from: time_of(index, start).filter(|_| start > 0),
            to: time_of(index, end),
            expected: Some(len(end - start)),
        };
        [hole.start].into_iter().chain(cuts.clone()).zip(ends).map(piece).collect::<Vec<_>>()
    };
    holes.into_iter().flat_map(of_hole).collect()
}

fn time_of(index: &PacketIndex, ordinal: usize) -> Option<i64> {
    index.shown.get(ordinal).map(|(pts, _)| *pts)
}

/// Ordinals of the keyframes nearest to equal shares of the work, without the first.
fn starts_within(
    index: &PacketIndex,
    codec: Option<&str>,
    hole: &Range<usize>,
    shares: usize,
    sound: u64,
) -> Vec<usize> {
    let shown = index.shown.get(hole.clone()).unwrap_or_default();
    // Decoding costs something per picture and something per byte; taken as equal on average, which balances well enough.
    let bytes: u64 = shown.iter().map(|(_, size)| u64::from(*size)).sum();
    let per_picture = (bytes / len(shown.len()).max(1)).max(1);
    let pictures = bytes + per_picture * len(shown.len());
    let total = pictures + pictures.saturating_mul(sound) / 1000;

    let first = shown.first().map(|(pts, _)| *pts);
    let later = index.keyframes.iter().filter(|keyframe| Some(keyframe.pts) > first);
    let mut candidates =
        later.filter(|keyframe| may_begin(keyframe, codec)).map(|keyframe| keyframe.pts).peekable();

    let shares = len(shares);
    let mut starts = Vec::new();
    let mut done = 0;
    for (ordinal, (pts, size)) in (hole.start..).zip(shown) {
        if candidates.next_if_eq(pts).is_some() {
            let share = len(starts.len()) + 1;
            if share < shares && done * shares >= total * share {
                starts.push(ordinal);
            }
        }
        done += u64::from(*size) + per_picture;
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(pictures: i64, gop: usize, closed: bool) -> PacketIndex {
        PacketIndex {
            shown: (0..pictures).map(|pts| (pts, 100)).collect(),
            keyframes: (0..pictures).step_by(gop).map(|pts| Keyframe { pts, closed, place: None }).collect(),
            timed: true,
            packets: pictures.unsigned_abs(),
            ..PacketIndex::default()
        }
    }

    fn cut_into(index: &PacketIndex, pieces: usize) -> Vec<Piece> {
        cut(index, "mov,mp4", Some("h264"), NonZeroUsize::new(pieces).unwrap())
    }

    #[test]
    fn pieces_tile_the_stream_and_start_at_keyframes() {
        let index = index(100, 7, true);
        for pieces in 1..30 {
            let cut = cut_into(&index, pieces);
            assert!(cut.len() <= pieces);
            assert_eq!(cut.iter().map(|piece| piece.expected.unwrap()).sum::<u64>(), 100);
            assert!(cut.windows(2).all(|pair| pair[0].to == pair[1].from && pair[1].from.unwrap() % 7 == 0));
        }
        assert_eq!(cut_into(&index, 2)[1].from, Some(56));
    }

    #[test]
    fn the_last_piece_is_shorter_by_the_work_that_sound_is() {
        let lengths = |pieces, sound| -> Vec<u64> {
            let pieces =
                cut_rest(&index(1000, 1, true), None, NonZeroUsize::new(pieces).unwrap(), &[], sound);
            pieces.iter().map(|piece| piece.expected.unwrap()).collect()
        };
        assert_eq!(lengths(2, 0), [500, 500]);
        assert_eq!(lengths(2, 100), [550, 450]);
        assert_eq!(lengths(3, 100), [367, 367, 266]);
        assert_eq!(lengths(16, 250).iter().sum::<u64>(), 1000, "of sixteen pieces sound is more than one");
        assert_eq!(sound_share(48_000.0 * 2.0, 1280.0 * 720.0 * 24.0), 52);
        assert_eq!((sound_share(1e9, 0.0), sound_share(0.0, 0.0)), (250, 0));
    }

    #[test]
    fn a_stream_with_one_keyframe_or_doubtful_timestamps_is_one_piece() {
        assert_eq!(cut_into(&index(100, 200, true), 4).len(), 1);
        assert_eq!(cut_into(&index(0, 7, true), 4), [WHOLE]);
        let doubtful = PacketIndex { timed: false, ..index(100, 7, true) };
        assert_eq!(cut_into(&doubtful, 4), [WHOLE]);
        let damaged = PacketIndex { damaged: true, ..index(100, 7, true) };
        assert_eq!(cut_into(&damaged, 4), [WHOLE]);
        assert_eq!(
            cut(&index(100, 7, true), "matroska,webm", Some("vp8"), NonZeroUsize::new(4).unwrap()),
            [WHOLE]
        );
        assert_eq!(cut(&index(100, 7, true), "mpegts", None, NonZeroUsize::new(4).unwrap()), [WHOLE]);
    }

    #[test]
    fn what_is_missing_between_kept_ranges_is_cut_and_nothing_else() {
        let index = index(100, 10, true);
        for pieces in 1..9 {
            let kept = [0..20, 50..60];
            let cut = cut_rest(&index, Some("h264"), NonZeroUsize::new(pieces).unwrap(), &kept, 0);
            let mut next = 20;
            for piece in &cut {
                if next == 50 {
                    next = 60;
                }
                assert_eq!((piece.first, piece.from), (next, Some(next.try_into().unwrap())));
                next += usize::try_from(piece.expected.unwrap()).unwrap();
            }
            assert_eq!((next, cut.last().unwrap().to), (100, None));
            assert!((2..=pieces.max(2) + 1).contains(&cut.len()), "{cut:?}");
        }
        assert!(cut_rest(&index, None, NonZeroUsize::MIN, &[0..30, 30..100], 0).is_empty());
    }

    #[test]
    fn h264_is_cut_at_closed_groups_only_and_other_codecs_at_any() {
        let mut mixed = index(100, 10, false);
        assert_eq!(cut_into(&mixed, 2), [Piece { expected: Some(100), ..WHOLE }]);
        mixed.keyframes[7].closed = true;
        assert_eq!(cut_into(&mixed, 2)[1].from, Some(70));
        assert_eq!(cut(&mixed, "mov,mp4", Some("hevc"), NonZeroUsize::new(2).unwrap())[1].from, Some(50));
    }
}
