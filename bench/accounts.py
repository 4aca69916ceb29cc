#!/usr/bin/env python3
"""User Service against the bcrypt crate and a bare actix-web handler, in one run: ratios of medians.

    bench/accounts.py [--cost 12] [--seconds 5] [--runs 5]

Prints logins a second, how quick everything else stays in a storm of logins, introspections a second, the most memory the
service had, and whether the time of a refused login tells what was wrong (Mann-Whitney U test of each kind of refusal against
a wrong password). Needs cargo and wrk; everything it starts it stops.
"""

import argparse
import functools
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import threading
import time

from services import PASSWORD, WORKERS, Client, UserService, build, in_turn, requests_per_second


class Storm:
    """People who log in as quickly as they are let, a few more than can be at a time."""

    def __init__(self, port):
        self.port = port
        self.logins = 0
        self.lock = threading.Lock()
        self.over = threading.Event()

    def __enter__(self):
        self.threads = [threading.Thread(target=self.log_in) for _ in range(2 * os.cpu_count() + 2)]
        for thread in self.threads:
            thread.start()
        self.started = time.monotonic()
        return self

    def __exit__(self, *_):
        self.rate = self.logins / (time.monotonic() - self.started)
        self.over.set()
        for thread in self.threads:
            thread.join()

    def log_in(self):
        client = Client(self.port)
        while not self.over.is_set():
            status, _ = client.log_in("ann", PASSWORD)
            assert status == 200, status
            with self.lock:
                self.logins += 1


def p99(ask, seconds):
    """The 99th percentile of the times that `ask` takes, one at a time with a pause between."""
    times, end = [], time.monotonic() + seconds
    ask()
    while time.monotonic() < end:
        started = time.perf_counter()
        ask()
        times.append(time.perf_counter() - started)
        time.sleep(0.002)
    return statistics.quantiles(times, n=100)[98]


def introspections_per_second(port, form, authorization, seconds):
    script = f"""
wrk.method = "POST"
wrk.body = "{form}"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Authorization"] = "{authorization}"
"""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        return requests_per_second(port, "/oauth/introspect", seconds, script=file.name)


def mann_whitney(ours, others):
    """The two-sided p-value of the Mann-Whitney U test (normal approximation, ties averaged)."""
    ranked = sorted([(value, 0) for value in ours] + [(value, 1) for value in others])
    rank_sum, index = 0.0, 0
    while index < len(ranked):
        end = index
        while end < len(ranked) and ranked[end][0] == ranked[index][0]:
            end += 1
        rank_sum += sum((index + end + 1) / 2 for _, group in ranked[index:end] if group == 0)
        index = end
    n, m = len(ours), len(others)
    u = rank_sum - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def measure_logins(service, cost, seconds, baseline):
    token = service.token("ann")
    authorization = service.client_authorization()

    def profile(client):
        status, _ = client.send("GET", "/users/profile", Authorization=f"Bearer {token}")
        assert status == 200, status

    def introspect(client):
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": authorization}
        status, body = client.send("POST", "/oauth/introspect", f"token={token}", **headers)
        assert status == 200 and b'"active":true' in body, (status, body)

    def latencies(seconds):
        # A connection of its own for each, for the service closes those that are idle.
        return [p99(functools.partial(ask, Client(service.port)), seconds) for ask in (profile, introspect)]

    idle = latencies(seconds)
    with Storm(service.port) as storm:
        time.sleep(3 * seconds)
    undisturbed = storm.rate
    with Storm(service.port):
        busy = latencies(2 * seconds)

    alone, together = baseline
    ideal = os.cpu_count() / alone
    print(f"bcrypt alone, cost {cost}: {alone:.3f} s a hash; {together:.2f} hashes/s on {os.cpu_count()} threads")
    print(f"logins: {undisturbed:.2f}/s = {undisturbed / ideal:.2f} of cores / one hash ({ideal:.2f}/s),"
          f" {undisturbed / together:.2f} of the crate on as many threads")
    for name, before, during in zip(("GET /users/profile", "POST /oauth/introspect"), idle, busy):
        print(f"{name}: p99 {before * 1000:.2f} ms idle, {during * 1000:.2f} ms in the storm, {during / before:.1f} times")


