"""Starting and stopping the programs under test, and asking them. Everything on loopback."""

import contextlib
import http.server
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
