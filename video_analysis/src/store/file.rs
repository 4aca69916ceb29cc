//! One file of features: a header that says whose they are and proves that they are whole, then the features, compressed.
//!
//! Header, numbers in little-endian order: `kadrfeat`, the format (4 bytes), the digest of the key (32), how many bytes
//! follow (8), their SHA-256 (32).

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use sha2::{Digest as _, Sha256};

use crate::numeric::len;

/// Changed with everything that changes what is kept, how it is computed, or how it is written.
pub(super) const FORMAT: u32 = 9;

const MAGIC: &[u8; 8] = b"kadrfeat";
const HEADER: usize = 8 + 4 + 32 + 8 + 32;
/// Large enough that hashing and not system calls take the time.
const CHUNK: usize = 1 << 18;

/// Has features written to an empty file, which may become `most` bytes long.
pub(super) fn write(
    mut file: &File,
    key: &[u8; 32],
    most: u64,
    features: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    file.write_all(&[0; HEADER])?;
    let measured = Measured {
        inner: BufWriter::new(file),
        hash: Sha256::new(),
        bytes: 0,
        most: most.saturating_sub(len(HEADER)),
    };
    let mut compressed = DeflateEncoder::new(measured, Compression::fast());
    features(&mut compressed)?;
    let Measured { inner, hash, bytes, .. } = compressed.finish()?;
    inner.into_inner()?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&header(key, bytes, &hash.finalize().into()))
}

/// Has features read that belong to `key`; anything else is an error.
pub(super) fn read<T>(
    mut file: &File,
    key: &[u8; 32],
    features: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> io::Result<T> {
    let mut head = [0; HEADER];
    file.read_exact(&mut head)?;
    let bytes = file.metadata()?.len().saturating_sub(len(HEADER));
    // All of it is known but the digest, which the rest of the file has.
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hash.update(chunk.get(..read).unwrap_or_default());
    }
    if head != header(key, bytes, &hash.finalize().into()) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "damaged, or of something else"));
    }
    file.seek(SeekFrom::Start(len(HEADER)))?;
    features(&mut DeflateDecoder::new(BufReader::new(file)))
}

fn header(key: &[u8; 32], bytes: u64, checksum: &[u8; 32]) -> [u8; HEADER] {
    let parts: [&[u8]; 5] = [MAGIC, &FORMAT.to_le_bytes(), key, &bytes.to_le_bytes(), checksum];
    let mut header = [0; HEADER];
    header.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, from)| *to = *from);
    header
}

/// Hashes and counts what it passes on.
struct Measured<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
    most: u64,
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(buffer.get(..written).unwrap_or_default());
        self.bytes += len(written);
        if self.bytes > self.most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(written) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
