#!/usr/bin/env python3
"""The same as bench/shots.py on shots of several films, which are joined with one another.

usage: bench/films.py FILM LABELS [FILM LABELS]... [--half first|second] [--clips N] [--seed N] [--program PATH] [--keep FOLDER]

Transitions have 4 to 100 mixed frames. Shots that are shorter than they have to be go forth and back. Clips are at 24 to 60 frames
per second, some of them letterboxed or pillarboxed, in black and white, dark, or with noise, some compressed badly. What is
nearly black, a title card, is no shot. `first` and `second` are alternate shots of a film, of a film of one shot the whole of it, of
alternate films.

LABELS: {"transitions": [{"type", "start", "end"}]}, frames counted from 0.
"""
import argparse
import json
import pathlib
import random
import subprocess
import tempfile

import shots

RATE = 25  # of what shots are taken from, whatever the films' own
LEAST = 22  # frames of a shot
DARK = 30  # mean luma below which it is none
FRAMES = 2000  # of a film that are looked at
LENGTHS = [(4, 8), (8, 30), (30, 60), (60, 100)]
ENCODINGS = [
    ("640x360", 24, "-c:v libx264 -preset veryfast -crf 22"),
    ("426x240", 25, "-c:v libx264 -preset veryfast -crf 40"),
    ("320x180", 30, "-c:v libx264 -preset veryfast -bf 3 -crf 34"),
    ("480x270", 50, "-c:v mpeg2video -b:v 800k"),
    ("480x270", 60, "-c:v libx264 -preset ultrafast -crf 28"),
]
# Of whole clips; the last two of each shot, so that what joins them may be white.
LOOKS = {
    "plain": "null",
    "letterbox": "scale=iw:ih*3/4,pad=iw:ih*4/3:0:(oh-ih)/2",
    "pillarbox": "scale=iw*3/4:ih,pad=iw*4/3:ih:(ow-iw)/2:0",
    "noise": "noise=alls=18:allf=t",
    "gray": "hue=s=0",
    "dark": "lutyuv=y=16+(val-16)*0.55",
}
OF_SHOTS = ("gray", "dark")


class Recorder:
    """Chances as given, with what was chosen."""

    def __init__(self, rng):
        self.rng, self.chosen = rng, []
        self.randint = rng.randint

    def choice(self, options):
        self.chosen.append(self.rng.choice(options))
        return self.chosen[-1]


