//! The two programs as processes, as an operator runs them.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;

use service_kit::client::client;

use super::{Answer, eventually};

/// A running service.
pub(crate) struct Process {
    child: Child,
    pub(crate) url: String,
    log: mpsc::Receiver<String>,
}

/// Both services on one data directory; each may be stopped and started again.
pub(crate) struct Installation {
    folder: tempfile::TempDir,
    pub(crate) client: awc::Client,
}

impl Installation {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), client: client(super::PATIENCE) }
    }

    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// User Service on a free port, or on `port` where others know it already.
    pub(crate) fn user_service(&self, port: &str) -> Process {
        self.user_service_with(port, &[])
    }

    pub(crate) fn user_service_with(&self, port: &str, settings: &[(&str, &str)]) -> Process {
        let mut command = Command::new(program("user_service"));
        command
            .env("USER_SERVICE__DATA_DIR", self.data())
            .env("USER_SERVICE__HTTP__PORT", port)
            .env("USER_SERVICE__PASSWORDS__BCRYPT_COST", "4")
            .envs(settings.iter().copied());
        Process::start(command)
    }

    /// Video Service in a role, beside `users`.
    pub(crate) fn video_service(&self, role: &str, users: &Process, settings: &[(&str, &str)]) -> Process {
        let mut command = Command::new(program("video_service"));
        command.arg(role);
        self.video_service_by(command, users, settings)
    }

    /// Video Service with a disk of so many bytes in the place of `folder`; none where this machine does not let its users
    /// mount one.
    pub(crate) fn video_service_on_disk_of(
        &self,
        bytes: usize,
        folder: &str,
        users: &Process,
        settings: &[(&str, &str)],
    ) -> Option<Process> {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c"]);
        if !command.arg("mount -t tmpfs tmpfs /mnt").status().is_ok_and(|status| status.success()) {
            return None;
        }
        let folder = self.data().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new("unshare");
        let then_serve = "mount -t tmpfs -o size=$1 tmpfs $2 && exec $0 all";
        command.args(["--map-root-user", "--mount", "sh", "-c", then_serve]);
        command.arg(program("video_service")).arg(bytes.to_string()).arg(folder);
        Some(self.video_service_by(command, users, settings))
    }

    fn video_service_by(&self, mut command: Command, users: &Process, settings: &[(&str, &str)]) -> Process {
        command
            .env("VIDEO_SERVICE__DATA_DIR", self.data())
            .env("VIDEO_SERVICE__HTTP__PORT", "0")
            .env("VIDEO_SERVICE__USER_SERVICE__URL", &users.url)
            .envs(settings.iter().copied());
        Process::start(command)
    }

    /// Processes that have a file of this installation on their command line: decoders at work.
    pub(crate) fn decoders(&self) -> Vec<PathBuf> {
        let mark = self.data().join("blobs").display().to_string();
        let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        processes
            .filter(|process| {
                let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&command).contains(&mark)
            })
            .collect()
    }
}

impl Process {
    fn start(mut command: Command) -> Self {
        let mut child = command.env_remove("RUST_LOG").stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = mpsc::channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let port = log
            .iter()
            .find_map(|line| Some(line.split_once(" port=")?.1.split(' ').next()?.to_owned()))
            .expect("it listens");
        Self { child, url: format!("http://127.0.0.1:{port}"), log }
    }

    pub(crate) fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// The files below `folder` as it sees them.
    pub(crate) fn files_below(&self, folder: &Path) -> Vec<PathBuf> {
        super::files_below(&self.seen(folder))
    }

    /// Fills the disk that it sees as `folder` with a file, until nothing has room.
    pub(crate) fn fill(&self, folder: &Path) {
        let mut filler = File::create(self.seen(folder).join("filler")).unwrap();
        let full = std::iter::repeat_with(|| filler.write_all(&[7; 4096])).find_map(Result::err).unwrap();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    }

    /// Undoes [`Process::fill`].
    pub(crate) fn make_room(&self, folder: &Path) {
        std::fs::remove_file(self.seen(folder).join("filler")).unwrap();
    }

