//! A real mail server, as a process of its own: aiosmtpd, which `make test` installs.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// Far beyond what a message takes on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Ends with its test.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    child: Child,
    messages: UnboundedReceiver<Value>,
}

/// A message that arrived.
#[derive(Debug)]
pub(crate) struct Mail(pub(crate) Value);

impl MailServer {
    pub(crate) async fn start() -> Self {
        Self::run(0, &[]).await
    }

    /// On a port that was free.
    pub(crate) async fn start_on(port: u16) -> Self {
        Self::run(port, &[]).await
    }

    /// One that wants STARTTLS and a login.
    pub(crate) async fn start_guarded(certificate: &Path, key: &Path) -> Self {
        Self::run(0, &[certificate.as_os_str(), key.as_os_str()]).await
    }

    async fn run(port: u16, arguments: &[&OsStr]) -> Self {
        // Debian's packages are for its own interpreter, whatever other one is in the path.
        let debian = Path::new("/usr/bin/python3");
        let mut child = Command::new(if debian.exists() { debian } else { Path::new("python3") })
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp_server.py"))
            .arg(port.to_string())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, mut messages) = unbounded_channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let message: Value = serde_json::from_str(&line).unwrap();
                // Nobody listens when the test has ended.
                let _ = sender.send(message);
            }
        });
        let ready = timeout(TIMEOUT, messages.recv()).await.unwrap();
        let port = ready.expect("no mail server: is aiosmtpd installed?")["port"].as_u64().unwrap();
        Self { port: port.try_into().unwrap(), child, messages }
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Mail {
        Mail(timeout(TIMEOUT, self.messages.recv()).await.expect("no message came").unwrap())
    }

    /// Whether no message has come that was not looked at.
    pub(crate) fn has_nothing(&mut self) -> bool {
        self.messages.try_recv().is_err()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mail {
    pub(crate) fn text(&self) -> &str {
        self.0["text"].as_str().unwrap()
    }

    pub(crate) fn to(&self) -> &str {
        self.0["to"][0].as_str().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.0["headers"][name].as_str().unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    /// The token on its line of its own.
    pub(crate) fn token(&self) -> String {
        let is_token = |line: &&str| line.len() == 43 && !line.contains(' ');
        self.text().lines().find(is_token).unwrap_or_else(|| panic!("no token: {self:?}")).to_owned()
    }
}

/// A port where the first connection is taken and dropped; then it is free.
pub(crate) struct BrokenServer(TcpListener);

impl BrokenServer {
    pub(crate) fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Waits until somebody has tried to hand over a message, and frees the port.
    pub(crate) async fn tried_once(self) {
        let accepted = actix_web::rt::task::spawn_blocking(move || self.0.accept().map(drop));
        accepted.await.unwrap().unwrap();
    }
}

/// What makes the service send over the server at `port`.
pub(crate) fn settings(port: &str) -> Vec<(&str, &str)> {
    vec![
        ("SMTP__HOST", "127.0.0.1"),
        ("SMTP__PORT", port),
        ("SMTP__TLS", "none"),
        ("SMTP__FROM", "Kadr <kadr@video.example>"),
    ]
}
