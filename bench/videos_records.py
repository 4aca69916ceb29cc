"""One record, asked for with a token that was seen before, against a bare handler."""

import functools
import math
import subprocess
import time

from services import WORKERS, Client, UserService, VideoService, in_turn, requests_per_second, scratch_folder

CACHE_SECONDS = 5


def measure_record(programs, database, seconds, runs):
    """On the database at the URL; on SQLite where there is none."""
    with scratch_folder() as folder, UserService(programs, folder) as users:
        url = {"DATABASE__URL": database} if database else {}
        users.register("ann")
        token = users.token("ann")
        with VideoService(programs, users, USER_SERVICE__CACHE_SECONDS=CACHE_SECONDS, **url) as videos:
            client = Client(videos.port, token)
            record = {"title": "Big Buck Bunny", "description": "A large rabbit", "tags": ["rabbit", "open"]}
            status, _ = client.post("/videos", record)
            assert status == 201
            path = "/videos/" + client.get("/videos")["items"][0]["id"]
            answer = client.send("GET", path)[1]
            file = f"sqlite://{folder}/video_service.db"
            # To SQLite as many as sqlx opens by itself: from 1 to 10 the bare handler gets quicker.
            connections = 16 if database else 10
            command = [programs / "examples/bare_record", str(WORKERS), database or file, str(connections), answer]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bare:
                try:
                    bare_port = int(bare.stdout.readline())
                    assert Client(bare_port).send("GET", path)[1] == answer
                    headers = [f"Authorization: Bearer {token}"]
                    asked, started = users.introspections(), time.monotonic()
                    bare_rate, rate = in_turn(
                        runs,
                        functools.partial(requests_per_second, bare_port, path, seconds),
                        functools.partial(requests_per_second, videos.port, path, seconds, headers=headers),
                    )
                    asked, passed = users.introspections() - asked, time.monotonic() - started
                finally:
                    bare.terminate()
    most = math.ceil(passed / CACHE_SECONDS) + 1
    assert asked <= most, f"{asked} introspections in {passed:.0f} s"
    name = "PostgreSQL" if database else "SQLite"
    print(f"GET /videos/{{id}}, {name}: {rate:.0f}/s, bare handler {bare_rate:.0f}/s, ratio {rate / bare_rate:.2f};"
          f" {asked} introspections in {passed:.0f} s, at most {most} by the cache's {CACHE_SECONDS} s")
