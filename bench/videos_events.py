"""Many listeners to the events of one process: their memory, and how late the last one hears."""

import datetime
import json
import pathlib
import resource
import selectors
import socket
import sqlite3
import time

from services import Client, UserService, VideoService, scratch_folder
from videos_uploads import SAMPLE

#: Files that the bench has open besides its listeners' connections, and more.
SPARE = 100
SLOW = 10
#: Analyses that change at a time, fewer than a listener may be behind (BACKLOG in progress/hub.rs).
ANALYSES = 40
#: Of the error that makes an event large: what the system keeps for a connection must be filled before anybody is behind.
PADDING = 10_000
#: A revision that none of them has by itself.
FIRST = 1000
PATIENCE = 120


def allowed_listeners(wanted):
    """As many as the limit of open files lets one process have, at both ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = hard - SPARE
    if most < wanted:
        print(f"events: {most} listeners instead of {wanted}, for the limit of open files is {hard}")
    return min(wanted, most)


def listen(port, token, receive_buffer=None):
    """A connection with the request on its way."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(("127.0.0.1", port))
    connection.sendall(f"GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    return connection


def hear(connections, mark):
    """Reads until `mark` has come on each of them. Returns when it had come on the first and on the last."""
    times, heard = [], {connection: b"" for connection in connections}
    end = time.monotonic() + PATIENCE
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        while heard:
            ready = selector.select(timeout=1)
            assert time.monotonic() < end, f"{len(heard)} heard nothing: {next(iter(heard.values()))[-300:]}"
            for key, _ in ready:
                data = key.fileobj.recv(65536)
                assert data, "a listener was let go"
                heard[key.fileobj] = heard[key.fileobj][-len(mark):] + data
                if mark in heard[key.fileobj]:
                    times.append(time.monotonic())
                    del heard[key.fileobj]
                    selector.unregister(key.fileobj)
    return times[0], times[-1]


def upload(client):
    """A small film, whose analysis is queued, which is an event."""
    _, video = client.post("/videos", {"title": "A film"})
    path = f"/videos/{json.loads(video)['id']}/content"
    status, body = client.send("PUT", path, SAMPLE.read_bytes(), **{"Content-Type": "video/mp4"})
    assert status == 201, body


def status_of(connection):
    connection.settimeout(PATIENCE)
    return int(connection.recv(64).split()[1])


def measure_listeners(programs, wanted):
    count = allowed_listeners(wanted)
    with scratch_folder() as folder, UserService(programs, folder) as users:
        limits = {"EVENTS__MAX_LISTENERS": count, "EVENTS__MAX_LISTENERS_PER_ACCOUNT": count}
        with VideoService(programs, users, **limits) as videos:
            users.register("ann")
            token = users.token("ann")
            client = Client(videos.port, token)
            upload(client)
            before = videos.memory()
            started = time.monotonic()
            connections = [listen(videos.port, token) for _ in range(count)]
            # The first bytes of the stream, which come once the listener has its place.
            _, all_there = hear(connections, b":\n\n")
            resident = videos.memory()
            with listen(videos.port, token) as one_more:
                assert status_of(one_more) == 503
            # The connection of before was idle for longer than the service keeps one.
            client = Client(videos.port, token)
            asked = time.monotonic()
            upload(client)
            stored = time.monotonic()
            first, last = hear(connections, b"event: progress")
            told = videos.memory("VmHWM")
            for connection in connections:
                connection.close()
    each = (resident - before) / count * 1000
    print(f"{count} listeners: there in {all_there - started:.1f} s; {resident - before:.0f} MB, {each:.1f} kB each;"
          f" {told - before:.0f} MB at most while they are told; one more is refused")
    print(f"an event: heard {1000 * (first - stored):.0f} ms after the upload that took {1000 * (stored - asked):.0f} ms,"
          f" by the last {1000 * (last - first):.0f} ms after the first")


def measure_slow(programs):
    """Listeners that read nothing, beside one that reads all."""
    with scratch_folder() as folder, UserService(programs, folder) as users, VideoService(programs, users) as videos:
        users.register("ann")
        token = users.token("ann")
        client = Client(videos.port, token)
        for _ in range(ANALYSES):
            upload(client)
        slow = [listen(videos.port, token, receive_buffer=4096) for _ in range(SLOW)]
        quick = listen(videos.port, token)
        quick.settimeout(PATIENCE)
        hear([quick], b":\n\n")
        before = videos.memory()
        with sqlite3.connect(pathlib.Path(folder) / "video_service.db", timeout=30) as db:
            error = json.dumps({"type": "x", "message": "x" * PADDING, "retryable": False})
            # As much as the system may keep for a connection at both ends, and twice as much as a listener may be behind.
            for rounds in range(1, 13):
                moment = datetime.datetime.now(datetime.timezone.utc).isoformat()
                db.execute("UPDATE analysis SET revision = ?, error = ?, updated_at = ?", (FIRST + rounds, error, moment))
                db.commit()
                text, mark = b"", f".{FIRST + rounds}\nevent: ".encode()
                while text.count(mark) < ANALYSES:
                    data = quick.recv(65536)
                    assert data, "who reads was let go"
                    text += data
        grown = videos.memory() - before
        for listener in slow:
            listener.settimeout(PATIENCE)
            text = b""
            while b"retry: 1000\n\n" not in text:
                data = listener.recv(65536)
                assert data, "it ended without a hint"
                text = text[-100:] + data
    print(f"{SLOW} listeners that read nothing: let go with a hint, {grown:.1f} MB meanwhile;"
          f" one that reads was told all {rounds * ANALYSES} changes")
