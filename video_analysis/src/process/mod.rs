//! Decoder processes: started with nothing but what they need, watched, and always reaped.

mod complaints;
mod places;
mod sandbox;
mod tools;
mod view;
mod watch;

use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use places::{Place, Places};
pub(crate) use tools::{Tools, demuxing_rules, input_url};
pub(crate) use watch::Watch;

use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::numeric::len;
use complaints::Complaints;
use sandbox::Sandbox;

/// `/proc` counts CPU time in ticks of the scheduler's clock, 10 ms and more; the limit is counted to the nanosecond.
const CPU_CLOCK_SLACK: Duration = Duration::from_millis(100);

/// Everything the processes of one analysis share.
pub(crate) struct Processes {
    pub(crate) tools: Tools,
    pub(crate) watch: Watch,
    /// Of decoders, of pictures and of sound.
    pub(crate) places: Places,
    sandbox: Sandbox,
    output_left: AtomicU64,
    /// CPU time of one process.
    cpu_limit: Duration,
}

/// Which program to run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Program {
    Ffmpeg,
    Ffprobe,
}

impl Processes {
    /// Processes that may read `input`, and no other file of anybody's.
    pub(crate) fn new(input: &Path, execution: &Execution) -> Result<Self, Error> {
        let tools = Tools::find(execution)?;
        let view = view::of(input, &tools)?;
        Ok(Self {
            tools,
            watch: Watch::new(),
            places: Places::new(execution.workers),
            sandbox: Sandbox::new(&execution.limits, view),
            output_left: AtomicU64::new(execution.limits.output),
            cpu_limit: execution.limits.cpu,
        })
    }

    /// Starts a program. `extra` is a descriptor it inherits under the same number. The calling thread must live until the
    /// child is finished, because the child dies with it.
    pub(crate) fn spawn(
        &self,
        program: Program,
        args: &[String],
        extra: Option<OwnedFd>,
    ) -> Result<Running<'_>, Error> {
        self.start(program, args, extra, Stdio::null())
    }

    /// The same, with what another program writes as its standard input.
    pub(crate) fn spawn_behind(
        &self,
        feeder: &mut Running<'_>,
        program: Program,
        args: &[String],
        extra: Option<OwnedFd>,
    ) -> Result<Running<'_>, Error> {
        let pipe = feeder.pipe()?;
        self.start(program, args, extra, pipe.into())
    }

    fn start(
        &self,
        program: Program,
        args: &[String],
        extra: Option<OwnedFd>,
        stdin: Stdio,
    ) -> Result<Running<'_>, Error> {
        self.watch.check()?;
        let path = match program {
            Program::Ffmpeg => &self.tools.ffmpeg,
            Program::Ffprobe => &self.tools.ffprobe,
        };
        let mut command = Command::new(path);
        command.args(args).env_clear();
        // glibc reserves an arena of 64 MiB of address space per thread otherwise, which counts against the memory limit.
        command.env("MALLOC_ARENA_MAX", "2").current_dir("/");
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.sandbox.restrict(&mut command, extra.as_ref().map(AsRawFd::as_raw_fd));
        let mut child = command.spawn().map_err(|error| match error.raw_os_error() {
            Some(libc::ENOMEM) => {
                Error::new(ErrorKind::LimitsExceeded, format!("{}: {error}", path.display()))
            }
            _ => Error::io(&path.display().to_string(), &error),
        })?;
        drop(extra);
        self.watch.add(&child);
        let stdout = child.stdout.take();
        let complaints = child.stderr.take().map(Complaints::of);
        Ok(Running { processes: self, child: Some(child), stdout, complaints })
    }

    /// Runs a program to its end with all of its output in memory, `most` bytes of it.
    pub(crate) fn output(
        &self,
        program: Program,
        args: &[String],
        most: u64,
    ) -> Result<(Vec<u8>, Exit), Error> {
        let mut running = self.spawn(program, args, None)?;
        let mut bytes = Vec::new();
        running
            .stdout()?
            .take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|e| Error::io("decoder output", &e))?;
        if len(bytes.len()) > most {
            return Err(Error::new(ErrorKind::LimitsExceeded, format!("more than {most} bytes of output")));
        }
        Ok((bytes, running.finish()?))
    }
}

/// Reads what a decoder writes, against the analysis's output limit.
pub(crate) struct Output<'a> {
    processes: &'a Processes,
    pipe: ChildStdout,
}

impl Read for Output<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.pipe.read(buffer)?;
        let taken = self
            .processes
            .output_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(len(read)));
        if taken.is_err() {
            self.processes.watch.stop_for_output();
            return Err(io::Error::other("decoded output limit"));
        }
        Ok(read)
    }
}

/// A process under watch. Dropped before it is finished, it is killed and reaped.
pub(crate) struct Running<'a> {
    processes: &'a Processes,
    child: Option<Child>,
    stdout: Option<ChildStdout>,
    complaints: Option<Complaints>,
}

