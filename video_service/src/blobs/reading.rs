//! A file's bytes, as a stream.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};

/// How much is read at a time, in bytes: large enough that what a trip to another thread costs does not show, small
/// enough that many readers stay small. `object_store` itself reads 8 KiB at a time, and is bound by these trips.
const CHUNK: usize = 128 * 1024;
/// How many chunks are in memory: while one is sent, the next is read.
const AHEAD: usize = 2;

/// The bytes of `range`.
pub(super) fn stream(file: File, range: Range<u64>) -> BoxStream<'static, object_store::Result<Bytes>> {
    let file = Arc::new(file);
    let end = range.end;
    stream::iter(range.step_by(CHUNK))
        .map(move |start| {
            let file = Arc::clone(&file);
            async move {
                tokio::task::spawn_blocking(move || read(&file, start, end))
                    .await
                    .map_err(|source| object_store::Error::JoinError { source })?
                    .map_err(|error| object_store::Error::Generic { store: "local", source: error.into() })
            }
        })
        .buffered(AHEAD)
        .boxed()
}

/// The chunk that begins at `start`.
fn read(file: &File, start: u64, end: u64) -> io::Result<Bytes> {
    let length = usize::try_from(end - start).unwrap_or(usize::MAX).min(CHUNK);
    let mut chunk = vec![0; length];
    file.read_exact_at(&mut chunk, start)?;
    Ok(chunk.into())
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    fn bytes(length: usize) -> (tempfile::NamedTempFile, Vec<u8>) {
        let content: Vec<u8> = (0_u32..).flat_map(u32::to_le_bytes).take(length).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, &content).unwrap();
        (file, content)
    }

    #[actix_web::test]
    async fn chunks_come_in_order_and_end_with_the_range() {
        let (file, content) = bytes(3 * CHUNK + 1);
        for range in [0..content.len(), 5..content.len() - 5, CHUNK..2 * CHUNK, 7..8, 9..9] {
            let bounds = u64::try_from(range.start).unwrap()..u64::try_from(range.end).unwrap();
            let read: Vec<Bytes> = stream(file.reopen().unwrap(), bounds).try_collect().await.unwrap();
            assert!(read.concat() == content[range.clone()], "{range:?}");
        }
    }

    #[actix_web::test]
    async fn a_file_that_has_become_shorter_is_an_error() {
        let (file, _) = bytes(10);
        assert!(stream(file.reopen().unwrap(), 5..11).try_collect::<Vec<_>>().await.is_err());
    }
}
