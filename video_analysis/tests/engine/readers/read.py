"""Prints as JSON what a public reader finds in an exported file: read.py FORMAT FILE [RATE].

RATE is the frame rate where a format does not hold one.
"""

import fractions
import json
import sys
import xml.etree.ElementTree as xml

import opentimelineio as otio
import webvtt


def clips(timeline):
    """Name, start and length in the source, and start in the film of every clip, in units of their own rate."""
    result = []
    for clip in timeline.find_clips():
        source, place = clip.source_range, clip.trimmed_range_in_parent()
        result.append({
            "name": clip.name,
            "start": source.start_time.value,
            "length": source.duration.value,
            "at": place.start_time.value,
            "rate": source.start_time.rate,
            "media": getattr(clip.media_reference, "target_url", None),
        })
    return result


def read_otio(path, _):
    timeline = otio.adapters.read_from_file(path)
    track = timeline.video_tracks()[0]
    markers = [
        {
            "name": marker.name,
            "start": marker.marked_range.start_time.value,
            "length": marker.marked_range.duration.value,
            "rate": marker.marked_range.start_time.rate,
        }
        for marker in track.markers
    ]
    clip = timeline.find_clips()[0]
    available = clip.media_reference.available_range
    return {"clips": clips(timeline), "markers": markers, "available": available.duration.value}


def read_edl(path, rate):
    return {"clips": clips(otio.adapters.read_from_file(path, rate=float(rate)))}


def read_fcpxml(path, _):
    """By the adapter, whose frame rates are whole numbers, and the bare times, exactly."""
    collection = otio.adapters.read_from_file(path, adapter_name="fcpx_xml")
    root = xml.parse(path).getroot()

    def frames(text):
        time = fractions.Fraction(text.removesuffix("s"))
        return float(time / fractions.Fraction(root.find("resources/format").get("frameDuration").removesuffix("s")))

    exact = [[frames(clip.get(name)) for name in ("offset", "start", "duration")] for clip in root.iter("asset-clip")]
    return {
        "clips": clips(collection[0]),
        "frames": exact,
        "format": root.find("resources/format").attrib,
        "asset": root.find("resources/asset").attrib,
        "sequence": root.find("library/event/project/sequence").attrib,
    }


def read_webvtt(path, _):
    return [[cue.start, cue.end, cue.text] for cue in webvtt.read(path)]


if __name__ == "__main__":
    readers = {"otio": read_otio, "edl": read_edl, "fcpxml": read_fcpxml, "webvtt": read_webvtt}
    kind, path, rate = (sys.argv[1:] + [None])[:3]
    json.dump(readers[kind](path, rate), sys.stdout)
