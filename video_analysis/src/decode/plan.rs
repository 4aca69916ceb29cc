//! Where to cut a file so that the pieces can be decoded side by side.

use std::num::NonZeroUsize;
use std::ops::Range;

use crate::numeric::len;
use crate::probe::{Keyframe, PacketIndex};

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

/// Cuts the stream at keyframes into at most `pieces` of about equal work, as ranges of pictures; into one where it cannot be cut.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn cut(
    index: &PacketIndex,
    format: &str,
    codec: Option<&str>,
    pieces: NonZeroUsize,
) -> Vec<Range<usize>> {
    let pieces = if is_cuttable(index, format, codec) { pieces } else { NonZeroUsize::MIN };
    cut_rest(index, codec, pieces, &[])
}

/// The same of what is missing between `kept` ranges of pictures, each of which is a piece of some cut: at most `pieces`, but one in
/// every hole.
pub(super) fn cut_rest(
    index: &PacketIndex,
    codec: Option<&str>,
    pieces: NonZeroUsize,
    kept: &[Range<usize>],
) -> Vec<Range<usize>> {
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
        let cuts = starts_within(index, codec, &hole, pieces_of(&hole));
        let starts = [hole.start].into_iter().chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([hole.end]);
        starts.zip(ends).map(|(start, end)| start..end).collect::<Vec<_>>()
    };
    holes.into_iter().flat_map(of_hole).collect()
}

/// The first picture of what another decoder may take over: the keyframe nearest to half of the work, with `least` pictures or more on
/// both of its sides; `None` where there is none.
pub(super) fn halve(
    index: &PacketIndex,
    codec: Option<&str>,
    rest: &Range<usize>,
    least: usize,
) -> Option<usize> {
    let (places, all) = places_within(index, codec, rest);
    let mut fitting = places;
    fitting.retain(|(start, _)| start - rest.start >= least && rest.end - start >= least);
    fitting.into_iter().min_by_key(|(_, before)| (2 * before).abs_diff(all)).map(|(start, _)| start)
}

/// Ordinals of the first keyframes after equal shares of the work, without the beginning.
fn starts_within(index: &PacketIndex, codec: Option<&str>, hole: &Range<usize>, shares: usize) -> Vec<usize> {
    let (places, all) = places_within(index, codec, hole);
    let shares = len(shares);
    let mut starts = Vec::new();
    for (start, before) in places {
        let share = len(starts.len()) + 1;
        if share < shares && before * shares >= all * share {
            starts.push(start);
        }
    }
    starts
}

/// Where in a range of pictures a piece may begin, but for its beginning, with the work before that; and all of the work.
fn places_within(index: &PacketIndex, codec: Option<&str>, range: &Range<usize>) -> (Vec<(usize, u64)>, u64) {
    let shown = index.shown.get(range.clone()).unwrap_or_default();
    // Decoding costs something per picture and something per byte; taken as equal on average, which balances well enough.
    let bytes: u64 = shown.iter().map(|(_, size)| u64::from(*size)).sum();
    let per_picture = (bytes / len(shown.len()).max(1)).max(1);

    let first = shown.first().map(|(pts, _)| *pts);
    let later = index.keyframes.iter().filter(|keyframe| Some(keyframe.pts) > first);
    let mut candidates =
        later.filter(|keyframe| may_begin(keyframe, codec)).map(|keyframe| keyframe.pts).peekable();
    let mut places = Vec::new();
    let mut work = 0;
    for (ordinal, (pts, size)) in (range.start..).zip(shown) {
        if candidates.next_if_eq(pts).is_some() {
            places.push((ordinal, work));
        }
        work += u64::from(*size) + per_picture;
    }
    (places, work)
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

    /// Where pieces start and end.
    fn cut_as(index: &PacketIndex, format: &str, codec: Option<&str>, pieces: usize) -> Vec<(usize, usize)> {
        let pieces = cut(index, format, codec, NonZeroUsize::new(pieces).unwrap());
        pieces.into_iter().map(|piece| (piece.start, piece.end)).collect()
    }

    fn cut_into(index: &PacketIndex, pieces: usize) -> Vec<(usize, usize)> {
        cut_as(index, "mov,mp4", Some("h264"), pieces)
    }

    #[test]
    fn pieces_tile_the_stream_and_start_at_keyframes() {
        let index = index(100, 7, true);
        for pieces in 1..30 {
            let cut = cut_into(&index, pieces);
            assert!(cut.len() <= pieces);
            assert_eq!((cut[0].0, cut.last().unwrap().1), (0, 100));
            assert!(cut.windows(2).all(|pair| pair[0].1 == pair[1].0 && pair[1].0 % 7 == 0));
        }
        assert_eq!(cut_into(&index, 2)[1].0, 56);
    }

    #[test]
    fn half_of_a_rest_begins_at_the_keyframe_nearest_to_its_middle() {
        let closed = index(100, 10, true);
        let half = |rest, least| halve(&closed, Some("h264"), &rest, least);
        assert_eq!([half(0..100, 1), half(43..100, 1), half(80..100, 10)], [Some(50), Some(70), Some(90)]);
        assert_eq!([half(90..100, 1), half(91..99, 1), half(100..100, 1), half(80..100, 11)], [None; 4]);
        assert_eq!(halve(&index(100, 10, false), Some("h264"), &(0..100), 1), None, "open groups of H.264");
    }

    #[test]
    fn a_stream_with_one_keyframe_or_doubtful_timestamps_is_one_piece() {
        let whole = [(0, 100)];
        assert_eq!(cut_into(&index(100, 200, true), 4), whole);
        assert!(cut_into(&index(0, 7, true), 4).is_empty());
        let doubtful = PacketIndex { timed: false, ..index(100, 7, true) };
        assert_eq!(cut_into(&doubtful, 4), whole);
        let damaged = PacketIndex { damaged: true, ..index(100, 7, true) };
        assert_eq!(cut_into(&damaged, 4), whole);
        assert_eq!(cut_as(&index(100, 7, true), "matroska,webm", Some("vp8"), 4), whole);
        assert_eq!(cut_as(&index(100, 7, true), "mpegts", None, 4), whole);
    }

    #[test]
    fn what_is_missing_between_kept_ranges_is_cut_and_nothing_else() {
        let index = index(100, 10, true);
        for pieces in 1..9 {
            let kept = [0..20, 50..60];
            let cut = cut_rest(&index, Some("h264"), NonZeroUsize::new(pieces).unwrap(), &kept);
            let mut next = 20;
            for piece in &cut {
                if next == 50 {
                    next = 60;
                }
                assert_eq!(piece.start, next);
                next = piece.end;
            }
            assert_eq!(next, 100);
            assert!((2..=pieces.max(2) + 1).contains(&cut.len()), "{cut:?}");
        }
        assert!(cut_rest(&index, None, NonZeroUsize::MIN, &[0..30, 30..100]).is_empty());
    }

    #[test]
    fn h264_is_cut_at_closed_groups_only_and_other_codecs_at_any() {
        let mut mixed = index(100, 10, false);
        assert_eq!(cut_into(&mixed, 2), [(0, 100)]);
        mixed.keyframes[7].closed = true;
        assert_eq!(cut_into(&mixed, 2), [(0, 70), (70, 100)]);
        assert_eq!(cut_as(&mixed, "mov,mp4", Some("hevc"), 2), [(0, 50), (50, 100)]);
    }
}
