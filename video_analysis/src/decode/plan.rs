//! Where to cut a file so that the pieces can be decoded side by side.

use std::num::NonZeroUsize;

use crate::numeric::len;
use crate::probe::PacketIndex;

/// A piece of the video stream: the pictures with `from <= pts < to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Timestamp of the keyframe to start at; `None`: the beginning, without seeking.
    pub(crate) from: Option<i64>,
    /// Timestamp of the next piece's keyframe; `None`: the end.
    pub(crate) to: Option<i64>,
    /// Pictures it must give for the pieces to join; `None`: whatever comes.
    pub(crate) expected: Option<u64>,
}

/// The whole stream as one piece.
pub(super) const WHOLE: Piece = Piece { from: None, to: None, expected: None };

/// Demuxers whose seeking is by an index of the file, and so lands where it is told to.
const INDEXED: [&str; 3] = ["mov", "matroska", "avi"];

/// Cuts the stream at keyframes into at most `pieces` of about equal work; into one where seeking cannot be trusted.
///
/// Pictures that lead an open group need pictures of the group before. They belong to the piece before, and decoders skip
/// them in silence; FFmpeg's H.264 decoder does not, so that what it says could not be told from damage: H.264 is cut at
/// closed groups only.
pub(crate) fn cut(
    index: &PacketIndex,
    format: &str,
    codec: Option<&str>,
    pieces: NonZeroUsize,
) -> Vec<Piece> {
    let indexed = format.split(',').any(|name| INDEXED.contains(&name));
    // A keyframe of VP8 takes over the segment map before it where a damaged header says so, and nobody complains (RFC 6386, 9.3).
    if !indexed || !index.timed || index.damaged || codec == Some("vp8") {
        return vec![WHOLE];
    }
    let starts = starts(index, codec == Some("h264"), pieces);
    let ends = starts.iter().copied().map(Some).chain([None]);
    [None]
        .into_iter()
        .chain(starts.iter().copied().map(Some))
        .zip(ends)
        .map(|(from, to)| piece(index, from, to))
        .collect()
}

fn piece(index: &PacketIndex, from: Option<i64>, to: Option<i64>) -> Piece {
    let before = |limit: i64| index.shown.partition_point(|(pts, _)| *pts < limit);
    let first = from.map_or(0, before);
    let last = to.map_or(index.shown.len(), before);
    Piece { from, to, expected: Some(len(last.saturating_sub(first))) }
}

/// The keyframes nearest to equal shares of the work, without the first.
fn starts(index: &PacketIndex, only_closed: bool, pieces: NonZeroUsize) -> Vec<i64> {
    // Decoding costs something per picture and something per byte; taken as equal on average, which balances well enough.
    let bytes: u64 = index.shown.iter().map(|(_, size)| u64::from(*size)).sum();
    let per_picture = (bytes / len(index.shown.len()).max(1)).max(1);
    let total: u64 = bytes + per_picture * len(index.shown.len());

    let first = index.shown.first().map(|(pts, _)| *pts);
    let later = index.keyframes.iter().filter(|keyframe| Some(keyframe.pts) > first);
    let mut candidates =
        later.filter(|keyframe| keyframe.closed || !only_closed).map(|keyframe| keyframe.pts).peekable();

    let shares = len(pieces.get());
    let mut starts = Vec::new();
    let mut done = 0;
    for (pts, size) in &index.shown {
        if candidates.next_if_eq(pts).is_some() {
            let share = len(starts.len()) + 1;
            if share < shares && done * shares >= total * share {
                starts.push(*pts);
            }
        }
        done += u64::from(*size) + per_picture;
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Keyframe;

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
    fn a_stream_with_one_keyframe_or_doubtful_timestamps_is_one_piece() {
        assert_eq!(cut_into(&index(100, 200, true), 4).len(), 1);
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
    fn h264_is_cut_at_closed_groups_only_and_other_codecs_at_any() {
        let mut mixed = index(100, 10, false);
        assert_eq!(cut_into(&mixed, 2), [Piece { expected: Some(100), ..WHOLE }]);
        mixed.keyframes[7].closed = true;
        assert_eq!(cut_into(&mixed, 2)[1].from, Some(70));
        assert_eq!(cut(&mixed, "mov,mp4", Some("hevc"), NonZeroUsize::new(2).unwrap())[1].from, Some(50));
    }
}
