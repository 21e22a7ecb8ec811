"""The demo's exposition before the strictest readers there are."""

import subprocess
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text

from programs import demo, get, wait_for

OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}

# Findings of promtool that stay, each for a name that dashboards rely on.
INHERITED = []


def complete(base):
    """The exposition once every remote is up and every collector has been answered."""
    def ready():
        body = get(f"{base}/metrics")[0].decode()
        lines = [line for line in body.splitlines() if not line.startswith("#")]
        up = [line for line in lines if line.startswith("proxfleet_remote_up")]
        success = [line for line in lines if line.startswith("proxfleet_collector_success")]
        done = up and all(line.endswith(" 1") for line in up + success)
        return done and body
    return wait_for(ready, "a complete exposition")


class Exposition(unittest.TestCase):
    def test_promtool_finds_nothing(self):
        with demo() as base:
            body = complete(base)
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=body, capture_output=True, text=True
        )
        findings = [line for line in (checked.stdout + checked.stderr).splitlines() if line.strip()]
        findings = [line for line in findings if not line.startswith(tuple(INHERITED or ("\0",)))]
        self.assertEqual(findings, [])

    def test_the_strict_parser_reads_both_formats_alike(self):
        with demo() as base:
            complete(base)
            as_text = get(f"{base}/metrics")[0].decode()
            as_open_metrics, headers = get(f"{base}/metrics", OPEN_METRICS)
        self.assertTrue(headers["Content-Type"].startswith("application/openmetrics-text"))

        def identities(families):
            return {
                (sample.name, tuple(sorted(sample.labels.items())))
                for family in families
                for sample in family.samples
            }

        strict = identities(open_metrics(as_open_metrics.decode()))
        self.assertGreater(len(strict), 2000)
        # The formats differ in headers only; a scrape in between may have added own counters.
        difference = strict ^ identities(text(as_text))
        self.assertEqual([name for name, _ in difference if not name.startswith("proxfleet_api")], [])


if __name__ == "__main__":
    unittest.main()
