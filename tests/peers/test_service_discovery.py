"""A real Prometheus finds the remotes of the demo by itself."""

import json
import unittest

from programs import demo, get, prometheus, wait_for
from test_exposition import complete

CONFIG = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: fleet
    http_sd_configs:
      - url: {base}/sd?{query}
        refresh_interval: 1s
"""


def answer(base, path):
    body, _ = get(f"{base}/api/v1/{path}")
    return json.loads(body)["data"]


class ServiceDiscovery(unittest.TestCase):
    def discover(self, base, query, names):
        """The active targets, once there is a healthy one for each of these names."""

        def all_up():
            targets = answer(prom, "targets")["activeTargets"]
            up = sorted(
                target["labels"]["instance"] for target in targets if target["health"] == "up"
            )
            return targets if up == sorted(names) else None

        with prometheus(CONFIG.format(base=base, query=query)) as (prom, log):
            targets = wait_for(all_up, f"{names} by {query!r}")
            up = answer(prom, "query?query=up")["result"]
            text = log.read_text()
        self.assertEqual(sorted(sample["metric"]["instance"] for sample in up), sorted(names))
        self.assertEqual({sample["value"][1] for sample in up}, {"1"})
        complaints = [
            line
            for line in text.splitlines()
            if "level=error" in line or "duplicate" in line.lower() or "Append failed" in line
        ]
        self.assertEqual(complaints, [])
        return targets

    def remotes(self, base, product):
        groups = json.loads(get(f"{base}/sd")[0])
        return [
            group["labels"]["instance"]
            for group in groups
            if product in (None, group["labels"]["__meta_proxfleet_product"])
        ]

    def test_every_remote_is_found_in_each_format(self):
        with demo() as base:
            complete(base)
            for query, product in [
                ("format=native", None),
                ("format=pve-exporter", "pve"),
                ("format=pbs-exporter", "pbs"),
            ]:
                names = self.remotes(base, product)
                self.assertGreater(len(names), 0)
                with self.subTest(query):
                    self.discover(base, query, names)

    def test_live_and_background_are_targets_of_their_own(self):
        with demo() as base:
            complete(base)
            names = self.remotes(base, None)
            targets = self.discover(base, "classes=split", names + names)
            classes = {target["labels"]["collector_class"] for target in targets}
            self.assertEqual(classes, {"live", "background"})


if __name__ == "__main__":
    unittest.main()
