"""What the parts of the benchmark share: the services built, started, asked and watched."""

import base64
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
PASSWORD = "correct horse battery"
CONNECTIONS = 32
WORKERS = 2


def build(*packages):
    """The folder with the release builds of the programs of `packages` and of their examples."""
    chosen = [argument for package in packages for argument in ("--package", package)]
    subprocess.run(["cargo", "build", "--release", "--locked", *chosen, "--bins", "--examples"], cwd=ROOT, check=True)
    return TARGET / "release"


def scratch_folder():
    """A throw-away folder on the disk of the builds, for /tmp may be memory."""
    return tempfile.TemporaryDirectory(dir=TARGET)


class Service:
    """A running program of ours."""

    def __init__(self, command, prefix, settings):
        environment = os.environ | {f"{prefix}__{name}": str(value) for name, value in settings.items()}
        environment.pop("RUST_LOG", None)
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if port := re.search(r"listening .*port=(\d+)", line):
                self.port = int(port[1])
                break
        else:
            raise SystemExit(f"{command[0]} did not start")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def memory(self, what="VmRSS"):
        """Resident, in megabytes; `VmHWM` for the most since the last reset."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) * 1024 / 1e6

    def reset_peak_memory(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


class UserService(Service):
    """On SQLite in `folder`, without limits of rates."""

    def __init__(self, programs, folder, cost=4):
        self.folder = pathlib.Path(folder)
        settings = {
            "DATA_DIR": folder,
            "HTTP__PORT": 0,
            "HTTP__WORKERS": WORKERS,
            "PASSWORDS__BCRYPT_COST": cost,
            "RATE_LIMITS__LOGIN": 0,
            "RATE_LIMITS__REGISTER": 0,
            "RATE_LIMITS__INTROSPECT": 0,
            "THROTTLE__NAME_FREE_FAILURES": 1000000,
            "THROTTLE__NETWORK_FREE_FAILURES": 1000000,
            "LOG__FILTER": "warn,user_service::application=info",
        }
        super().__init__([programs / "user_service"], "USER_SERVICE", settings)

    def client_authorization(self):
        secret = (self.folder / "secrets/introspection_client_secret").read_text()
        return "Basic " + base64.b64encode(f"video_service:{secret}".encode()).decode()

    def register(self, name):
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        status, body = Client(self.port).post("/users/register", account)
        assert status == 201, body

    def token(self, name):
        """The access token of an account, logged in."""
        return json.loads(Client(self.port).log_in(name, PASSWORD)[1])["access_token"]

    def introspections(self):
        """How many it has answered."""
        _, metrics = Client(self.port).send("GET", "/metrics")
        counter = r'user_service_http_requests_total\{endpoint="/oauth/introspect"[^}]*\} (\d+)'
        return sum(int(count) for count in re.findall(counter, metrics.decode()))


class VideoService(Service):
    """Answers requests beside `users`, whose folder it shares, and runs no analyses."""

    def __init__(self, programs, users, **settings):
        defaults = {
            "DATA_DIR": users.folder,
            "HTTP__PORT": 0,
            "HTTP__WORKERS": WORKERS,
            "USER_SERVICE__URL": f"http://127.0.0.1:{users.port}",
            # What is deleted leaves the disk at once.
            "LIBRARY__TRASH_DAYS": 0,
            "LOG__FILTER": "warn,video_service::startup=info",
        }
        super().__init__([programs / "video_service", "serve"], "VIDEO_SERVICE", defaults | settings)


class Client:
    """One connection, in the name of who has `token`."""

    def __init__(self, port, token=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.authorization = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method, path, body=None, **headers):
        """The response, whose body is read."""
        self.connection.request(method, path, body, self.authorization | headers)
        response = self.connection.getresponse()
        response.content = response.read()
        return response

    def send(self, method, path, body=None, **headers):
        response = self.ask(method, path, body, **headers)
        return response.status, response.content

    def post(self, path, value):
        return self.send("POST", path, json.dumps(value), **{"Content-Type": "application/json"})

    def get(self, path):
        """What a GET is answered with, which must be a success."""
        status, body = self.send("GET", path)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def log_in(self, username, password):
        return self.post("/users/login", {"username": username, "password": password})

    def send_file(self, method, path, headers, file, offset, count):
        """Sends `count` bytes of `file` as the body, by the kernel: the client costs next to nothing."""
        self.connection.putrequest(method, path)
        for name, value in (self.authorization | headers | {"Content-Length": str(count)}).items():
            self.connection.putheader(name, value)
        self.connection.endheaders()
        self.connection.sock.sendfile(file, offset, count)
        response = self.connection.getresponse()
        response.content = response.read()
        return response


def requests_per_second(port, path, seconds, connections=CONNECTIONS, headers=(), script=None):
    """By wrk, from one thread."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    for header in headers:
        command += ["-H", header]
    if script:
        command += ["-s", script]
    command.append(f"http://127.0.0.1:{port}{path}")
    report = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in report and "Socket errors" not in report, report
    return float(re.search(r"Requests/sec:\s+([\d.]+)", report)[1])


def in_turn(runs, *measures):
    """The medians of `measures`, one after the other again and again, so that what disturbs one disturbs all."""
    return [statistics.median(column) for column in zip(*[[measure() for measure in measures] for _ in range(runs)])]
