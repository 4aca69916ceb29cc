#!/usr/bin/env python3
"""Precision, recall and F1 of shot transitions on material with known truth.

usage: bench/shots.py FILM LABELS [--half first|second] [--seed N] [--program PATH] [--keep FOLDER]

Shots of a labelled film are joined anew by cuts, dissolves, fades through black and white and wipes of 8 to 60 frames, at frames that
are written down; motion inside the shots goes on. In between are what must not be taken for a transition: flashes, strobes,
pans, shaking, zooms, changes of brightness and colour, grain, titles, scrolling text, held pictures, interlacing, things that pass
before a fixed camera. Each clip is
encoded in several sizes, rates and qualities. `first` and `second` are made from alternate shots: choose parameters on one,
measure on the other. LABELS: {"transitions": [{"type", "start", "end"}]}, frames counted from 0.

A cut counts when it is found to the frame; a gradual transition when what is found overlaps it, is of its type, and is the
only one to do so. Ranges: share of those whose both ends are found within two frames.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "video_analysis"
FFMPEG = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-threads", "1", "-filter_threads", "1", "-filter_complex_threads", "1"]
# Of ffmpeg's xfade: behind a line, a soft line, a corner, a circle, a clock's hand.
WIPES = ["wipeleft", "wiperight", "wipeup", "wipedown", "wipetl", "wipebr", "smoothleft", "smoothup", "circleopen", "circleclose", "radial",
         "vertopen", "horzclose", "diagtl"]
FONT_BOX = "drawbox=x=iw/6:y=ih/3:w=iw*2/3:h=ih/5:color=white@0.8:t=fill"
MIXED = ("dissolve", "wipe")  # by an xfade
SOLID = 14  # frames of a shot that belong to it alone, at least
ENCODINGS = [
    ("640x360", 24, "-c:v libx264 -preset veryfast -crf 20"),
    ("426x240", 24, "-c:v libx264 -preset veryfast -crf 34"),
    ("320x180", 30, "-c:v libx264 -preset veryfast -bf 3 -crf 40"),
    ("640x360", 25, "-c:v mpeg2video -b:v 700k"),
    ("480x270", 50, "-c:v libx264 -preset ultrafast -crf 30"),
]

# What changes a shot of n frames without ending it: filters, by name. {s} and {e}: frames between which it happens.
DISTRACTORS = {
    "flash": "lutyuv=y=val+110:enable='between(n,{s},{s}+2)'",
    "strobe": "lutyuv=y=val+90:enable='between(n,{s},{e})*lt(mod(n,6),3)'",
    "brightness": "eq=eval=frame:brightness='0.35*clip((n-{s})/({e}-{s}),0,1)'",
    "darkening": "eq=eval=frame:contrast='1-0.6*clip((n-{s})/({e}-{s}),0,1)'",
    "tint": "eq=eval=frame:saturation='1-clip((n-{s})/({e}-{s}),0,1)':gamma_r='1+0.8*clip((n-{s})/({e}-{s}),0,1)'",
    "pan": "crop=w=iw/2:h=ih/2:x='(iw-ow)*clip((n-{s})/({e}-{s}),0,1)':y=ih/4,scale={w}:{h}",
    "whip_pan": "crop=w=iw/3:h=ih/3:x='(iw-ow)*clip((n-{s})/6,0,1)':y=ih/3,scale={w}:{h}",
    "zoom": "zoompan=z='1+1.2*clip((in-{s})/({e}-{s}),0,1)':x=iw/2-iw/zoom/2:y=ih/2-ih/zoom/2:d=1:s={w}x{h}:fps={r}",
    "title": FONT_BOX + ":enable='between(n,{s},{e})'",
    "scroll": "null[a{i}];color=black@0:s={w}x{h}:r={r},scale=iw/2:ih*4,format=yuva420p,drawgrid=w=iw:h=ih/40:t=ih/110:"
    "color=white@0.9:replace=1[b{i}];[a{i}][b{i}]overlay=x=W/4:y='H-4*n':shortest=1",
    "on_fours": "framestep=4,settb=1/{r},setpts=4*N,fps={r},tpad=stop_mode=clone:stop=4,trim=end_frame={n}",
    "interlaced": "tinterlace=interleave_top,settb=1/{r},setpts=2*N,fps={r},tpad=stop_mode=clone:stop=4,trim=end_frame={n}",
    "shake": "crop=w=iw*9/10:h=ih*9/10:x='(iw-ow)/2*(1+sin(n*1.7)*sin(n*0.9))':y='(ih-oh)/2*(1+sin(n*2.3)*cos(n*0.7))',scale={w}:{h}",
    "grain": "noise=alls=40:allf=t",
    "passing": "null[a{i}];color=0x403020:s={w}x{h}:r={r},scale=iw/2:ih[b{i}];"
    "[a{i}][b{i}]overlay=x='-w+1.6*W*(n-{s})/({e}-{s})':y=H/8:shortest=1",
}


def run(arguments):
    subprocess.run(FFMPEG + arguments, check=True, stdin=subprocess.DEVNULL)


def shots_of(labels, half, frames):
    """Ranges without a transition, three frames away from any, alternately of one half."""
    ends, shots, before = sorted((t["start"], t["end"]) for t in labels["transitions"]), [], 0
    for start, end in ends + [(frames, frames)]:
        if start - before >= 70:
            shots.append((before + 3, start - 3))
        before = max(before, end)
    return shots[half::2]


def plan(shots, rng, count):
    """A clip: [(start, frames, distractor)], and what joins each to the next: (kind, mixed frames)."""
    parts, joints, before = [], [], 0
    kinds = rng.choices(["dissolve", "cut", "fade_black", "fade_white", "wipe"], [5, 3, 2, 1, 4], k=count - 1)
    last = None
    for kind in kinds + ["cut"]:
        after = 0 if kind == "cut" else rng.randint(8, 60)
        start, end = rng.choice([shot for shot in shots if shot is not last and shot[1] - shot[0] >= before + SOLID + 8])
        last = next(shot for shot in shots if shot == (start, end))
        after = min(after, end - start - before - SOLID)
        solid = min(end - start - before - after, rng.randint(SOLID, 70))
        length = before + solid + after
        first = rng.randint(start, end - length)
        distractor = rng.choice(sorted(DISTRACTORS)) if solid >= 30 and rng.random() < 0.5 else None
        parts.append((first, length, distractor, before + 5, before + solid - 5))
        joints.append((kind, after))
        before = after
    return parts, joints[:-1]


def graph_of(parts, joints, size, rate, rng):
    """The filter graph that makes the clip, and its transitions."""
    width, height = size.split("x")
    graph, truth = [], []
    for number, (first, length, distractor, start, end) in enumerate(parts):
        # An xfade ends with its first input, whose last frame it would not mix.
        length += joints[number : number + 1] != [] and joints[number][0] in MIXED
        renumber = f"settb=1/{rate},setpts=N"
        filters = [f"trim=start_frame={first}:end_frame={first + length}", renumber, f"scale={size}"]
        if distractor:
            filters.append(DISTRACTORS[distractor].format(i=number, n=length, s=start, e=end, w=width, h=height, r=rate))
        graph.append(f"[{number}]{','.join(filters)},{renumber},fps={rate},format=yuv420p,setsar=1[s{number}]")
    joined, frames = "s0", parts[0][1]
    for number, ((kind, mixed), part) in enumerate(zip(joints, parts[1:]), 1):
        start = frames - mixed
        renumber = f"settb=1/{rate},setpts=N,fps={rate}"
        if kind == "cut":
            graph.append(f"[{joined}][s{number}]concat,{renumber}[j{number}]")
            truth.append({"type": "cut", "start": start, "end": start})
        elif kind in MIXED:
            how = "fade" if kind == "dissolve" else rng.choice(WIPES)
            # The first frame of an xfade is still the old shot alone.
            offset, seconds = (start - 1) / rate, (mixed + 1) / rate
            graph.append(f"[{joined}][s{number}]xfade=transition={how}:duration={seconds:.6f}:offset={offset:.6f},{renumber}[j{number}]")
            truth.append({"type": kind, "start": start, "end": frames})
        else:
            color, plain = kind.removeprefix("fade_"), rng.randint(1, 12)
            graph.append(f"[{joined}]fade=out:{start}:{mixed}:color={color}[o{number}]")
            graph.append(f"color={color}:s={size}:r={rate},trim=end_frame={plain},settb=1/{rate},format=yuv420p,setsar=1[c{number}]")
            graph.append(f"[s{number}]fade=in:0:{mixed}:color={color}[i{number}]")
            graph.append(f"[o{number}][c{number}][i{number}]concat=n=3,{renumber}[j{number}]")
            truth.append({"type": "fade_out", "start": start, "end": frames})
            truth.append({"type": "fade_in", "start": frames + plain, "end": frames + plain + mixed})
            frames += plain + mixed
        # What is mixed is in both parts, and one frame more, that xfade does not show; a fade has them one after the other.
        frames += part[1] - mixed - (kind in MIXED)
        joined = f"j{number}"
    return ";".join(graph), joined, truth


def make(film, clip, parts, joints, encoding, rng, rate_of_film):
    size, rate, codec = encoding
    graph, last, truth = graph_of([(0, *part[1:]) for part in parts], joints, size, rate, rng)
    inputs = []
    for first, length, *_ in parts:
        # A third of a frame early, so that rounding cannot skip the frame.
        inputs += ["-ss", f"{max(0, first - 0.3) / rate_of_film:.6f}", "-t", f"{(length + 3) / rate_of_film:.6f}", "-i", str(film)]
    run([*inputs, "-filter_complex", graph, "-map", f"[{last}]", "-fps_mode", "passthrough", *codec.split(), str(clip)])
    return truth


def found_in(report):
    cuts = [shot["start_frame"] for shot in report["shots"] if shot["opened_by"] == "cut"]
    ranges = [(t["type"], t["start_frame"], t["end_frame"]) for t in report["transitions"]]
    return [("cut", cut, cut) for cut in cuts] + ranges


class Score:
    def __init__(self):
        self.true, self.missed, self.false = (collections.Counter() for _ in range(3))
        self.near = collections.Counter()

    def add(self, truth, found):
        """What of `found` is neither of its kind nor where it should be; counts all, and all once more whatever their types."""
        left = list(found)
        self.count(truth, left)
        anything = lambda kind: kind if kind == "cut" else "gradual"
        self.count([dict(wanted, type=anything(wanted["type"])) for wanted in truth],
                   [(anything(kind), start, end) for kind, start, end in found], "any type")
        return left

    def count(self, truth, left, row=None):
        for wanted in truth:
            kind, start, end = wanted["type"], wanted["start"], wanted["end"]
            fits = lambda f: f[0] == kind and (f[1] == start if kind == "cut" else min(end, f[2]) > max(start, f[1]))
            match = max((f for f in left if fits(f)), key=lambda f: min(end, f[2]) - max(start, f[1]), default=None)
            if match is None:
                self.missed[row or kind] += 1
                continue
            left.remove(match)
            self.true[row or kind] += 1
            self.near[row or kind] += abs(match[1] - start) <= 2 and abs(match[2] - end) <= 2
        for kind, _, _ in left:
            self.false[row or kind] += 1

    def print(self):
        print(f"{'':<10}{'made':>6}{'found':>7}{'false':>7}{'P':>8}{'R':>8}{'F1':>8}  ranges within 2")
        for kind in ("cut", "dissolve", "fade_out", "fade_in", "wipe", "any type"):
            true, missed, false = self.true[kind], self.missed[kind], self.false[kind]
            precision, recall = true / max(1, true + false), true / max(1, true + missed)
            f1 = 2 * true / max(1, 2 * true + missed + false)
            near = f"{self.near[kind] / max(1, true):.3f}"
            print(f"{kind:<10}{true + missed:>6}{true:>7}{false:>7}{precision:>8.3f}{recall:>8.3f}{f1:>8.3f}  {near}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("film", type=pathlib.Path)
    parser.add_argument("labels", type=pathlib.Path)
    parser.add_argument("--half", choices=["first", "second"], default="second", help="which shots (default second)")
    parser.add_argument("--clips", type=int, default=15, help="how many clips of 12 shots (default 15)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--program", type=pathlib.Path, default=PROGRAM)
    parser.add_argument("--keep", type=pathlib.Path, help="keep the clips, their truth and their reports in this folder")
    parser.add_argument("--wipes", metavar="NAME,…", help="the xfades that wipes are made of, as slideleft,slideup for pushes")
    arguments = parser.parse_args()
    if arguments.wipes:
        WIPES[:] = arguments.wipes.split(",")
    labels = json.loads(arguments.labels.read_text())
    shots = shots_of(labels, ["first", "second"].index(arguments.half), labels["frames"])
    rng, score = random.Random(arguments.seed), Score()
    with tempfile.TemporaryDirectory() as folder:
        folder = arguments.keep or pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        small = folder / "film.mkv"
        if not small.exists():
            # Every frame a keyframe, so that shots are cut out fast and to the frame.
            run(["-i", str(arguments.film), "-an", "-vf", "scale=640:360:flags=area", "-fps_mode", "passthrough",
                 "-c:v", "libx264", "-preset", "ultrafast", "-qp", "12", "-g", "1", str(small)])
        for number in range(arguments.clips):
            clip = folder / f"{arguments.half}_{arguments.seed}_{number}.mkv"
            parts, joints = plan(shots, rng, 12)
            truth = make(small, clip, parts, joints, ENCODINGS[number % len(ENCODINGS)], rng, labels["fps"])
            clip.with_suffix(".truth.json").write_text(json.dumps({"truth": truth, "parts": parts, "joints": joints}))
            analysis = subprocess.run([str(arguments.program), str(clip)], check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
            clip.with_suffix(".report.json").write_bytes(analysis.stdout)
            left = score.add(truth, found_in(json.loads(analysis.stdout)))
            if left:
                print(f"{clip.name}: false {left}", flush=True)
    score.print()


if __name__ == "__main__":
    main()
