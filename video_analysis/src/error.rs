//! What can go wrong, by kind.

use std::fmt;

/// The kinds of failure. Each has a stable code, a sentence that may be shown to anybody, and says whether trying again
/// can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file has no bytes.
    EmptyFile,
    /// No demuxer recognizes the bytes, or there is neither picture nor sound inside.
    NotAVideo,
    /// The bytes are of a format that is not analysed (playlists, images, raw devices).
    UnsupportedFormat,
    /// The file ends before what is needed to read any of it.
    Truncated,
    /// There are streams, but not one frame or sample of them could be decoded.
    Undecodable,
    /// Width × height is above [`Execution::max_pixels`](crate::Execution::max_pixels).
    TooManyPixels,
    /// The duration is above [`Execution::max_duration`](crate::Execution::max_duration).
    TooLong,
    /// More streams than [`Execution::max_streams`](crate::Execution::max_streams).
    TooManyStreams,
    /// The decoder needed more time, memory or output than [`Limits`](crate::Limits) grant.
    LimitsExceeded,
    /// [`Observer::is_canceled`](crate::Observer::is_canceled) said so.
    Canceled,
    /// The decoder died of a signal of its own making.
    DecoderCrashed,
    /// The decoder was killed from outside, within its limits: by an operator, or for want of the machine's memory.
    DecoderKilled,
    /// `ffmpeg` or `ffprobe` is not installed, or not where it was said to be.
    DecoderMissing,
    /// The options contradict themselves; see [`Options::validate`](crate::Options::validate).
    InvalidOptions,
    /// The operating system refused something: reading the file, starting a process.
    Io,
}

impl ErrorKind {
    /// The stable, machine-readable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::EmptyFile => "empty_file",
            Self::NotAVideo => "not_a_video",
            Self::UnsupportedFormat => "unsupported_format",
            Self::Truncated => "truncated",
            Self::Undecodable => "undecodable",
            Self::TooManyPixels => "too_many_pixels",
            Self::TooLong => "too_long",
            Self::TooManyStreams => "too_many_streams",
            Self::LimitsExceeded => "limits_exceeded",
            Self::Canceled => "canceled",
            Self::DecoderCrashed => "decoder_crashed",
            Self::DecoderKilled => "decoder_killed",
            Self::DecoderMissing => "decoder_missing",
            Self::InvalidOptions => "invalid_options",
            Self::Io => "io",
        }
    }

    /// Whether the same call may succeed later: true for the machine's troubles, false for the file's.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(self, Self::Io | Self::DecoderKilled | Self::DecoderMissing)
    }

    /// One sentence without paths or internals, for whoever owns the file.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::EmptyFile => "The file is empty.",
            Self::NotAVideo => "The file is not a video or audio file that can be recognized.",
            Self::UnsupportedFormat => "Files of this format are not analysed.",
            Self::Truncated => "The file is cut off: the part that describes its contents is missing.",
            Self::Undecodable => "The file has streams, but nothing in them could be decoded.",
            Self::TooManyPixels => "The pictures are larger than the limit.",
            Self::TooLong => "The file is longer than the limit.",
            Self::TooManyStreams => "The file has more streams than the limit.",
            Self::LimitsExceeded => "Decoding the file took more time, memory or output than the limit.",
            Self::Canceled => "The analysis was canceled.",
            Self::DecoderCrashed => "The file made the decoder crash.",
            Self::DecoderKilled => "The decoder was ended from outside.",
            Self::DecoderMissing => "The decoder is not installed.",
            Self::InvalidOptions => "The options are not valid.",
            Self::Io => "The file could not be read, the decoder could not be started, or a disk is full.",
        }
    }
}

/// A failed analysis. `Display` is precise and meant for the log: it may name paths and quote the decoder;
/// [`Error::message`] is what a client may see.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    detail: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(crate) fn io(what: &str, error: &std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("{what}: {error}"))
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable, machine-readable name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Whether trying again may help.
    #[must_use]
    pub fn retryable(&self) -> bool {
        self.kind.retryable()
    }

    /// One sentence without paths or internals.
    #[must_use]
    pub fn message(&self) -> &'static str {
        self.kind.message()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code(), self.detail)
    }
}

impl std::error::Error for Error {}
