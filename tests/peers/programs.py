"""Starting and stopping the programs under test, and asking them. Everything on loopback."""

import contextlib
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Cargo takes a relative one from where it is called: the top of the checkout.
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
PROXFLEET = TARGET / "release" / "proxfleet"
SIMULATOR = TARGET / "release" / "proxfleet-simulator"
PEERS = Path(os.environ.get("PROXFLEET_PEERS", ROOT / "target" / "peers"))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url, headers=None, timeout=30):
    """The body of a GET as bytes, with its headers. Any status but 2xx raises."""
    request = urllib.request.Request(url, headers=headers or {})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return answer.read(), answer.headers


def wait_for(condition, what, seconds=60):
    """Waits for a condition that returns something true, and returns that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, urllib.error.URLError):
            result = condition()
            if result:
                return result
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


@contextlib.contextmanager
def program(arguments, **options):
    """A program that runs as long as the block, with its output in a file."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            **options,
        )
        try:
            yield process
        except BaseException:
            output.seek(0)
            print(f"--- {arguments[0]}:\n{output.read()}")
            raise
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@contextlib.contextmanager
def demo(*arguments):
    """`proxfleet demo`; yields the base URL."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with program([PROXFLEET, "demo", "--listen", f"127.0.0.1:{port}", *arguments]):
        wait_for(lambda: get(f"{base}/-/ready"), "the demo")
        yield base


class Fleet:
    """A simulated fleet as its control describes it."""

    def __init__(self, description):
        self.control = description["control"]
        self.remotes = {remote["name"]: remote for remote in description["remotes"]}
        self.config = get(f"{self.control}/config")[0].decode()

    def addresses(self, name):
        """The end-points of a remote, in the order of its nodes."""
        return [endpoint["address"] for endpoint in self.remotes[name]["endpoints"]]

    def ask(self, path, **body):
        request = urllib.request.Request(f"{self.control}{path}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def freeze(self):
        """From here on nothing changes but by `advance`; returns the fleet's time."""
        return self.ask("/clock", freeze=True)["now"]

    def advance(self, seconds):
        return self.ask("/clock", advance=seconds)["now"]

    def calls(self):
        """How many calls have been made in all."""
        counts = json.loads(get(f"{self.control}/counts")[0])
        endpoints = [endpoint for remote in counts["remotes"] for endpoint in remote["endpoints"]]
        return sum(sum(endpoint["requests"].values()) for endpoint in endpoints)


@contextlib.contextmanager
def simulated(*arguments):
    """The simulator with these arguments; yields its `Fleet`."""
    process = subprocess.Popen(
        [SIMULATOR, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield Fleet(json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


@contextlib.contextmanager
def serving(config):
    """`proxfleet serve` with this configuration, but for [server]; yields the base URL."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "proxfleet.toml")
        path.write_text(f'[server]\nlisten = ["127.0.0.1:{port}"]\n\n{config}')
        path.chmod(0o600)
        with program([PROXFLEET, "serve", "--config", path]):
            wait_for(lambda: get(f"{base}/-/ready"), "proxfleet")
            yield base


def pve_yml(modules):
    """The configuration of prometheus-pve-exporter for the remotes of these modules."""
    def module(remote):
        user, token = remote["token_id"].split("!")
        return {
            "user": user,
            "token_name": token,
            "token_value": remote["token_secret"],
            "verify_ssl": False,
        }
    # JSON is YAML as well.
    return json.dumps({name: module(remote) for name, remote in modules.items()})


@contextlib.contextmanager
def pve_exporter(modules, *flags):
    """prometheus-pve-exporter with a module for each of these remotes; yields the base URL."""
    base = f"127.0.0.1:{free_port()}"
    # It reads the day on which a subscription is due as midnight of its own time zone.
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "TZ": "UTC"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pve.yml")
        path.write_text(pve_yml(modules))
        arguments = ["--config.file", path, "--web.listen-address", base, *flags]
        with program([PEERS / "bin" / "pve_exporter", *arguments], env=environment):
            wait_for(lambda: get(f"http://{base}/"), "prometheus-pve-exporter")
            yield f"http://{base}"


@contextlib.contextmanager
def text_only(base):
    """A way to `base` on which a scraper accepts nothing but the text format; yields its URL."""

    class Way(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body, headers = get(base + self.path, {"Accept": "text/plain;version=0.0.4"})
            self.send_response(200)
            self.send_header("Content-Type", headers["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Way) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextlib.contextmanager
def prometheus(config):
    """A real Prometheus with this configuration; yields its base URL."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "prometheus.yml")
        path.write_text(config)
        log = Path(folder, "log")
        with log.open("w") as output:
            process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={path}",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address=127.0.0.1:{port}",
                    "--log.level=debug",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                wait_for(lambda: get(f"{base}/-/ready"), "Prometheus")
                yield base, log
            finally:
                process.terminate()
                process.wait(timeout=20)


def series(body):
    """The samples of an exposition: {name and labels: value}."""
    samples = {}
    for line in body.splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r'(.*(?:\}|[^} ])) (\S+)', line)
            samples[match.group(1)] = float(match.group(2))
    return samples
