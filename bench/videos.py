#!/usr/bin/env python3
"""Video Service against what the system has to offer for the same, in one run: ratios of medians.

    bench/videos.py [--size 2147483648] [--seconds 5] [--runs 5] [--records 100000] [--listeners 10000] [PART…]

Parts: uploads (the disk's tools, @tus/server), memory (of uploads), record (a bare handler), pages (pgbench), ranges (nginx),
events (10,000 listeners). Needs cargo, wrk, node, npm and PostgreSQL, and nginx for ranges; everything it starts it stops.
"""

import argparse
import os
import subprocess
import sys

from services import ROOT, build
from videos_events import measure_listeners, measure_slow
from videos_pages import measure_pages, psql
from videos_ranges import measure_ranges
from videos_records import measure_record
from videos_uploads import measure_memory, measure_throughput

PARTS = ("uploads", "memory", "record", "pages", "ranges", "events")


def new_database(name):
    """The URL of a new database beside the one that scripts/with-postgres gives."""
    url = os.environ["KADR_TEST_POSTGRES"]
    psql(url, f"CREATE DATABASE {name}")
    return f"{url.rsplit('/', 1)[0]}/{name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which: {', '.join(PARTS)} (all)")
    parser.add_argument("--size", type=int, default=2 * 1024**3, help="of uploads, in bytes (2 GiB)")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement of a rate (5)")
    parser.add_argument("--runs", type=int, default=5, help="of each measurement, the median counts (5)")
    parser.add_argument("--records", type=int, default=100_000, help="of the library that is paged through (100000)")
    parser.add_argument("--listeners", type=int, default=10_000, help="to events at a time (10000)")
    arguments = parser.parse_args()
    parts = arguments.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")

    programs = build("user_service", "video_service")
    if "KADR_TEST_POSTGRES" not in os.environ:
        # The same once more, beside a throw-away PostgreSQL.
        raise SystemExit(subprocess.run([ROOT / "scripts/with-postgres", sys.executable, *sys.argv]).returncode)
    seconds, runs = arguments.seconds, arguments.runs
    if "uploads" in parts:
        measure_throughput(programs, arguments.size, runs)
    if "memory" in parts:
        measure_memory(programs, arguments.size)
    if "record" in parts:
        measure_record(programs, None, seconds, runs)
        measure_record(programs, new_database("kadr_bench_record"), seconds, runs)
    if "pages" in parts:
        measure_pages(programs, new_database("kadr_bench_pages"), arguments.records, seconds, runs)
    if "ranges" in parts:
        measure_ranges(programs, arguments.size, seconds, runs)
    if "events" in parts:
        measure_listeners(programs, arguments.listeners)
        measure_slow(programs)


if __name__ == "__main__":
    main()
