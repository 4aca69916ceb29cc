#!/usr/bin/env python3
"""Wall time of a complete analysis against a plain decode by ffmpeg, and the memory it takes.

usage: bench/engine.py [--film FILE] [--runs N] [--program PATH]

Both are run in turn, so that whatever else the machine does hits both; medians are compared. Without a film, the sample of the
repository is repeated to 90 seconds without re-encoding. Memory is the sum over the program and its decoders, looked at
every 10 ms in a run of its own.
"""
import argparse
import os
import pathlib
import resource
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


def run(command):
    """Wall seconds and CPU seconds, those of children included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, **QUIET)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def line(name, runs):
    walls, cpu = [wall for wall, _ in runs], statistics.median(cpu for _, cpu in runs)
    print(f"{name:<20}{statistics.median(walls):8.2f} s  ({min(walls):.2f} to {max(walls):.2f}), {cpu:.2f} s of CPU")
    return statistics.median(walls), cpu


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


def build():
    command = ["cargo", "build", "--release", "--quiet", "--locked", "-p", "video_analysis", "--bin", "video_analysis"]
    subprocess.run(command, check=True, cwd=ROOT)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--film", type=pathlib.Path, help="a film of a minute or more")
    parser.add_argument("--runs", type=int, default=5, help="runs of each (default 5)")
    parser.add_argument("--program", type=pathlib.Path, help="measure this program instead of building one")
    arguments = parser.parse_args()
    if not arguments.program:
        build()
    program = arguments.program or PROGRAM
    with tempfile.TemporaryDirectory() as folder:
        film = arguments.film or repeated(pathlib.Path(folder))
        decode = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(film), "-f", "null", "-"]
        analysis = [str(program), str(film)]
        subprocess.run(analysis, check=True, **QUIET)  # both find the file in the page cache
        decodes, analyses = [], []
        for _ in range(arguments.runs):
            decodes.append(run(decode))
            analyses.append(run(analysis))
        print(f"film                {film.name}, {film.stat().st_size} bytes; {os.cpu_count()} cores, {arguments.runs} runs each")
        plain, plain_cpu = line("ffmpeg -f null -", decodes)
        whole, whole_cpu = line("complete analysis", analyses)
        print(f"ratio               {whole / plain:8.2f}    of wall time, {whole_cpu / plain_cpu:.2f} of CPU time")
        print(f"peak memory         {peak_memory(analysis) / 2**20:8.0f} MiB, program and decoders")


if __name__ == "__main__":
    main()
