"""Ranges of a stored video, against nginx's `sendfile` of the same file."""

import contextlib
import functools
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import threading
import time

from services import WORKERS, Client, UserService, VideoService, in_turn, scratch_folder
from videos_uploads import MEGABYTE, film

RANGE = 16 * 1024 * 1024
READERS = 4
SLOW = 200
#: What a slow reader takes before it takes nothing more.
SIP = 64 * 1024

NGINX = """
{user}
worker_processes {workers};
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {root};
  }}
}}
"""


@contextlib.contextmanager
def nginx(program, root, folder):
    """The port of an nginx that serves `root`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Blobs are readable by their owner alone.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(user=user, workers=WORKERS, folder=folder, port=port, root=root))
    with subprocess.Popen([program, "-p", folder, "-c", configuration]) as process:
        try:
            for _ in range(100):
                with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def ask(port, path, token, first, last):
    """A socket with the request on its way."""
    connection = socket.create_connection(("127.0.0.1", port))
    head = [f"GET {path} HTTP/1.1", "Host: localhost", f"Range: bytes={first}-{last}", "Connection: close"]
    if token:
        head.append(f"Authorization: Bearer {token}")
    connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
    return connection


def bytes_per_second(port, path, token, size, seconds):
    """What readers of ranges get together; a connection for each range, as players do when they seek."""
    end, total, lock = time.monotonic() + seconds, 0, threading.Lock()
    span = min(RANGE, size)

    def read():
        nonlocal total
        buffer, places = bytearray(1024 * 1024), random.Random(threading.get_ident())
        while time.monotonic() < end:
            first = places.randrange(size - span + 1)
            with ask(port, path, token, first, first + span - 1) as connection:
                got = connection.recv_into(buffer)
                assert buffer.startswith(b"HTTP/1.1 206 "), bytes(buffer[:got])
                body = got - buffer.index(b"\r\n\r\n") - 4
                while got := connection.recv_into(buffer):
                    body += got
            assert body == span, (body, span)
            with lock:
                total += body

    threads = [threading.Thread(target=read) for _ in range(READERS)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return total / (time.monotonic() - started)


def memory_per_connection(videos, path, token, size):
    """Growth of resident memory with readers that take a little and then nothing more."""
    before = videos.memory()
    readers = []
    for _ in range(SLOW):
        reader = ask(videos.port, path, token, 0, size - 1)
        readers.append(reader)
        got = 0
        while got < SIP:
            got += len(reader.recv(SIP - got))
    grown = videos.memory() - before
    for reader in readers:
        reader.close()
    return grown / SLOW


def measure_ranges(programs, size, seconds, runs):
    with scratch_folder() as scratch:
        folder = pathlib.Path(scratch)
        source = film(folder / "film.mp4", size)
        with UserService(programs, folder) as users, VideoService(programs, users) as videos:
            users.register("ann")
            token = users.token("ann")
            client = Client(videos.port, token)
            _, video = client.post("/videos", {"title": "A film"})
            path = f"/videos/{json.loads(video)['id']}/content"
            with source.open("rb") as file:
                response = client.send_file("PUT", f"{path}?analyze=false", {"Content-Type": "video/mp4"}, file, 0, size)
            assert response.status == 201, response.content
            source.unlink()
            (blob,) = (file for file in (folder / "blobs").rglob("*") if file.is_file() and file.stat().st_size == size)
            each = memory_per_connection(videos, path, token, size)
            print(f"memory of {SLOW} readers that have stopped: {each:.2f} MB each")
            program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
            if not program:
                print("ranges: not measured, for nginx is not installed")
                return
            with nginx(program, blob.parent, folder) as nginx_port:
                theirs, ours = in_turn(
                    runs,
                    functools.partial(bytes_per_second, nginx_port, f"/{blob.name}", None, size, seconds),
                    functools.partial(bytes_per_second, videos.port, path, token, size, seconds),
                )
    print(f"ranges of {RANGE // 1024**2} MiB: {ours / MEGABYTE:.0f} MB/s, nginx sendfile {theirs / MEGABYTE:.0f} MB/s,"
          f" ratio {ours / theirs:.2f}")
