//! The guests of a node, for the calls that are answered there.

use super::guest::{Guest, Kind, Moment};
use super::{Call, error, permissions};
use crate::http::Answer;

impl<'a> Call<'a> {
    /// The guests of one kind that the node has now and the token may see.
    pub(super) fn hosted(&self, kind: Kind) -> impl Iterator<Item = (&'a Guest, Moment)> {
        let all = self.holds("VM.Audit");
        self.cluster
            .guests
            .iter()
            .filter(move |guest| guest.kind == kind && (all || self.may_audit(guest)))
            .map(|guest| (guest, self.view.live(guest)))
            .filter(|(_, moment)| moment.node == self.node)
    }

    fn may_audit(&self, guest: &Guest) -> bool {
        let path = format!("/vms/{}", guest.vmid);
        permissions::allows(self.cluster, self.caller.rights, &path, "VM.Audit")
    }

    /// The guest of the path, or the error of a node that has no such guest.
    pub(super) fn guest(&self, kind: Kind) -> Result<(&'a Guest, Moment), Answer> {
        let vmid: i64 = self.capture("vmid").parse().unwrap_or_default();
        let found = self
            .cluster
            .guests
            .iter()
            .find(|guest| guest.kind == kind && guest.vmid == vmid)
            .map(|guest| (guest, self.view.live(guest)))
            .filter(|(_, moment)| moment.node == self.node);
        found.ok_or_else(|| {
            let folder = match kind {
                Kind::Qemu => "qemu-server",
                Kind::Lxc => "lxc",
            };
            let node = self.node_name();
            error(
                500,
                &format!("Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist"),
            )
        })
    }

    /// The name of the node that answers.
    pub(super) fn node_name(&self) -> &'a str {
        self.cluster
            .nodes
            .get(self.node)
            .map_or("", |node| node.name.as_str())
    }
}
