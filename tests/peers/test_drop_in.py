"""/pve beside prometheus-pve-exporter: both scrape one simulated fleet that stands still."""

import contextlib
import json
import re
import tempfile
import unittest
import urllib.error
from pathlib import Path
from urllib.parse import urlencode

from prometheus_client.parser import text_string_to_metric_families

from programs import get, pve_exporter, serving, simulated, wait_for

# The collectors that either program can be told to leave out.
COLLECTORS = [
    "status", "version", "node", "cluster", "resources", "backup-info", "qdevice",
    "config", "replication", "subscription",
]
# The background asks about every guest once before an answer is whole, and of what changes soon again.
QUICK = """[defaults]
background_calls_per_second = 100
intervals = { replication = "2s" }
"""



def read(body):
    """An exposition as ({name and labels: value}, {name: type} of what has samples)."""
    samples, types = {}, {}
    declared = dict(re.findall(r"^# TYPE (\S+) (\S+)$", body, re.MULTILINE))
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            identity = (sample.name, tuple(sorted(sample.labels.items())))
            assert identity not in samples, f"twice: {identity}"
            samples[identity] = sample.value
            types[sample.name] = declared[sample.name]
    return samples, types


class Side:
    """One of the two programs."""

    def __init__(self, base, **always):
        self.base, self.always = base, always

    def body(self, target, **query):
        query = urlencode({**self.always, "target": target, **query})
        return get(f"{self.base}/pve?{query}")[0].decode()

    def scrape(self, target, **query):
        body = self.body(target, **query)
        partial = re.findall(r"^# partial: .*", body, re.MULTILINE)
        return *read(body), partial


def union(scrapes):
    samples, types = {}, {}
    for more_samples, more_types in scrapes:
        samples |= more_samples
        types |= more_types
    return samples, types


@contextlib.contextmanager
def modules(fleet, front=""):
    """proxfleet with a module of each remote's name and no remote; yields its base URL."""
    with tempfile.TemporaryDirectory() as folder:
        tables = [front]
        for name, remote in fleet.remotes.items():
            authority = Path(folder, f"{name}.pem")
            authority.write_text(remote["ca"])
            tables.append(
                f"[modules.{name}]\n"
                f"targets = {json.dumps(fleet.addresses(name))}\n"
                f'token_id = "{remote["token_id"]}"\n'
                f'token_secret = "{remote["token_secret"]}"\n'
                f'ca_file = "{authority}"\n'
            )
        with serving("\n".join(tables)) as base:
            yield base


def differences(ours, theirs):
    """Of names, label sets, values and types; and what is missing by its own word."""
    (our_samples, our_types, partial), (their_samples, their_types) = ours, theirs
    found = list(partial)
    for identity in sorted(our_samples.keys() | their_samples.keys()):
        mine, other = our_samples.get(identity), their_samples.get(identity)
        if mine != other:
            found.append(f"{identity}: {mine} here, {other} there")
    for name in our_types.keys() & their_types.keys():
        if our_types[name] != their_types[name]:
            found.append(f"{name}: a {our_types[name]} here, a {their_types[name]} there")
    return found


@contextlib.contextmanager
def two_remotes(*arguments):
    """A cluster with something of everything, and a node that stands alone."""
    with simulated("--clusters", "3,1", "--guests", 80, "--pbs", 0, "--oddities", "--qdevice",
                   "--subscriptions", *arguments) as fleet:
        fleet.freeze()
        yield fleet, "cluster-a", "cluster-b"


