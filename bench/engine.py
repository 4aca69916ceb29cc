#!/usr/bin/env python3
"""Wall time of a complete analysis against a plain decode by ffmpeg, and the memory it takes.

usage: bench/engine.py [--film FILE] [--runs N]

Both are run in turn, so that whatever else the machine does hits both; medians are compared. Without a film, the sample of the
repository is repeated to 90 seconds without re-encoding. Memory is the sum over the program and its decoders, looked at
every 10 ms in a run of its own.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "video_analysis"
SAMPLE = ROOT / "video_analysis" / "samples" / "big_buck_bunny_30s.mp4"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def repeated(folder):
    film = folder / "sample_90s.mp4"
    loop = ["ffmpeg", "-v", "error", "-stream_loop", "2", "-i", str(SAMPLE), "-c", "copy", str(film)]
    subprocess.run(loop, check=True, stdin=subprocess.DEVNULL)
    return film


def seconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, **QUIET)
    return time.perf_counter() - start


def resident(pid):
    """Resident bytes of a process and its descendants; those that end meanwhile count nothing."""
    try:
        pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = [
            child
            for task in os.listdir(f"/proc/{pid}/task")
            for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident(child) for child in children)


def peak_memory(command):
    process = subprocess.Popen(command, **QUIET)
    peak = 0
    while process.poll() is None:
        peak = max(peak, resident(process.pid))
        time.sleep(0.01)
    return peak


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--film", type=pathlib.Path, help="a film of a minute or more")
    parser.add_argument("--runs", type=int, default=5, help="runs of each (default 5)")
    arguments = parser.parse_args()
    build = ["cargo", "build", "--release", "--quiet", "--locked", "-p", "video_analysis", "--bin", "video_analysis"]
    subprocess.run(build, check=True, cwd=ROOT)
    with tempfile.TemporaryDirectory() as folder:
        film = arguments.film or repeated(pathlib.Path(folder))
        decode = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(film), "-f", "null", "-"]
        analysis = [str(PROGRAM), str(film)]
        subprocess.run(analysis, check=True, **QUIET)  # both find the file in the page cache
        decodes, analyses = [], []
        for _ in range(arguments.runs):
            decodes.append(seconds(decode))
            analyses.append(seconds(analysis))
        plain, whole = statistics.median(decodes), statistics.median(analyses)
        print(f"film                {film.name}, {film.stat().st_size} bytes; {os.cpu_count()} cores, {arguments.runs} runs each")
        print(f"ffmpeg -f null -    {plain:8.2f} s  ({min(decodes):.2f} to {max(decodes):.2f})")
        print(f"complete analysis   {whole:8.2f} s  ({min(analyses):.2f} to {max(analyses):.2f})")
        print(f"ratio               {whole / plain:8.2f}")
        print(f"peak memory         {peak_memory(analysis) / 2**20:8.0f} MiB, program and decoders")


if __name__ == "__main__":
    main()