/// How a process ended.
pub(crate) struct Exit {
    status: ExitStatus,
    /// Whether it had used up its CPU time, which the kernel ends with the same signal as an operator would.
    out_of_time: bool,
    /// The first part of what it complained about; with `-v error`, empty when all went well.
    pub(crate) complaints: String,
}

impl<'a> Running<'a> {
    /// Its standard output; to be taken once.
    pub(crate) fn stdout(&mut self) -> Result<Output<'a>, Error> {
        let pipe = self.pipe()?;
        // A full default pipe stops the decoder every few pictures. More is better but not needed: the limit may be lower.
        if let Err(error) = rustix::pipe::fcntl_setpipe_size(&pipe, 1 << 20) {
            log::debug!("pipe keeps its size error={error}");
        }
        Ok(Output { processes: self.processes, pipe })
    }

    fn pipe(&mut self) -> Result<ChildStdout, Error> {
        self.stdout.take().ok_or_else(|| Error::new(ErrorKind::Io, "standard output is taken"))
    }

    /// Whether it has not complained about anything yet: all that it says before it writes something is there when that is read.
    pub(crate) fn is_content(&self) -> bool {
        self.complaints.as_ref().is_some_and(Complaints::are_none)
    }

    /// Waits for its end. An analysis that was stopped meanwhile, or a process killed by a limit or a crash, is an error; an
    /// unsuccessful exit by itself is not.
    pub(crate) fn finish(mut self) -> Result<Exit, Error> {
        let exit = self.reap()?;
        self.processes.watch.check()?;
        exit.classify()
    }

    /// Kills it, because no more output is needed. What it complained about until then is returned.
    pub(crate) fn kill(mut self) -> Result<String, Error> {
        if let Some(child) = &self.child {
            self.processes.watch.kill(child);
        }
        let exit = self.reap()?;
        self.processes.watch.check()?;
        Ok(exit.complaints)
    }

    fn reap(&mut self) -> Result<Exit, Error> {
        // Closed first: a process that still writes must not wait for a reader that waits for it.
        self.stdout = None;
        let complaints = self.complaints.take().map(Complaints::finish).unwrap_or_default();
        let mut child = self.child.take().ok_or_else(|| Error::new(ErrorKind::Io, "process is reaped"))?;
        // Not yet waited for, so the number is still its own when it leaves the watch's list.
        let mut out_of_time = false;
        let status = wait_unreaped(&child).and_then(|()| {
            out_of_time = cpu_time(&child).is_some_and(|used| used >= self.processes.cpu_limit);
            self.processes.watch.remove(&child);
            child.wait()
        });
        let status = status.map_err(|error| Error::io("waiting for a decoder", &error))?;
        Ok(Exit { status, out_of_time, complaints: String::from_utf8_lossy(&complaints).trim().to_owned() })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(child) = &self.child {
            self.processes.watch.kill(child);
            if let Err(error) = self.reap() {
                log::warn!("decoder was not reaped error={error}");
            }
        }
    }
}

/// Waits until a child has ended, and leaves it to be reaped: until then the watch may kill it by its number.
fn wait_unreaped(child: &Child) -> io::Result<()> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return Ok(()) };
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

/// CPU time of a child that has ended and is not reaped yet; `None` where `/proc` does not tell.
fn cpu_time(child: &Child) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // The name, in parentheses, may contain anything; the fields after it are numbers: utime and stime are the 14th and
    // 15th of all (proc_pid_stat(5)), the 12th and 13th behind the name.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: u64 =
        fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().ok()).sum::<Option<u64>>()?;
    let milliseconds = ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1);
    // The clock of this file is coarser than the one of the limit.
    Some(Duration::from_millis(milliseconds) + CPU_CLOCK_SLACK)
}

impl Exit {
    pub(crate) fn success(&self) -> bool {
        self.status.success()
    }

    fn classify(self) -> Result<Self, Error> {
        // FFmpeg's and the dynamic loader's ways to say that an allocation failed.
        const OUT_OF_MEMORY: [&str; 3] =
            ["Cannot allocate memory", "failed to map segment", "cannot allocate memory"];
        // The dynamic loader's, that a library is not there, or where no decoder may read.
        const NOT_LOADED: &str = "error while loading shared libraries";
        let detail = || format!("{}: {}", self.status, self.complaints);
        match self.status.signal() {
            Some(libc::SIGKILL | libc::SIGXCPU) if self.out_of_time => {
                Err(Error::new(ErrorKind::LimitsExceeded, format!("CPU time: {}", detail())))
            }
            // Nobody here sent it: an operator or the kernel's out-of-memory killer did.
            Some(libc::SIGKILL) => Err(Error::new(ErrorKind::DecoderKilled, detail())),
            Some(_) => Err(Error::new(ErrorKind::DecoderCrashed, detail())),
            None if !self.success() && OUT_OF_MEMORY.iter().any(|text| self.complaints.contains(text)) => {
                Err(Error::new(ErrorKind::LimitsExceeded, format!("memory limit: {}", detail())))
            }
            None if !self.success() && self.complaints.contains(NOT_LOADED) => {
                Err(Error::new(ErrorKind::DecoderMissing, detail()))
            }
            None => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests;
