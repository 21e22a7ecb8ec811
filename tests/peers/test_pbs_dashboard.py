"""The expressions of pbs-exporter's dashboard answer on /pbs what they answer on what pbs-exporter tells.

pbs-exporter itself comes with no package manager. What it tells of a server is therefore made here from
its own calls, by its own rules, and put beside ours in one Prometheus.
"""

import http.server
import json
import ssl
import threading
import unittest
import urllib.request
from urllib.parse import urlencode

import yaml

from programs import get, prometheus, serving, simulated, wait_for

# Of its dashboard, with the variables left open.
EXPRESSIONS = """
pbs_host_uptime{SCOPE}
pbs_snapshot_vm_last_timestamp{SCOPE,namespace=~".*",datastore=~".*",vm_name=~".*"} * 1000
pbs_snapshot_vm_last_verify{SCOPE,namespace=~".*",datastore=~".*",vm_name=~".*"}
sum(pbs_snapshot_count{SCOPE})
pbs_snapshot_count{SCOPE,datastore=~".*",namespace=~".*"}
pbs_snapshot_vm_count{SCOPE,datastore=~".*",namespace=~".*",vm_name=~".*"}
pbs_available{SCOPE,datastore=~".*"}
pbs_size{SCOPE,datastore=~".*"}
pbs_used{SCOPE,datastore=~".*"}
pbs_host_cpu_usage{SCOPE}
pbs_host_load1{SCOPE}
pbs_host_load5{SCOPE}
pbs_host_load15{SCOPE}
pbs_host_memory_used{SCOPE}
pbs_host_memory_free{SCOPE}
pbs_host_memory_used{SCOPE} / pbs_host_memory_total{SCOPE} * 100
pbs_host_swap_used{SCOPE}
pbs_host_swap_free{SCOPE}
pbs_host_swap_used{SCOPE} / pbs_host_swap_total{SCOPE} * 100
pbs_host_io_wait{SCOPE}
pbs_host_disk_total{SCOPE}
pbs_host_disk_used{SCOPE}
pbs_host_disk_used{SCOPE} / pbs_host_disk_total{SCOPE} * 100
""".split("\n")[1:-1]


class Server:
    """A simulated backup server, asked as pbs-exporter asks."""

    def __init__(self, remote):
        port = remote["endpoints"][0]["address"].rsplit(":", 1)[1]
        self.base = f"https://localhost:{port}/api2/json"
        self.trust = ssl.create_default_context(cadata=remote["ca"])
        self.token = f'PBSAPIToken={remote["token_id"]}:{remote["token_secret"]}'

    def ask(self, path, **query):
        request = urllib.request.Request(
            f"{self.base}{path}?{urlencode(query)}", headers={"Authorization": self.token}
        )
        with urllib.request.urlopen(request, context=self.trust, timeout=10) as answer:
            return json.load(answer)["data"]

    def exposition(self):
        lines = []

        def tell(name, value, **labels):
            # JSON escapes as the text format does, but for what is beyond ASCII.
            texts = [f"{key}={json.dumps(text, ensure_ascii=False)}" for key, text in labels.items()]
            lines.append(f"pbs_{name}{{{','.join(texts)}}} {value}")

        for usage in self.ask("/status/datastore-usage"):
            store = usage["store"]
            # What cannot be opened has no size: the exporter says 0, which is one of its defects.
            if "total" in usage:
                tell("available", usage["avail"], datastore=store)
                tell("size", usage["total"], datastore=store)
                tell("used", usage["used"], datastore=store)
                for namespace in self.ask(f"/admin/datastore/{store}/namespace"):
                    self.tell_namespace(tell, store, namespace["ns"])
        status = self.ask("/nodes/localhost/status")
        for name, part in [("memory", "memory"), ("swap", "swap"), ("disk", "root")]:
            for kind, number in status[part].items():
                kind = {"avail": "available"}.get(kind, kind)
                tell(f"host_{name}_{kind}", number)
        tell("host_cpu_usage", status["cpu"])
        tell("host_io_wait", status["wait"])
        tell("host_uptime", status["uptime"])
        for minutes, load in zip((1, 5, 15), status["loadavg"]):
            tell(f"host_load{minutes}", load)
        return "\n".join(lines) + "\n"

    def tell_namespace(self, tell, store, namespace):
        listed = self.ask(f"/admin/datastore/{store}/snapshots", ns=namespace)
        # An unfinished one is no backup; and who shares an id is told apart. Both are listed differences.
        snapshots = [snapshot for snapshot in listed if snapshot.get("size") is not None]
        tell("snapshot_count", len(snapshots), datastore=store, namespace=namespace)
        groups = {}
        for snapshot in snapshots:
            groups.setdefault((snapshot["backup-type"], snapshot["backup-id"]), []).append(snapshot)
        for (kind, number), group in groups.items():
            shared = kind != "vm" and any(
                other != kind and other_number == number for other, other_number in groups
            )
            last = max(group, key=lambda snapshot: snapshot["backup-time"])
            labels = {
                "datastore": store,
                "namespace": namespace,
                "vm_id": f"{kind}/{number}" if shared else number,
                "vm_name": last.get("comment", ""),
            }
            verified = last.get("verification", {}).get("state") == "ok"
            tell("snapshot_vm_count", len(group), **labels)
            tell("snapshot_vm_last_timestamp", last["backup-time"], **labels)
            tell("snapshot_vm_last_verify", int(verified), **labels)


