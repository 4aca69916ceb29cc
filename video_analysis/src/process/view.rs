//! What a decoder sees of the file system: its input and what it needs to start, to be read; nothing to be written, made or
//! removed. The kernel's Landlock enforces it, where there is one (Linux 5.13 and newer, unless it is switched off).
//!
//! Landlock and not a mount namespace, because it needs no privilege: namespaces do, or user namespaces, which distributions
//! and container runtimes switch off.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Once;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetError, Scope,
};

use super::Tools;
use crate::error::{Error, ErrorKind};

/// The newest set of rights whose effect was looked at; an older kernel enforces those that it knows.
const RIGHTS: ABI = ABI::V10;
/// Where libraries and the dynamic loader are.
const LIBRARIES: [&str; 8] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
    // Nix and Guix, where each package has its own folder.
    "/nix/store",
    "/gnu/store",
];
/// Where programs are that a script may call which stands in for a decoder.
const PROGRAMS: [&str; 3] = ["/bin", "/usr/bin", "/usr/local/bin"];
/// What the dynamic loader reads, and how many processors and nodes of memory there are, which libraries ask when they are loaded.
/// Of `/proc` nothing: environments of other processes are there.
const OTHERS: [&str; 6] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/dev/null",
    "/dev/urandom",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
];

/// The rules under which `tools` may open `input` and no other file; `None` where the kernel has no Landlock.
pub(super) fn of(input: &Path, tools: &Tools) -> Result<Option<OwnedFd>, Error> {
    let input = PathFd::new(input).map_err(|error| Error::new(ErrorKind::Io, error.to_string()))?;
    match rules(input, tools) {
        Ok(rules) => {
            let rules = Option::<OwnedFd>::from(rules);
            if rules.is_none() {
                warn_once("the kernel has no Landlock");
            }
            Ok(rules)
        }
        Err(error) => {
            warn_once(&error.to_string());
            Ok(None)
        }
    }
}

/// Without it the other restrictions are still there, and an analysis is not worth failing.
fn warn_once(cause: &str) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| log::warn!("decoders may read whatever this process may cause=\"{cause}\""));
}

fn rules(input: PathFd, tools: &Tools) -> Result<RulesetCreated, RulesetError> {
    let read = AccessFs::ReadFile;
    let look = read | AccessFs::ReadDir;
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(RIGHTS))?
        .handle_access(AccessNet::from_all(RIGHTS))?
        .scope(Scope::from_all(RIGHTS))?
        .create()?
        .add_rule(PathBeneath::new(input, read))?;
    // The loader is run, and is among the libraries.
    rules = allow(rules, LIBRARIES, look | AccessFs::Execute)?;
    rules = allow(rules, configured_libraries(), look)?;
    rules = allow(rules, OTHERS, look)?;
    for program in [&tools.ffmpeg, &tools.ffprobe] {
        rules = allow(rules, [program], read | AccessFs::Execute)?;
        // Installed in a folder of its own: `bin` beside `lib`.
        rules = allow(rules, own_libraries(program), look)?;
        if is_script(program) {
            rules = allow(rules, PROGRAMS, look | AccessFs::Execute)?;
        }
    }
    Ok(rules)
}

/// Allows `access` to what there is of `paths`.
fn allow<P: AsRef<Path>>(
    rules: RulesetCreated,
    paths: impl IntoIterator<Item = P>,
    access: impl Into<BitFlags<AccessFs>>,
) -> Result<RulesetCreated, RulesetError> {
    rules.add_rules(landlock::path_beneath_rules(paths, access))
}

/// The folders of `/etc/ld.so.conf` and of the files that distributions have it include.
fn configured_libraries() -> Vec<PathBuf> {
    let included = std::fs::read_dir("/etc/ld.so.conf.d").into_iter().flatten();
    let included = included.filter_map(Result::ok).map(|entry| entry.path());
    let files = [PathBuf::from("/etc/ld.so.conf")].into_iter().chain(included);
    let texts: Vec<String> = files.filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    let lines = texts.iter().flat_map(|text| text.lines().map(str::trim));
    lines.filter(|line| line.starts_with('/')).map(PathBuf::from).collect()
}

fn own_libraries(program: &Path) -> Option<PathBuf> {
    let program = program.canonicalize().ok()?;
    Some(program.parent()?.parent()?.join("lib"))
}

fn is_script(program: &Path) -> bool {
    let mut head = [0; 2];
    File::open(program).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *b"#!"
}
