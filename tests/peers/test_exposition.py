"""The demo's exposition before the strictest readers there are."""

import subprocess
import unittest

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text

from programs import demo, get, series, wait_for

OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}

# Findings of promtool that stay, each for a name that dashboards rely on.
INHERITED = ["pve_not_backed_up_total"]


def complete(base):
    """The exposition once every remote is up and every collector has been answered all that it asks,
    or lacks the rights."""
    def ready():
        body = get(f"{base}/metrics")[0].decode()
        samples = series(body)
        named = lambda name: {key: value for key, value in samples.items() if key.startswith(name)}
        forbidden = {
            key.replace("outcome{", "success{").replace('outcome="forbidden",', "")
            for key in named("proxfleet_collector_outcome")
            if 'outcome="forbidden"' in key
        }
        forbidden |= {key.replace("success{", "coverage_ratio{") for key in forbidden}
        wanted = ["proxfleet_remote_up", "proxfleet_collector_success", "proxfleet_collector_coverage_ratio"]
        settled = [
            value == 1 or key in forbidden for name in wanted for key, value in named(name).items()
        ]
        return settled and all(settled) and body
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
