"""The expressions of known dashboards answer on /pve what they answer on prometheus-pve-exporter, and
those that docs/prometheus.md rewrites answer on /metrics in their other form.

Each way to scrape has a real Prometheus of its own, as with one exporter in place of the other.
"""

import contextlib
import json
import math
import re
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from urllib.parse import urlencode

import yaml

from programs import ROOT, get, prometheus, pve_exporter, serving, simulated, wait_for
from test_drop_in import QUICK, Side, modules

EXPRESSIONS = Path(__file__).with_name("dashboards.promql")
DOCUMENT = ROOT / "docs" / "prometheus.md"
# Where proxfleet is, in the document.
PLACEHOLDER = "proxfleet.example.org:9221"
RATE_INTERVAL = "5m"
# Where the moments of the scrapes are part of the answer.
OF_TIME = 0.25
# Network traffic of nodes is nothing that the exporter tells, so these panels have always been empty.
EMPTY = ("pve_network_receive_bytes_total{id=~\"node/", "pve_network_transmit_bytes_total{id=~\"node/")


def expressions():
    lines = EXPRESSIONS.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def rewritten():
    """The pairs of the document: on prometheus-pve-exporter, and on /metrics."""
    _, section = DOCUMENT.read_text().split("## Expressions that answer otherwise")
    rows = re.findall(r"^\| `(.+)` \| `(.+)` \|$", section, re.MULTILINE)
    return [tuple(cell.replace("\\|", "|") for cell in row) for row in rows]


def configurations():
    """Those that the document has for pasting."""
    return re.findall(r"^```yaml\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)


def configuration(mark, address):
    """The scrapes of the first one that has the mark, of a proxfleet there."""
    text = next(text for text in configurations() if mark in text)
    return yaml.safe_load(text.replace(PLACEHOLDER, address))["scrape_configs"]


def without(answer, *labels):
    """An answer without labels that only one side has."""
    stripped = [
        (tuple((label, value) for label, value in identity if label not in labels), value)
        for identity, value in answer.items()
    ]
    assert len(dict(stripped)) == len(stripped), "told apart only by what is left out"
    return dict(stripped)


def job(name, exporter, targets, **parameters):
    """The scrape of an exporter that is asked about targets: {target: cluster}."""
    return {
        "job_name": name,
        "metrics_path": "/pve",
        "params": {key: [str(value)] for key, value in parameters.items()},
        "static_configs": [
            {"targets": [target], "labels": {"cluster": cluster, "__param_module": module}}
            for target, (cluster, module) in targets.items()
        ],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            # The same labels in each way, so that the answers can be compared.
            {"source_labels": ["cluster"], "target_label": "instance"},
            {"target_label": "job", "replacement": "pve"},
            {"target_label": "__address__", "replacement": exporter.removeprefix("http://")},
        ],
    }


class Answers:
    """A Prometheus, asked."""

    def __init__(self, base):
        self.base = base

    def query(self, expression, at=None):
        """{labels: value}; what Prometheus refuses raises."""
        query = urlencode({"query": expression, **({"time": at} if at else {})})
        answer = json.loads(get(f"{self.base}/api/v1/query?{query}")[0])["data"]
        if answer["resultType"] == "scalar":
            return {(): float(answer["result"][1])}
        return {
            tuple(sorted(sample["metric"].items())): float(sample["value"][1])
            for sample in answer["result"]
        }


