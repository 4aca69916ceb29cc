#!/usr/bin/env python3
"""Fits the confidences of shot boundaries, and measures how reliable they are.

usage: bench/calibration.py CLIP... [--film FILM LABELS]... [--leeway 2] [--cache FOLDER]

CLIP: what `bench/shots.py --keep` made, with its truth beside it. Findings with limits `leeway` times as wide as usual are true
or false as bench/shots.py says: of their type, where one is, the only one there. Prints, of each type, the logistic curve
of the margin that fits best (Platt 1999: with his targets, so that what is always true is not infinitely sure), and
how often findings were true by the confidences that `detect/confidence.rs` gives them.

Fit on clips of `--half first`, measure on others of `--half second`:
    cargo build --release -p video_analysis --features calibration --example relaxed
"""
import argparse
import json
import math
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = TARGET / "release" / "examples" / "relaxed"
CURVES = ROOT / "video_analysis" / "src" / "detect" / "confidence.rs"
TYPES = {"cut": "CUT", "dissolve": "DISSOLVE", "wipe": "WIPE", "fade_out": "FADE", "fade_in": "FADE"}
BINS = [0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.001]


def truth_of(clip):
    return json.loads(clip.with_suffix(".truth.json").read_text())["truth"]


def truth_of_film(labels):
    """Labels name the last picture of the old shot and the first of the new one; of a gradual transition its first and last."""
    truth = []
    for label in json.loads(pathlib.Path(labels).read_text())["transitions"]:
        cut = label["type"] == "cut"
        start = label["end"] if cut else label["start"]
        truth.append({**label, "start": start, "end": label["end"] + (not cut)})
    return truth


def judged(truth, found):
    """[(finding, whether it is true)], without what labels leave open."""
    left, judged = list(found), []
    shared = lambda one, other: min(one["end"], other["end"]) - max(one["start"], other["start"])
    for wanted in truth:
        fits = [f for f in left if f["type"] == wanted["type"] and shared(f, wanted) >= (wanted["type"] != "cut")]
        if fits:
            best = max(fits, key=lambda f: shared(f, wanted))
            left.remove(best)
            judged.append((best, True))
    is_open = lambda f: any(t.get("optional") and shared(f, t) > -5 for t in truth)
    return judged + [(f, False) for f in left if not is_open(f)]


def probability(curve, margin):
    return 1 / (1 + math.exp(min(700, -curve[0] - curve[1] * margin)))


def fit(findings):
    """Newton's method on the likelihood of a logistic curve, with Platt's targets; never falling."""
    true = sum(is_true for _, is_true in findings)
    high, low = (true + 1) / (true + 2), 1 / (len(findings) - true + 2)
    if true == len(findings):
        return math.log(high / (1 - high)), 0.0
    curve = [0.0, 1.0]
    for _ in range(100):
        gradient, hessian = [0.0, 0.0], [1e-6, 0.0, 1e-6]
        for margin, is_true in findings:
            p = probability(curve, margin)
            off, weight = p - (high if is_true else low), p * (1 - p)
            gradient = [gradient[0] + off, gradient[1] + off * margin]
            hessian = [hessian[0] + weight, hessian[1] + weight * margin, hessian[2] + weight * margin * margin]
        (a, b), (aa, ab, bb) = gradient, hessian
        determinant = aa * bb - ab * ab
        step = [(bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant]
        damped = 1 / max(1, *map(abs, step))
        curve = [value - damped * change for value, change in zip(curve, step)]
    return tuple(curve)


def table(title, findings):
    """Of [(confidence, whether it is true)]: by confidence, how many were found and how many of them are true."""
    if not findings:
        return
    print(f"\n{title}\n{'confidence':<14}{'found':>6}{'true':>6}{'share':>8}{'told':>8}")
    error = 0.0
    for low, high in zip(BINS, BINS[1:]):
        inside = [(p, is_true) for p, is_true in findings if low <= p < high]
        if inside:
            told, true = sum(p for p, _ in inside), sum(is_true for _, is_true in inside)
            error += abs(told - true) / len(findings)
            count = len(inside)
            print(f"{low:.2f} to {min(high, 1):.2f}  {count:>6}{true:>6}{true / count:>8.3f}{told / count:>8.3f}")
    brier = sum((p - is_true) ** 2 for p, is_true in findings) / len(findings)
    print(f"Brier score {brier:.4f}, expected calibration error {error:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=pathlib.Path, nargs="*")
    parser.add_argument("--film", nargs=2, action="append", default=[], metavar=("FILM", "LABELS"))
    parser.add_argument("--leeway", type=float, default=2.0)
    parser.add_argument("--cache", help="keep features here")
    parser.add_argument("--program", type=pathlib.Path, default=PROGRAM)
    arguments = parser.parse_args()
    truth = {str(clip): truth_of(clip) for clip in arguments.clips}
    truth.update({film: truth_of_film(labels) for film, labels in arguments.film})
    with tempfile.TemporaryDirectory() as folder:
        command = [str(arguments.program), str(arguments.leeway), arguments.cache or folder, *truth]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout.splitlines()
    reports = [json.loads(line) for line in lines]
    findings = [one for report in reports for one in judged(truth[report["film"]], report["found"])]

    constants = r"const (\w+): Curve = Curve \{ at_limit: (\S+), slope: (\S+) \}"
    source = CURVES.read_text()
    curves = {name: (float(a), float(b)) for name, a, b in re.findall(constants, source)}
    true, all_and_one = map(float, re.search(r"const FADE: f64 = (\S+) / (\S+);", source).groups())
    curves["FADE"] = (math.log(true / (all_and_one - true)), 0.0)
    judgements = [(TYPES[f["type"]], f["margin"], probability(curves[TYPES[f["type"]]], f["margin"]), is_true, f["usual"])
                  for f, is_true in findings]
    names = list(dict.fromkeys(TYPES.values()))
    for name in names:
        of_type = [(margin, is_true) for kind, margin, _, is_true, _ in judgements if kind == name]
        usual = [is_true for kind, _, _, is_true, usual in judgements if kind == name and usual]
        at_limit, slope = fit(of_type) if of_type else (0, 0)
        print(f"{name}: Curve = Curve {{ at_limit: {at_limit:.3f}, slope: {slope:.3f} }}: {len(of_type)} found, "
              f"{sum(is_true for _, is_true in of_type)} true; within usual limits {len(usual)}, {sum(usual)} true")
    for name in names:
        table(f"{name}, limits {arguments.leeway:g} times as wide", [(p, t) for kind, _, p, t, _ in judgements if kind == name])
    table(f"all, limits {arguments.leeway:g} times as wide", [(p, t) for _, _, p, t, _ in judgements])
    table("all, usual limits", [(p, t) for _, _, p, t, usual in judgements if usual])


if __name__ == "__main__":
    main()