    fn seen(&self, folder: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.child.id())).join(folder.strip_prefix("/").unwrap())
    }

    /// SIGKILL: it cannot do anything about it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM or SIGINT, and how it ended.
    pub(crate) async fn stop(mut self, signal: &str) -> ExitStatus {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        eventually("the end of the process", async || self.child.try_wait().unwrap()).await
    }

    /// What it has logged since it was last asked, once it has ended.
    pub(crate) async fn stop_and_read_log(mut self) -> Vec<String> {
        let log = std::mem::replace(&mut self.log, mpsc::channel().1);
        self.stop("TERM").await;
        log.iter().collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing to do where it has ended already.
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

/// Runs Video Service to its end, which is expected to come soon.
pub(crate) fn run_video_service(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    Command::new(program("video_service"))
        .args(arguments)
        .env("VIDEO_SERVICE__DATA_DIR", folder.path())
        .env("VIDEO_SERVICE__HTTP__PORT", "0")
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

/// A program of this workspace. `make test` builds them all first.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_video_service")).with_file_name(name);
    assert!(path.exists(), "{} is not built: run `cargo build --workspace`", path.display());
    path
}

/// A client of both services, by their addresses.
pub(crate) struct Client<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) token: String,
}

impl<'a> Client<'a> {
    /// Registers and logs in.
    pub(crate) async fn register(installation: &'a Installation, users: &Process, name: &str) -> Self {
        let account = serde_json::json!({
            "username": name, "email": format!("{name}@example.com"), "password": "correct horse battery",
        });
        let post = |path: &str, body: serde_json::Value| {
            let request = installation.client.post(format!("{}{path}", users.url));
            Answer::to(request.content_type("application/json"), body.to_string())
        };
        post("/users/register", account).await.ok(201);
        Self::log_in(installation, users, name).await
    }

    /// Made at the machine, and logged in.
    pub(crate) async fn administrator(installation: &'a Installation, users: &Process, name: &str) -> Self {
        let mut command = Command::new(program("user_service"))
            .args(["admin", "create", "--username", name, "--email", &format!("{name}@example.com")])
            .env("USER_SERVICE__DATA_DIR", installation.data())
            .env("USER_SERVICE__PASSWORDS__BCRYPT_COST", "4")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        command.stdin.take().unwrap().write_all(b"correct horse battery").unwrap();
        assert!(command.wait().unwrap().success());
        Self::log_in(installation, users, name).await
    }

    async fn log_in(installation: &'a Installation, users: &Process, name: &str) -> Self {
        let login = serde_json::json!({ "username": name, "password": "correct horse battery" });
        let request = installation.client.post(format!("{}/users/login", users.url));
        let tokens = Answer::to(request.content_type("application/json"), login.to_string()).await.ok(200);
        Self { installation, token: tokens["access_token"].as_str().unwrap().to_owned() }
    }

    pub(crate) fn request(&self, service: &Process, method: &str, path: &str) -> awc::ClientRequest {
        let address = format!("{}{path}", service.url);
        self.installation.client.request(method.parse().unwrap(), address).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, service: &Process, path: &str) -> Answer {
        Answer::to(self.request(service, "GET", path), "").await
    }

    /// The path of a new video with `content`.
    pub(crate) async fn upload(&self, service: &Process, content: Vec<u8>) -> String {
        let request = self.request(service, "POST", "/videos").content_type("application/json");
        let made = Answer::to(request, r#"{"title": "A film"}"#).await;
        made.ok(201);
        let path = made.header("location").to_owned();
        let request = self.request(service, "PUT", &format!("{path}/content")).content_type("video/mp4");
        Answer::to(request, content).await.ok(201);
        path
    }

    /// The analysis of the video at `path`, as soon as `condition` holds of it.
    pub(crate) async fn analysis_when(
        &self,
        service: &Process,
        path: &str,
        mut condition: impl FnMut(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        eventually("the awaited state of the analysis", async || {
            let analysis = self.get(service, &format!("{path}/analysis")).await.ok(200);
            condition(&analysis).then_some(analysis)
        })
        .await
    }
}
