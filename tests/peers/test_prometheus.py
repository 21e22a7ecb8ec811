"""A real Prometheus scrapes the demo."""

import json
import unittest

from programs import demo, get, prometheus, text_only, wait_for
from test_exposition import complete

CONFIG = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: proxfleet
    honor_labels: false
    static_configs:
      - targets: ["{target}"]
"""


def query(base, expression):
    body, _ = get(f"{base}/api/v1/query?query={expression}")
    return json.loads(body)["data"]["result"]


class Prometheus(unittest.TestCase):
    def scrape(self, base, target):
        with prometheus(CONFIG.format(target=target.removeprefix("http://"))) as (prom, log):
            wait_for(lambda: any(r["value"][1] == "1" for r in query(prom, "up")), "the target up")
            wait_for(lambda: query(prom, "pve_guest_info"), "samples")
            scraped = int(query(prom, "scrape_samples_scraped")[0]["value"][1])
            added = int(query(prom, "scrape_samples_post_metric_relabeling")[0]["value"][1])
            guests = len(query(prom, "pve_guest_info"))
            # A value and its info divide: they share identity and nothing else.
            joined = query(
                prom, "pve_memory_usage_bytes*on(id,remote)group_left(name)pve_guest_info"
            )
            text = log.read_text()
        self.assertGreater(scraped, 2000)
        self.assertEqual(scraped, added)
        self.assertGreaterEqual(guests, 200)
        self.assertGreater(len(joined), 50)
        complaints = [
            line
            for line in text.splitlines()
            if "duplicate" in line.lower()
            or "out-of-order" in line
            or "Append failed" in line
            or "level=error" in line
            or ("level=warn" in line and "scrape" in line)
        ]
        self.assertEqual(complaints, [])
        return guests

    def test_it_is_scraped_without_a_warning_in_both_formats(self):
        with demo() as base:
            complete(base)
            open_metrics = self.scrape(base, base)
            with text_only(base) as way:
                self.assertEqual(self.scrape(base, way), open_metrics)


if __name__ == "__main__":
    unittest.main()
