"""Pages of a large library on PostgreSQL, against the same statements through pgbench."""

import functools
import pathlib
import re
import subprocess
import tempfile
import urllib.parse

from services import Client, UserService, VideoService, in_turn, requests_per_second, scratch_folder

LIMIT = 50
#: Besides the whole library: what every record has, what one of two, of ten and of a thousand has.
LISTS = (
    "",
    "status=ready&duration_gt=0",
    "sort=title",
    "sort=-duration_seconds&codec=h264",
    "has=black&true_peak_gt=-3",
    "tag=open",
    "q=bunny",
    "q=rabbit",
)

#: One owner's videos, a second of theirs for each of somebody else's fifth; identifiers as version 7 makes them, in order.
FILL = """
CREATE TEMP TABLE fresh AS
SELECT format('%s-%s-7%s-8%s-%s', substr(hex, 1, 8), substr(hex, 9, 4), substr(noise, 1, 3), substr(noise, 4, 3),
              substr(noise, 7, 12))::uuid AS id,
       CASE WHEN number % 6 < 5 THEN '{owner}'::uuid ELSE '00000000-0000-4000-8000-000000000001'::uuid END AS owner_id,
       number
FROM (SELECT number, lpad(to_hex(1700000000000 + number), 12, '0') AS hex, md5(number::text) AS noise
      FROM generate_series(1, {records} * 6 / 5) AS number) AS numbers;
INSERT INTO video (id, owner_id, title, description, status, filename, media_type, bytes, sha256, blob_key, revision,
                   created_at, updated_at, tags, metadata, duration_seconds, width, height, frame_rate, video_codec,
                   audio_codec, shots, fades, black, silence, integrated_lufs, range_lu, true_peak_dbtp)
SELECT id, owner_id, 'Film ' || number, 'The film with the number ' || number, 'ready', number || '.mp4', 'video/mp4',
       1000000 + number, md5(number::text) || md5(number::text), 'videos/' || id, 1,
       timestamptz '2026-01-01' + number * interval '1 second', timestamptz '2026-01-01' + number * interval '1 second',
       CASE WHEN number % 10 = 0 THEN '["open"]' ELSE '[]' END::json, '{{"number": 1}}', 1 + number % 5000, 1280, 720,
       '25/1', CASE WHEN number % 2 = 0 THEN 'h264' ELSE 'hevc' END, 'aac', 10, 0, number % 2, 1, -23, 7,
       -(number % 7)::float8
FROM fresh;
INSERT INTO video_tag (owner_id, tag, video_id) SELECT owner_id, 'open', id FROM fresh WHERE number % 10 = 0;
INSERT INTO video_text (video_id, words)
SELECT id, replace(owner_id::text, '-', '') || ' film number the with ' || number
           || CASE WHEN number % 10 = 0 THEN ' bunny' ELSE '' END || CASE WHEN number % 1000 = 0 THEN ' rabbit' ELSE '' END
FROM fresh;
"""


def psql(url, sql):
    command = ["psql", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", f"--dbname={url}"]
    return subprocess.run(command, input=sql, check=True, capture_output=True, text=True).stdout.strip()


class StatementLog:
    """What PostgreSQL executes, with the values of its parameters."""

    def __init__(self, url):
        self.url = url
        # scripts/with-postgres keeps both in one folder.
        self.file = pathlib.Path(psql(url, "SHOW unix_socket_directories")) / "server.log"

    def of_one(self, ask):
        """The statement on videos that `ask` leads to, its parameters in place."""
        psql(self.url, "ALTER SYSTEM SET log_min_duration_statement = 0; SELECT pg_reload_conf()")
        ask()
        end = self.file.stat().st_size
        ask()
        psql(self.url, "ALTER SYSTEM RESET log_min_duration_statement; SELECT pg_reload_conf()")
        with self.file.open() as file:
            file.seek(end)
            text = file.read()
        found = re.findall(r"execute \w+: (SELECT .* FROM \"video\" .*)\n.*DETAIL:  [pP]arameters: (.*)", text)
        assert len(found) == 1, text
        statement, parameters = found[0]
        values = dict(re.findall(r"(\$\d+) = (NULL|'(?:[^']|'')*')", parameters))
        return re.sub(r"\$\d+", lambda parameter: values[parameter[0]], statement)


def pgbench_seconds(url, statement, seconds):
    """The average time of a statement, prepared, on one connection."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(statement + ";\n")
        script.flush()
        command = ["pgbench", "--no-vacuum", "--protocol=prepared", "--client=1", f"--time={seconds}", f"--file={script.name}"]
        report = subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"latency average = ([\d.]+) ms", report)[1]) / 1000


def page_seconds(port, token, path, seconds):
    return 1 / requests_per_second(port, path, seconds, connections=1, headers=[f"Authorization: Bearer {token}"])


def addresses(client, query):
    """The first page and the last full one, where that is, and how many videos there are."""
    first = f"/videos?limit={LIMIT}" + (f"&{query}" if query else "")
    page, path, last, seen = 0, first, first, set()
    while path:
        answer = client.get(path)
        before = len(seen)
        seen.update(video["id"] for video in answer["items"])
        assert len(seen) == before + len(answer["items"]), "a video comes twice"
        if len(answer["items"]) == LIMIT:
            page, last = page + 1, path
        cursor = answer["next_cursor"]
        path = cursor and f"{first}&cursor={urllib.parse.quote(cursor)}"
    return first, last, max(page, 1), len(seen)


def measure_pages(programs, database, records, seconds, runs):
    with scratch_folder() as folder, UserService(programs, folder) as users:
        users.register("ann")
        token = users.token("ann")
        with VideoService(programs, users, DATABASE__URL=database) as videos:
            owner = Client(users.port, token).get("/users/profile")["id"]
            psql(database, FILL.format(owner=owner, records=records))
            psql(database, "VACUUM ANALYZE")
            log = StatementLog(database)
            print(f"pages of {LIMIT} of {records} records, times of one page:")
            for query in LISTS:
                first, last, pages, found = addresses(Client(videos.port, token), query)
                assert query or found == records, found
                asked = Client(videos.port, token)
                statements = [log.of_one(functools.partial(asked.get, path)) for path in (first, last)]
                times = in_turn(
                    runs,
                    *(functools.partial(page_seconds, videos.port, token, path, seconds) for path in (first, last)),
                    *(functools.partial(pgbench_seconds, database, statement, seconds) for statement in statements),
                )
                ours_first, ours_last, bench_first, bench_last = (1000 * time for time in times)
                print(f"  {query or 'all'}: {found} videos; page 1 {ours_first:.2f} ms, pgbench {bench_first:.2f} ms,"
                      f" {ours_first / bench_first:.2f} times; page {pages} {ours_last:.2f} ms, pgbench {bench_last:.2f} ms,"
                      f" {ours_last / bench_last:.2f} times; page {pages} over page 1: {ours_last / ours_first:.2f}")
