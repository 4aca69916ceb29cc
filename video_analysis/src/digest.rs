//! The identity of the input: size and SHA-256.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, ErrorKind};
use crate::numeric::len;
use crate::process::Watch;
use crate::report::Input;

/// Large enough that hashing and not system calls take the time.
const CHUNK: usize = 1 << 20;

/// The size; refuses what is no file or has no bytes, before anything is started.
pub(crate) fn file_size(input: &Path) -> Result<u64, Error> {
    let metadata =
        std::fs::metadata(input).map_err(|error| Error::io(&input.display().to_string(), &error))?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::Io, format!("{}: not a regular file", input.display())));
    }
    if metadata.len() == 0 {
        return Err(Error::new(ErrorKind::EmptyFile, input.display().to_string()));
    }
    Ok(metadata.len())
}

/// Reads the whole file.
pub(crate) fn identify(input: &Path, watch: &Watch) -> Result<Input, Error> {
    let failed = |error: std::io::Error| Error::io(&input.display().to_string(), &error);
    let mut file = File::open(input).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        watch.check()?;
        let read = file.read(&mut chunk).map_err(failed)?;
        if read == 0 {
            break;
        }
        hash.update(chunk.get(..read).unwrap_or_default());
        bytes += len(read);
    }
    Ok(Input { sha256: hex::encode(hash.finalize()), bytes })
}