class SideBySide(unittest.TestCase):
    def assert_same(self, scrape, theirs, what):
        """The same, as soon as what was known before has become too old to be served."""
        found = ["nothing"]
        def same():
            nonlocal found
            try:
                found = differences(scrape(), theirs)
            except urllib.error.HTTPError as refused:
                found = [refused.read().decode()]
            return not found
        try:
            wait_for(same, what, seconds=30)
        except AssertionError:
            self.fail("\n".join([f"{what}: {len(found)} differ", *found[:20]]))

    def test_every_target_answers_alike(self):
        with (
            two_remotes() as (fleet, cluster, standalone),
            serving(QUICK + fleet.config) as base,
            modules(fleet) as modules_base,
            pve_exporter({"default": fleet.remotes[cluster], **fleet.remotes}) as theirs,
        ):
            ours, theirs = Side(base), Side(theirs)
            modular = Side(modules_base)

            def compare_all(name, alive):
                addresses = [fleet.addresses(name)[index] for index in alive]
                expect = lambda *target, **query: theirs.scrape(*target, module=name, **query)[:2]
                for switches in ({}, {"node": 0}, {"cluster": 0}, {"cluster": 0, "node": 0}):
                    for address in addresses:
                        expected = expect(address, **switches)
                        what = f"{name} at {address} with {switches}"
                        self.assert_same(lambda: ours.scrape(address, **switches), expected, what)
                        asked = lambda: modular.scrape(address, module=name, **switches)
                        self.assert_same(asked, expected, f"the module of {what}")
                of_cluster = expect(addresses[0], node=0)
                of_nodes = union(expect(address, cluster=0) for address in addresses)
                for switches, expected in (
                    ({}, union([of_cluster, of_nodes])),
                    ({"node": 0}, of_cluster),
                    ({"cluster": 0}, of_nodes),
                ):
                    scrape = lambda: ours.scrape(name, **switches)
                    self.assert_same(scrape, expected, f"{name} with {switches}")
                return of_cluster[0] | of_nodes[0]

            with self.subTest("a standalone node"):
                alone = compare_all(standalone, [0])
                self.assertIn(("pve_not_backed_up_total", (("id", "cluster/pve1"),)), alone)
                self.assertNotIn("pve_cluster_info", {name for name, _ in alone})
            with self.subTest("a healthy cluster"):
                self.assert_of_everything(compare_all(cluster, [0, 1, 2]))
            fleet.ask(f"/faults?remote={cluster}", fault="node_offline", node="pve3")
            with self.subTest("a node that has just died"):
                compare_all(cluster, [0, 1])
            fleet.advance(400)
            with self.subTest("a node that is forgotten"):
                compare_all(cluster, [0, 1])

    def assert_of_everything(self, samples):
        """The comparison is worth something only where there is something to compare."""
        def find(family, value=None, **labels):
            return [
                identity for identity, found in samples.items()
                if identity[0] == family and (value is None or value == found)
                and all(re.fullmatch(pattern, dict(identity[1]).get(label, "")) for label, pattern in labels.items())
            ]
        for found in (
            find("pve_ha_state", 1, id="(qemu|lxc)/.*", state="started"),
            find("pve_ha_state", 1, id="qemu/.*|lxc/.*", state="error"),
            find("pve_ha_state", 1, id="node/.*", state="online"),
            find("pve_lock_state", 1, state="backup"),
            find("pve_guest_info", template="1"),
            find("pve_guest_info", name='we"ird.*'),
            find("pve_memory_size_bytes", id="/pool/.*"),
            find("pve_up", 0, id="storage/.*"),
            find("pve_up", 0, id="qemu/.*"),
            find("pve_storage_shared", 1),
            find("pve_storage_shared", 0),
            find("pve_cluster_info"),
            find("pve_version_info"),
            find("pve_not_backed_up_info"),
            find("pve_qdevice_up", 1),
            find("pve_qdevice_info"),
            find("pve_onboot_status", 1),
            find("pve_replication_info"),
            find("pve_replication_failed_syncs", 0),
            find("pve_replication_duration_seconds"),
            find("pve_subscription_status", 1, status="active"),
            find("pve_subscription_status", 1, status="notfound"),
            find("pve_subscription_info", level="unknown"),
            find("pve_subscription_next_due_timestamp_seconds"),
        ):
            self.assertTrue(found)

    def test_each_collector_can_be_left_out(self):
        with two_remotes() as (fleet, cluster, _):
            address = fleet.addresses(cluster)[0]
            for collector in COLLECTORS:
                settings = f'{QUICK}[drop_in]\nwithout = ["{collector}"]\n'
                with (
                    self.subTest(collector),
                    serving(settings + fleet.config) as ours,
                    pve_exporter({"default": fleet.remotes[cluster]}, f"--no-collector.{collector}") as theirs,
                ):
                    expected = Side(theirs).scrape(address)[:2]
                    self.assert_same(lambda: Side(ours).scrape(address), expected, collector)


if __name__ == "__main__":
    unittest.main()
