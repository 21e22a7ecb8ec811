//! `/cluster/backup-info/not-backed-up`: guests in no backup job.

use super::Pve;
use crate::answer::{self, Answer, Object};
use crate::route::{Asked, Route};

pub(super) const NOT_BACKED_UP: Route<Pve> = Route {
    path: "/cluster/backup-info/not-backed-up",
    parameters: &[],
    needs: Some(("Sys.Audit", "/")),
    by_daemon: true,
    answer: not_backed_up,
};

fn not_backed_up(pve: &Pve, asked: &Asked<'_>) -> Answer {
    let rows = pve
        .world
        .guests
        .iter()
        .filter(|guest| guest.vmid % 10 == 3 && !guest.template)
        .map(|guest| {
            Object::new()
                .with("vmid", guest.vmid)
                .with("name", guest.name.as_str())
                .with("type", if guest.is_vm { "qemu" } else { "lxc" })
        })
        .collect();
    Answer::Good(answer::list(rows, &mut pve.order("backup", asked.now as u64)))
}