class Dashboards(unittest.TestCase):
    maxDiff = None

    @contextlib.contextmanager
    def ways(self, fleet):
        """{way: Answers}, in pairs of the exporter and what is to answer as it does."""
        names = list(fleet.remotes)
        first = {fleet.addresses(name)[0]: name for name in names}
        every = {address: name for name in names for address in fleet.addresses(name)}
        default = lambda targets: {target: (name, "default") for target, name in targets.items()}
        named = lambda targets: {target: (name, name) for target, name in targets.items()}
        with contextlib.ExitStack() as stack:
            start = stack.enter_context
            ours = start(serving(QUICK + fleet.config))
            modular = start(modules(fleet))
            # It answers two scrapes at once, and slowly.
            theirs, theirs_of_all = (start(pve_exporter(fleet.remotes)) for _ in range(2))
            for name in names:
                wait_for(lambda: not Side(ours).scrape(name)[2], f"all of {name}")
            jobs = {
                "exporter": [job("pve", theirs, named(first))],
                "end-points": [job("pve", ours, default(first))],
                "module": [job("pve", modular, named(first))],
                # As the exporter's manual has it: the cluster from one node, each node from itself.
                "exporter of all nodes": [
                    job("cluster", theirs_of_all, named(first), node=0),
                    job("nodes", theirs_of_all, named(every), cluster=0),
                ],
                "names": [job("pve", ours, default({name: name for name in names}))],
            }
            # Two configurations of the document, asked of this proxfleet.
            address = ours.removeprefix("http://")
            jobs["discovered"] = configuration("format=pve-exporter", address)
            jobs["discovered"][0]["relabel_configs"] = [
                {"source_labels": ["instance"], "target_label": "cluster"},
            ]
            jobs["metrics"] = configuration("source_labels: [remote]", address)
            yield {
                way: Answers(start(prometheus(json.dumps({
                    "global": {"scrape_interval": "5s", "scrape_timeout": "5s"},
                    "scrape_configs": configs,
                })))[0])
                for way, configs in jobs.items()
            }

    def test_every_expression_answers_as_with_the_exporter(self):
        with simulated("--clusters", "3,1", "--guests", 48, "--pbs", 0, "--qdevice", "--oddities",
                       "--subscriptions") as fleet:
            now = fleet.freeze()
            # Every replication has just run, and none is due while the test goes on.
            fleet.advance(900 - now % 900 + 100)
            with self.ways(fleet) as ways:
                total = "sum(pve_uptime_seconds)"
                def together(before=None):
                    sums = [answers.query(total).get(()) for answers in ways.values()]
                    return None not in sums and len(set(sums)) == 1 and sums[0] != before and sums[0]
                def settled():
                    return len({len(answers.query("pve_replication_info")) for answers in ways.values()}) == 1
                wait_for(settled, "what is asked by the clock, in each way")
                before = wait_for(together, "a first scrape in each way")
                began = time.time()
                fleet.advance(60)
                wait_for(lambda: together(before), "a later scrape in each way")
                # Rates are taken over all that was scraped: some more make little of when each began.
                wait_for(lambda: time.time() > began + 20, "some scrapes more")
                at = time.time()
                self.compare(ways, list(fleet.remotes), at)
                self.compare_rewritten(ways, at)

    def compare(self, ways, names, at):
        pairs = [
            ("end-points", "exporter"), ("module", "exporter"),
            ("names", "exporter of all nodes"), ("discovered", "exporter of all nodes"),
        ]
        answered = set()
        for expression in expressions():
            for name in names:
                concrete = (
                    expression.replace("$instance", name).replace("$cluster", name)
                    .replace("$job", "pve").replace("$node", ".*").replace("$guest", ".*")
                    .replace("$__rate_interval", RATE_INTERVAL)
                )
                tolerance = OF_TIME if "rate(" in concrete else 0
                found = {way: answers.query(concrete, at) for way, answers in ways.items()}
                for ours, theirs in pairs:
                    with self.subTest(concrete, way=ours):
                        self.assert_alike(found[ours], found[theirs], tolerance)
                if found["names"]:
                    answered.add(expression)
        silent = [expression for expression in expressions() if expression not in answered]
        self.assertEqual([e for e in silent if not any(part in e for part in EMPTY)], [])

    def compare_rewritten(self, ways, at):
        pairs = rewritten()
        self.assertGreater(len(pairs), 10)
        for before, after in pairs:
            with self.subTest(after):
                theirs = without(ways["exporter of all nodes"].query(before, at), "job", "cluster")
                ours = without(ways["metrics"].query(after, at), "job", "cluster", "remote", "pool")
                self.assertTrue(theirs)
                # A name goes wherever something is reckoned.
                theirs, ours = without(theirs, "__name__"), without(ours, "__name__")
                self.assert_alike(ours, theirs, OF_TIME if "rate(" in before else 0)

    def assert_alike(self, ours, theirs, tolerance):
        self.assertEqual(ours.keys(), theirs.keys())
        for labels, value in theirs.items():
            self.assertTrue(
                math.isclose(ours[labels], value, rel_tol=tolerance)
                or math.isnan(ours[labels]) and math.isnan(value),
                f"{labels}: {ours[labels]} here, {value} there",
            )


class Configurations(unittest.TestCase):
    def test_what_the_document_says_to_paste_is_a_configuration(self):
        found = configurations()
        self.assertGreater(len(found), 5)
        for text in found:
            with self.subTest(text), tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
                file.write(text)
                file.flush()
                checked = subprocess.run(
                    ["promtool", "check", "config", file.name], capture_output=True, text=True
                )
                self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


if __name__ == "__main__":
    unittest.main()
