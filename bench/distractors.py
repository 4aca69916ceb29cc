#!/usr/bin/env python3
"""How often what happens to a shot is taken for a transition: lights, filters, a lens, a strobe.

usage: bench/distractors.py FILM:START:SECONDS [...] [--program PATH]... [--keep FOLDER]

Each FILM:START:SECONDS is to be one shot, which is told first if it is not. Something begins with frame 40 of it, at 25 frames per second,
and ends with frame 70, or goes on. Whatever is found in such a clip is false. With several programs each of them has a column.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

WHILE = "enable='between(n,40,70)'"
RED = "colorchannelmixer=rr=1:gg=.25:bb=.2"
DISTRACTORS = {
    "red light": f"{RED}:{WHILE}",
    "red and blue lights in turn": "colorchannelmixer=rr=1:gg=.2:bb=.2:enable='lt(mod(n,30),10)',"
    "colorchannelmixer=rr=.2:gg=.2:bb=1:enable='gte(mod(n,30),20)'",
    "grey": f"hue=s=0:{WHILE}",
    "another hue": f"hue=h=120:{WHILE}",
    "three times the saturation": f"eq=saturation=3:{WHILE}",
    "sepia": "colorchannelmixer=.393:.769:.189:0:.349:.686:.168:0:.272:.534:.131:" + WHILE,
    "negative": f"negate={WHILE}",
    "darker by a third": f"eq=brightness=-.35:{WHILE}",
    "a quarter of the contrast": f"eq=brightness=-.2:contrast=.25:{WHILE}",
    "gamma 2.5": f"eq=gamma=2.5:{WHILE}",
    "out of focus": f"gblur=sigma=60:{WHILE}",
    "slightly out of focus": f"gblur=sigma=20:{WHILE}",
    "strobe, 6 pictures and 3 black": "drawbox=c=black:t=fill:enable='gte(mod(n,9),6)'",
    "strobe, 3 pictures and 6 black": "drawbox=c=black:t=fill:enable='gte(mod(n,9),3)'",
    "strobe, 6 pictures and 6 white": "drawbox=c=white:t=fill:enable='gte(mod(n,12),6)'",
    "10 green pictures": "drawbox=c=green:t=fill:enable='between(n,40,49)'",
}


def clip(shot, filters, path):
    film, start, seconds = shot.rsplit(":", 2)
    chain = f"fps=25,scale=640:360,{filters},format=yuv420p"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-ss", start, "-t", seconds, "-i", film, "-an", "-vf", chain]
    subprocess.run([*command, "-c:v", "libx264", "-preset", "veryfast", "-crf", "22", path], check=True)


def found(program, path):
    """Shots but the first, and gradual transitions."""
    output = subprocess.run([program, "analyze", "--detectors", "shots", path], capture_output=True, check=True)
    report = json.loads(output.stdout)
    # What is black or white when the clip ends is another shot for all that anybody knows.
    ends = report["frames"] - 13
    shots = [shot for shot in report["shots"][1:] if shot["start_frame"] < ends]
    return len(shots) + len(report["transitions"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shots", nargs="+", metavar="FILM:START:SECONDS")
    parser.add_argument("--program", action="append")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the clips")
    arguments = parser.parse_args()
    programs = arguments.program or ["target/release/video_analysis"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"{'false transitions, clips with any':34}" + "".join(f"{pathlib.Path(p).name:>24}" for p in programs))
        for name, filters in {"nothing": "null", **DISTRACTORS}.items():
            counts = {program: [] for program in programs}
            for number, shot in enumerate(arguments.shots):
                path = folder / f"{name.replace(' ', '_').replace(',', '')}_{number}.mkv"
                clip(shot, filters, path)
                for program in programs:
                    counts[program].append(found(program, path))
            columns = (f"{sum(c)}, {sum(map(bool, c))} of {len(c)}" for c in counts.values())
            print(f"{name:34}" + "".join(f"{column:>24}" for column in columns), flush=True)


if __name__ == "__main__":
    main()
