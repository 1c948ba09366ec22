"""Runs an adapter beside a server of its own, which is under the same clock as the adapter.

    beside.py redis -- node express-session.mjs connect-redis.mjs
    beside.py memcached -- …      beside.py postgres -- …

The suite takes this program for the adapter. It starts the server and the adapter, hands each line on, empties the
server before an `open`, and answers `now` by the server's clock. The adapter finds the server's address in the variable
SERVER, as `127.0.0.1:7000`; `{server}` among its arguments stands for it, too.

Each `open` leaves the address in the storage's directory. A second process, whose `open` has `keep`, finds it there: it
gives up its own server, and starts its adapter again with that address.
"""

import contextlib
import json
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLOCK = "SESSIONSPEC_CLOCK"  # names the file that the suite's clock is in, if there is one


def free_port():
    """A port that nobody listens at, of those that no system gives to a connection."""
    for _ in range(1_000):
        port = random.randrange(10_240, 32_768)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    sys.exit("there is no free port")


def connected(port):
    """A connection to the port, as soon as somebody listens there."""
    for _ in range(500):
        try:
            return socket.create_connection(("127.0.0.1", port)).makefile("rwb")
        except OSError:
            time.sleep(0.01)
    sys.exit(f"nobody listens at port {port}")


class Server:
    """One of our own, or with an address that of another process, which takes care of it."""

    def __init__(self, place, address=None):
        self.place = place
        self.is_own = address is None
        self.port = free_port() if self.is_own else int(address.split(":")[1])
        if self.is_own:
            self.start()
        else:
            self.connection = connected(self.port)

    def address(self):
        return f"127.0.0.1:{self.port}"

    def run(self, *command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
        self.connection = connected(self.port)

    def ask(self, line, lines=1):
        self.connection.write(line.encode() + b"\r\n")
        self.connection.flush()
        return [self.connection.readline().decode().strip() for _ in range(lines)]

    def follow(self):
        """Takes the time from the suite's clock."""

    def stop(self):
        if self.is_own:
            # Not killed: PostgreSQL would leave its shared memory behind.
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Redis(Server):
    def start(self):
        self.run("redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.place)

    def empty(self):
        self.ask("FLUSHALL")

    def now(self):
        _, _, seconds, _, micros = self.ask("TIME", lines=5)
        return int(seconds) * 1_000_000 + int(micros)


class Memcached(Server):
    """Memcached derives the date from a monotonic clock, which has to jump with it, so it gets a copy of the clock of which
    that is said. It cannot go back: it is started again then.
    """

    def start(self):
        environment = dict(os.environ)
        self.clock = environment.get(CLOCK)
        if self.clock:
            environment[CLOCK] = self.copy = f"{self.place}/clock"
            self.shown = self.read()
            Path(self.copy).write_bytes(self.shown[:9] + b"\1" + self.shown[10:])
        user = ["-u", "root"] if os.geteuid() == 0 else []
        self.run("memcached", "-p", str(self.port), "-l", "127.0.0.1", *user, env=environment)
        self.told = time.time()

    def read(self):
        return Path(self.clock).read_bytes()

    def empty(self):
        self.ask("flush_all")

    def follow(self):
        if not self.is_own or not self.clock or self.read() == self.shown:
            return
        slot = 16 + 16 * (self.shown[8] & 1)  # the byte tells which of two instants is in use
        was_real = self.shown[slot : slot + 8] == bytes(7) + b"\x80"
        if was_real or time.time() < self.told:
            self.stop()
            return self.start()
        self.told = time.time()
        self.shown = self.read()
        with open(self.copy, "r+b", buffering=0) as copy:
            copy.seek(16)
            copy.write(self.shown[16:48])  # the two instants
            copy.seek(8)
            copy.write(self.shown[8:9])  # which of them is in use
        for _ in range(200):
            if self.now() == int(time.time()) * 1_000_000:
                break
            time.sleep(0.002)

    def now(self):
        self.connection = connected(self.port)  # it looks at its timer when somebody comes
        self.connection.write(b"stats\r\n")
        self.connection.flush()
        found = 0
        while (line := self.connection.readline().split()) != [b"END"]:
            if line[1] == b"time":
                found = int(line[2])
        return found * 1_000_000


class Postgres(Server):
    """The stores on it compare with the time of their own program, so it keeps the real time."""

    def start(self):
        [programs] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:] or sys.exit("there is no PostgreSQL")
        data = f"{self.place}/data"
        options = {"env": {name: value for name, value in os.environ.items() if name not in (CLOCK, "LD_PRELOAD")}}
        if os.geteuid() == 0:  # it refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.place, user.pw_uid, user.pw_gid)
            options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        make = [programs / "initdb", "--no-sync", "--auth=trust", "--username=postgres", "-D", data]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, **options)
        self.run(programs / "postgres", "-D", data, "-p", str(self.port), "-k", self.place, "-F", **options)
        # It listens before it answers.
        ready = [programs / "pg_isready", "--quiet", "--host", "127.0.0.1", "--port", str(self.port)]
        for _ in range(500):
            if subprocess.run(ready).returncode == 0:
                return
            time.sleep(0.01)
        sys.exit(f"PostgreSQL does not answer at port {self.port}")

    def empty(self):
        """The stores empty their own table."""

    def now(self):
        return None


def started(command, address):
    return subprocess.Popen(
        [argument.replace("{server}", address) for argument in command],
        env={**os.environ, "SERVER": address},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def main():
    kind, separator, *command = sys.argv[1:]
    assert separator == "--", __doc__
    with tempfile.TemporaryDirectory(prefix="sessionspec-") as place:
        server_class = {"redis": Redis, "memcached": Memcached, "postgres": Postgres}[kind]
        server = server_class(place)
        adapter = started(command, server.address())
        try:
            for line in sys.stdin.buffer:
                request = json.loads(line)
                server.follow()
                if request["op"] == "open":
                    note = Path(request["dir"], "server")
                    if not request.get("keep"):
                        server.empty()
                        note.write_text(server.address())
                    elif (theirs := note.read_text()) != server.address():
                        adapter.kill()
                        adapter.wait()
                        server.stop()
                        server = server_class(place, theirs)
                        adapter = started(command, theirs)
                adapter.stdin.write(line)
                adapter.stdin.flush()
                answer = adapter.stdout.readline()
                if request["op"] == "now" and (now := server.now()) is not None:
                    answer = json.dumps({"id": request["id"], "ok": now}).encode() + b"\n"
                sys.stdout.buffer.write(answer)
                sys.stdout.buffer.flush()
                if not answer or request["op"] == "bye":
                    break
        finally:
            adapter.kill()
            server.stop()


main()
