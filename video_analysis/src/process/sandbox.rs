//! What a decoder process is not allowed to do, set in the child between `fork` and `exec`.
//!
//! This is the only module with `unsafe` code. The hook runs in a forked child of a program with threads, where only
//! async-signal-safe work is allowed (POSIX `fork`): it makes system calls on values prepared before, and allocates nothing.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, Signal};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::execution::Limits;

/// Open files of one process: the input, its libraries, pipes, and what FFmpeg opens in passing.
const OPEN_FILES: u64 = 64;

/// The restrictions of one analysis, prepared once and applied to each of its processes.
pub(crate) struct Sandbox {
    limits: Vec<(Resource, Rlimit)>,
    niceness: i32,
    /// `None` where the kernel has no Landlock.
    view: Option<OwnedFd>,
    /// `None` where seccompiler does not know the processor.
    filter: Option<BpfProgram>,
}

impl Sandbox {
    /// `view` are Landlock's rules.
    pub(crate) fn new(limits: &Limits, view: Option<OwnedFd>) -> Self {
        let both = |value: u64| Rlimit { current: Some(value), maximum: Some(value) };
        let cpu = limits.cpu.as_secs().max(1);
        Self {
            limits: vec![
                // Without a softer limit before the hard one: FFmpeg takes SIGXCPU as a polite request to finish its output,
                // which would look like a short film.
                (Resource::Cpu, both(cpu)),
                (Resource::As, both(limits.memory)),
                (Resource::Fsize, both(0)),
                (Resource::Nofile, both(OPEN_FILES)),
                (Resource::Core, both(0)),
            ],
            niceness: limits.niceness.into(),
            view,
            filter: no_network(),
        }
    }

    /// Restricts `command`, which is to be started while this sandbox lives; `keep_open` is the descriptor it inherits beside its
    /// standard ones.
    pub(crate) fn restrict(&self, command: &mut Command, keep_open: Option<RawFd>) {
        let limits = self.limits.clone();
        let niceness = self.niceness;
        let view = self.view.as_ref().map(AsRawFd::as_raw_fd);
        let filter = self.filter.clone();
        let parent = Pid::from_raw(i32::try_from(std::process::id()).unwrap_or(0));
        let hook = move || enter(&limits, niceness, view, filter.as_deref(), parent, keep_open);
        command.process_group(0);
        #[expect(unsafe_code, reason = "the only way to run code between fork and exec")]
        // SAFETY: `enter` only makes system calls on borrowed, already allocated values, and allocates nothing itself; an
        // `io::Error` made of an error number does not allocate either.
        unsafe {
            command.pre_exec(hook);
        }
    }
}

/// Runs in the child. The order matters: the filter comes last, since it forbids.
fn enter(
    limits: &[(Resource, Rlimit)],
    niceness: i32,
    view: Option<RawFd>,
    filter: Option<&[seccompiler::sock_filter]>,
    parent: Option<Pid>,
    keep_open: Option<RawFd>,
) -> io::Result<()> {
    // Fires when the thread that forked ends, which here always outlives its child, or when the whole process is killed.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() != parent {
        // The parent died before the line above: nobody is left to read what would be decoded.
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    rustix::thread::set_no_new_privs(true)?;
    for (resource, limit) in limits {
        rustix::process::setrlimit(*resource, *limit)?;
    }
    rustix::process::nice(niceness)?;
    if let Some(descriptor) = keep_open {
        #[expect(unsafe_code, reason = "a borrowed descriptor from its number")]
        // SAFETY: the caller of `restrict` keeps the descriptor open until the child is spawned.
        let descriptor = unsafe { rustix::fd::BorrowedFd::borrow_raw(descriptor) };
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::empty())?;
    }
    if let Some(view) = view {
        restrict_self(view)?;
    }
    if let Some(filter) = filter {
        seccompiler::apply_filter(filter).map_err(|_| io::Error::from_raw_os_error(libc::EACCES))?;
    }
    Ok(())
}

/// Puts this process under Landlock's rules. Not by the crate, whose way to do it is not made for a child of `fork`.
fn restrict_self(view: RawFd) -> io::Result<()> {
    const NO_FLAGS: libc::c_uint = 0;
    #[expect(unsafe_code, reason = "neither libc nor rustix has a function for it")]
    // SAFETY: the call takes a descriptor, which is checked by the kernel, and flags; it touches no memory of ours.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, view, NO_FLAGS) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A filter under which sockets do not exist and other processes cannot be touched; calls fail with `EACCES`.
fn no_network() -> Option<BpfProgram> {
    const FORBIDDEN: [libc::c_long; 12] = [
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept4,
        libc::SYS_sendto,
        libc::SYS_sendmsg,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        // Its operations would go around this filter.
        libc::SYS_io_uring_setup,
    ];
    let compiled = std::env::consts::ARCH.try_into().and_then(|arch| {
        let rules: BTreeMap<i64, _> = FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
        let refuse = SeccompAction::Errno(libc::EACCES.unsigned_abs());
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
    });
    match compiled {
        Ok(program) => Some(program),
        Err(error) => {
            log::warn!("decoders run without a system call filter error={error}");
            None
        }
    }
}