class Dashboard(unittest.TestCase):
    def test_each_panel_shows_the_same(self):
        with simulated("--clusters", "1", "--guests", 20, "--pbs", 1) as fleet:
            fleet.freeze()
            name = next(name for name, remote in fleet.remotes.items() if remote["type"] == "pbs")
            reference = Server(fleet.remotes[name]).exposition().encode()

            class Exporter(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200)
                    self.send_header("Content-Type", "text/plain; version=0.0.4")
                    self.end_headers()
                    self.wfile.write(reference)

                def log_message(self, *_):
                    pass

            quick = "[defaults]\nbackground_calls_per_second = 100\n"
            with (
                http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporter) as exporter,
                serving(f"{quick}{fleet.config}") as base,
            ):
                threading.Thread(target=exporter.serve_forever, daemon=True).start()
                try:
                    path = f"{base}/pbs?target={name}"
                    wait_for(lambda: b"# partial" not in get(path)[0], "all that /pbs tells")
                    self.compare(name, base, exporter.server_port)
                finally:
                    exporter.shutdown()

    def compare(self, name, base, port):
        def scrape(instance, address, **options):
            return {
                "job_name": instance,
                "static_configs": [{"targets": [address], "labels": {"instance": instance}}],
                "relabel_configs": [{"target_label": "job", "replacement": "pbs-exporter"}],
                **options,
            }

        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                scrape(
                    "here",
                    base.removeprefix("http://"),
                    metrics_path="/pbs",
                    params={"target": [name]},
                ),
                scrape("there", f"127.0.0.1:{port}"),
            ],
        }
        with prometheus(yaml.safe_dump(config)) as (asked, _):

            def answer(expression, instance):
                scope = f'job="pbs-exporter",instance="{instance}"'
                query = urlencode({"query": expression.replace("SCOPE", scope)})
                result = json.loads(get(f"{asked}/api/v1/query?{query}")[0])["data"]["result"]
                ignored = ("__name__", "instance")
                return {
                    tuple(sorted(item for item in row["metric"].items() if item[0] not in ignored)): row["value"][1]
                    for row in result
                }

            last = "pbs_host_disk_used{SCOPE}"
            wait_for(lambda: answer(last, "here") and answer(last, "there"), "both scrapes")
            for expression in EXPRESSIONS:
                with self.subTest(expression):
                    here = answer(expression, "here")
                    self.assertTrue(here)
                    self.assertEqual(here, answer(expression, "there"))


if __name__ == "__main__":
    unittest.main()
