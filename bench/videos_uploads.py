"""Uploads: how quick beside the disk's own tools and beside @tus/server, and what memory they take."""

import base64
import concurrent.futures
import functools
import json
import os
import pathlib
import shutil
import struct
import subprocess
import time

from services import ROOT, TARGET, Client, UserService, VideoService, in_turn, scratch_folder

SAMPLE = ROOT / "video_analysis" / "samples" / "big_buck_bunny_30s.mp4"
TUS_SERVER = pathlib.Path(__file__).resolve().parent / "tus_server"
PIECE = 16 * 1024 * 1024
PARALLEL = 20
MEGABYTE = 1_000_000
TUS = {"Tus-Resumable": "1.0.0"}
METADATA = f"analyze {base64.b64encode(b'false').decode()}"


def film(path, size):
    """The sample, and behind it as much of what no two files share as makes `size` bytes: a box that players skip."""
    shutil.copyfile(SAMPLE, path)
    rest = size - path.stat().st_size
    assert rest >= 16, "the film is longer than that"
    with path.open("ab") as file:
        file.write(struct.pack(">I4sQ", 1, b"free", rest))
        rest -= 16
        while rest > 0:
            rest -= file.write(os.urandom(min(rest, 4 * 1024 * 1024)))
        file.flush()
        os.fsync(file.fileno())
    return path


def by_disk_tools(source, folder):
    """cp, sync and sha256sum, one after the other."""
    copy = folder / "copy"
    started = time.perf_counter()
    for command in (["cp", source, copy], ["sync", copy], ["sha256sum", copy]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    copy.unlink()
    return seconds


def by_put(port, token, source):
    """One request; until it is answered the bytes are on the disk."""
    client = Client(port, token)
    status, video = client.post("/videos", {"title": "A film"})
    assert status == 201, video
    video = f"/videos/{json.loads(video)['id']}"
    with source.open("rb") as file:
        started = time.perf_counter()
        headers = {"Content-Type": "video/mp4"}
        response = client.send_file("PUT", f"{video}/content?analyze=false", headers, file, 0, source.stat().st_size)
        seconds = time.perf_counter() - started
    assert response.status == 201, response.content
    assert client.send("DELETE", video)[0] == 204
    return seconds


def by_tus(port, token, source):
    """A resumable upload in pieces. Returns the time, and where the upload is."""
    client = Client(port, token)
    size = source.stat().st_size
    with source.open("rb") as file:
        started = time.perf_counter()
        response = client.ask("POST", "/uploads", **TUS, **{"Upload-Length": str(size), "Upload-Metadata": METADATA})
        assert response.status == 201, response.content
        upload = "/uploads/" + response.getheader("Location").rsplit("/", 1)[1]
        for offset in range(0, size, PIECE):
            headers = TUS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            response = client.send_file("PATCH", upload, headers, file, offset, min(PIECE, size - offset))
            assert response.status == 204, (offset, response.status, response.content)
        seconds = time.perf_counter() - started
    return seconds, upload


def by_tus_to_us(port, token, source):
    seconds, upload = by_tus(port, token, source)
    client = Client(port, token)
    state = client.get(upload)
    assert state["status"] == "ready", state
    assert client.send("DELETE", f"/videos/{state['video_id']}")[0] == 204
    return seconds


def by_tus_to_node(port, source, folder, synced):
    """Without `synced` until its answer, when it has asked the disk for nothing."""
    seconds, upload = by_tus(port, None, source)
    stored = folder / upload.rsplit("/", 1)[1]
    started = time.perf_counter()
    subprocess.run(["sync", stored], check=True)
    seconds_of_sync = time.perf_counter() - started
    for file in folder.iterdir():
        file.unlink()
    return seconds + seconds_of_sync if synced else seconds


def install_tus_server():
    """Where the version in package-lock.json is installed, outside the sources."""
    folder = TARGET / "bench_tus_server"
    shutil.copytree(TUS_SERVER, folder, dirs_exist_ok=True)
    subprocess.run(["npm", "ci", "--silent", "--prefix", folder], check=True)
    return folder / "server.mjs"


def measure_throughput(programs, size, runs):
    tus_server = install_tus_server()
    with scratch_folder() as scratch:
        folder = pathlib.Path(scratch)
        source = film(folder / "film.mp4", size)
        (folder / "node").mkdir()
        command = ["node", tus_server, folder / "node"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
            try:
                node_port = int(node.stdout.readline())
                with UserService(programs, folder) as users, VideoService(programs, users) as videos:
                    users.register("ann")
                    token = users.token("ann")
                    tools, put, tus, npm, npm_synced = in_turn(
                        runs,
                        functools.partial(by_disk_tools, source, folder),
                        functools.partial(by_put, videos.port, token, source),
                        functools.partial(by_tus_to_us, videos.port, token, source),
                        functools.partial(by_tus_to_node, node_port, source, folder / "node", False),
                        functools.partial(by_tus_to_node, node_port, source, folder / "node", True),
                    )
            finally:
                node.terminate()
    print(f"upload of {size / MEGABYTE:.0f} MB, medians of {runs} runs:")
    for name, seconds in (
        ("cp, sync, sha256sum", tools),
        ("PUT", put),
        ("tus in pieces of 16 MiB", tus),
        ("the same to @tus/server", npm),
        ("the same, then sync", npm_synced),
    ):
        rate = size / seconds / MEGABYTE
        print(f"  {name}: {seconds:.2f} s, {rate:.0f} MB/s, {tools / seconds:.2f} of the tools, {npm / seconds:.2f} of @tus/server")


def measure_memory(programs, size):
    """Growth of the peak of resident memory over what the service has after one small upload, each in a fresh service."""
    print(f"memory during uploads of {size / MEGABYTE:.0f} MB:")
    with scratch_folder() as scratch:
        folder = pathlib.Path(scratch)
        small = film(folder / "small.mp4", 4 * MEGABYTE)
        for count in (1, PARALLEL):
            films = [film(folder / f"film{number}.mp4", size // count) for number in range(count)]
            for name, upload in (("PUT", by_put), ("tus", by_tus_to_us)):
                data = folder / f"{name}{count}"
                with UserService(programs, data) as users, VideoService(programs, users) as videos:
                    users.register("ann")
                    token = users.token("ann")
                    upload(videos.port, token, small)
                    before = videos.memory()
                    videos.reset_peak_memory()
                    with concurrent.futures.ThreadPoolExecutor(count) as threads:
                        list(threads.map(functools.partial(upload, videos.port, token), films))
                    grown = videos.memory("VmHWM") - before
                shutil.rmtree(data)
                print(f"  {name}, {count} at a time: {grown:.1f} MB over {before:.0f} MB")
            for path in films:
                path.unlink()