def measure_introspection(service, programs, seconds, runs):
    client = Client(service.port)
    token = service.token("ann")
    authorization = service.client_authorization()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": authorization}
    _, answer = client.send("POST", "/oauth/introspect", f"token={token}", **headers)
    facts = json.loads(answer)
    _, keys = client.send("GET", "/.well-known/jwks.json")
    command = [programs / "examples/bare_introspection", str(WORKERS), keys, facts["iss"], facts["aud"], answer]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bare:
        try:
            bare_port = int(bare.stdout.readline())
            bare_rate, rate = in_turn(
                runs,
                *(
                    functools.partial(introspections_per_second, port, f"token={token}", authorization, seconds)
                    for port in (bare_port, service.port)
                ),
            )
        finally:
            bare.terminate()
    print(f"introspection: {rate:.0f}/s, bare handler {bare_rate:.0f}/s, ratio {rate / bare_rate:.2f}")


def measure_refusals(programs, tries):
    """At a low cost, so that what is not hashing shows; the kinds one after the other in a random order each time."""
    kinds = {
        "wrong password": {"username": "ann", "password": "wrong horse"},
        "unknown user": {"username": "nobody", "password": "wrong horse"},
        "unknown address": {"email": "nobody@example.org", "password": "wrong horse"},
        "name that cannot be": {"username": "\0", "password": "wrong horse"},
        "password that cannot be": {"username": "ann", "password": "x" * 80},
        "disabled account": {"username": "bob", "password": PASSWORD},
    }
    with tempfile.TemporaryDirectory() as folder:
        with UserService(programs, folder, 8) as service:
            client = Client(service.port)
            for name in ("ann", "bob", "root"):
                service.register(name)
            disable(client, programs / "user_service", folder)
            times = {kind: [] for kind in kinds}
            order = random.Random(1)
            for _ in range(tries):
                for kind in order.sample(list(kinds), len(kinds)):
                    started = time.perf_counter()
                    status, body = client.post("/users/login", kinds[kind])
                    times[kind].append(time.perf_counter() - started)
                    assert status == 401 and b"invalid-credentials" in body, (kind, status, body)
    reference = times.pop("wrong password")
    print(f"refusals, {tries} tries of each kind, cost 8: wrong password {statistics.median(reference) * 1000:.2f} ms")
    for kind, values in times.items():
        ratio = statistics.median(values) / statistics.median(reference)
        print(f"  {kind}: {ratio:.3f} of it, Mann-Whitney p = {mann_whitney(values, reference):.2f}")


def disable(client, program, folder):
    """Has an administrator disable bob."""
    environment = os.environ | {"USER_SERVICE__DATA_DIR": folder, "USER_SERVICE__PASSWORDS__BCRYPT_COST": "8"}
    command = [program, "admin", "create", "--username", "chief", "--email", "chief@example.org"]
    subprocess.run(command, input=PASSWORD, env=environment, text=True, check=True, capture_output=True)
    authorization = f"Bearer {json.loads(client.log_in('chief', PASSWORD)[1])['access_token']}"
    accounts = json.loads(client.send("GET", "/admin/users?search=bob", Authorization=authorization)[1])
    path = f"/admin/users/{accounts['items'][0]['id']}/disable"
    status, _ = client.send("POST", path, Authorization=authorization)
    assert status == 200, status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cost", type=int, default=12, help="bcrypt's work factor (12)")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement (5)")
    parser.add_argument("--runs", type=int, default=5, help="of introspection, the median counts (5)")
    parser.add_argument("--tries", type=int, default=400, help="of each kind of refusal (400)")
    arguments = parser.parse_args()

    programs = build("user_service")
    alone = [programs / "examples/bcrypt_alone", str(arguments.cost), str(os.cpu_count()), "5"]
    baseline = [float(line) for line in subprocess.run(alone, check=True, capture_output=True, text=True).stdout.split()]
    with tempfile.TemporaryDirectory() as folder, UserService(programs, folder, arguments.cost) as service:
        service.register("ann")
        measure_logins(service, arguments.cost, arguments.seconds, baseline)
        measure_introspection(service, programs, arguments.seconds, arguments.runs)
        print(f"memory: {service.memory('VmHWM'):.0f} MB resident at most, throughout")
    measure_refusals(programs, arguments.tries)


if __name__ == "__main__":
    main()