def mean_luma(film, at):
    picture = subprocess.run(
        [*shots.FFMPEG, "-ss", f"{at / RATE:.3f}", "-i", str(film), "-frames:v", "1", "-vf", "scale=16:9:flags=area,format=gray",
         "-f", "rawvideo", "-"], check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout
    return sum(picture) / max(1, len(picture))


def shots_of(film, labels, half, number):
    """Ranges without a transition, two frames away from any."""
    count = ["ffprobe", "-v", "error", "-count_packets", "-select_streams", "v:0", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]
    frames = int(subprocess.run([*count, str(film)], check=True, stdout=subprocess.PIPE).stdout.strip().rstrip(b","))
    found, before = [], 0
    for start, end in sorted((t["start"], t["end"]) for t in labels["transitions"]) + [(frames, frames)]:
        if min(start, frames) - before >= LEAST:
            found.append((before + 2, min(start, frames) - 2))
        before = max(before, end)
    if len(found) > 1:
        found = found[half::2]
    elif number % 2 != half:
        found = []
    return [(a, b) for a, b in found if min(mean_luma(film, at) for at in (a + 3, (a + b) // 2, b - 3)) > DARK]


def plan(films, rng, count):
    """A clip: [(film, its shot, frames, distractor, from, to)], and what joins each to the next."""
    parts, joints, before, last = [], [], 0, (None, 0)
    for kind in rng.choices(["dissolve", "cut", "fade_black", "fade_white", "wipe"], [7, 2, 2, 1, 4], k=count - 1) + ["cut"]:
        after = 0 if kind == "cut" else rng.randint(*rng.choices(LENGTHS, [3, 6, 4, 2])[0])
        while True:
            film, ranges = rng.choices(films, [min(len(ranges), 16) ** 0.7 for _, ranges in films])[0]
            number = rng.randrange(len(ranges))
            # Not what may be the same camera's picture once more.
            if film != last[0] or (len(ranges) > 20 and abs(number - last[1]) > 4):
                break
        last = film, number
        solid = rng.randint(shots.SOLID, 70)
        distractor = rng.choice(sorted(shots.DISTRACTORS)) if solid >= 30 and rng.random() < 0.35 else None
        parts.append((film, ranges[number], before + solid + after, distractor, before + 5, before + solid - 5))
        joints.append((kind, after))
        before = after
    return parts, joints[:-1]


def make(clip, parts, joints, encoding, look, rng):
    size, rate, codec = encoding
    inputs, ready = [], []
    for number, (film, (start, end), frames, *_) in enumerate(parts):
        room = end - start
        if room > frames + 9:
            first, taken = start + rng.randint(0, room - frames - 1), frames + 3
            ready.append(f"[{number}]setpts=N[p{number}]")
        else:
            first, taken = start, room
            ready.append(f"[{number}]trim=end_frame={room},setpts=N,split[u{number}][v{number}];[v{number}]reverse,setpts=N[r{number}];"
                         f"[u{number}][r{number}]concat,settb=1/{RATE},setpts=N,loop=-1:size={2 * room}:start=0,setpts=N[p{number}]")
        # A third of a frame early, so that rounding cannot skip the frame.
        inputs += ["-ss", f"{max(0, first - 0.3) / RATE:.6f}", "-t", f"{(taken + 0.6) / RATE:.6f}", "-i", str(film)]
    chances = Recorder(rng)
    graph, last, truth = shots.graph_of([(0, *part[2:]) for part in parts], joints, size, rate, chances)
    for number in range(len(parts)):
        graph = graph.replace(f"[{number}]trim=", f"[p{number}]trim=", 1)
        if look in OF_SHOTS:
            graph = graph.replace(f",setsar=1[s{number}]", f",{LOOKS[look]},setsar=1[s{number}]", 1)
    for wipe, how in zip((t for t in truth if t["type"] == "wipe"), chances.chosen):
        wipe["how"] = how
    whole = "null" if look in OF_SHOTS else LOOKS[look]
    graph = ";".join([*ready, graph, f"[{last}]{whole}[out]"])
    shots.run([*inputs, "-filter_complex", graph, "-map", "[out]", "-fps_mode", "passthrough", *codec.split(), str(clip)])
    return truth


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("films", type=pathlib.Path, nargs="+", metavar="FILM LABELS")
    parser.add_argument("--half", choices=["first", "second"], default="second", help="which shots (default second)")
    parser.add_argument("--clips", type=int, default=25, help="how many clips of 12 shots (default 25)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", type=pathlib.Path, default=shots.PROGRAM)
    parser.add_argument("--keep", type=pathlib.Path, help="keep the clips, their truth and their reports in this folder")
    parser.add_argument("--wipes", metavar="NAME,…", help="the xfades that wipes are made of, as slideleft,slideup for pushes")
    arguments = parser.parse_args()
    if arguments.wipes:
        shots.WIPES[:] = arguments.wipes.split(",")
    half, score, films = ["first", "second"].index(arguments.half), shots.Score(), []
    with tempfile.TemporaryDirectory() as folder:
        folder = arguments.keep or pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for number, (film, labels) in enumerate(zip(arguments.films[::2], arguments.films[1::2])):
            small = folder / f"film_{number}.mkv"
            if not small.exists():
                # Every frame a keyframe, so that shots are cut out fast and to the frame.
                shots.run(["-i", str(film), "-an", "-vf", f"scale=640:360:flags=area,settb=1/{RATE},setpts=N,format=yuv420p,setsar=1",
                           "-frames:v", str(FRAMES), "-fps_mode", "passthrough", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "12",
                           "-g", "1", str(small)])
            ranges = shots_of(small, json.loads(labels.read_text()), half, number)
            if ranges:
                films.append((small, ranges))
        for number in range(arguments.clips):
            rng = random.Random(arguments.seed * 1000 + number)
            clip = folder / f"{arguments.half}_{arguments.seed}_{number}.mkv"
            parts, joints = plan(films, rng, 12)
            look = rng.choices(list(LOOKS), [8, 3, 1, 3, 2, 2])[0]
            truth = make(clip, parts, joints, ENCODINGS[number % len(ENCODINGS)], look, rng)
            clip.with_suffix(".truth.json").write_text(json.dumps({"truth": truth, "look": look}))
            analysis = subprocess.run([str(arguments.program), str(clip)], check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
            clip.with_suffix(".report.json").write_bytes(analysis.stdout)
            left = score.add(truth, shots.found_in(json.loads(analysis.stdout)))
            if left:
                print(f"{clip.name}: false {left}", flush=True)
    score.print()


if __name__ == "__main__":
    main()
