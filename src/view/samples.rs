//! How many samples an object has with the collectors that run by default, for whoever plans the size
//! of a Prometheus. A whole-program test holds each number against a simulated fleet.

/// The most samples that one object of a kind has.
pub struct Samples {
    pub object: &'static str,
    pub most: usize,
    /// What the number counts on, and when it comes on top of another.
    pub about: &'static str,
}

pub static VIRTUAL_MACHINE: Samples = Samples {
    object: "running virtual machine",
    most: 60,
    about: "with one disk and one network interface, restore points on two storages, backup tasks and snapshots",
};
pub static DISK: Samples = Samples {
    object: "its further disk",
    most: 9,
    about: "of a virtual machine; as many again for each disk with `block_detail = true`",
};
pub static INTERFACE: Samples = Samples {
    object: "its further network interface",
    most: 2,
    about: "of a virtual machine or a container",
};
pub static CONTAINER: Samples = Samples {
    object: "running container",
    most: 49,
    about: "with its root file system and one network interface, and the same backups",
};
pub static MOUNT_POINT: Samples = Samples {
    object: "its further mount point",
    most: 2,
    about: "of a container",
};
pub static STORAGE_OF_GUEST: Samples = Samples {
    object: "further storage with its restore points",
    most: 2,
    about: "more with `backup_detail = true`",
};
pub static HIGH_AVAILABILITY: Samples = Samples {
    object: "high availability of a guest",
    most: 17,
    about: "that is kept available: the 14 states of `pve_ha_state`, which is as prometheus-pve-exporter has it so that its dashboards and alerts go on, and one each of `pve_ha_service_info`, `pve_ha_service_state` and `pve_ha_service_failed_nodes`",
};
pub static LOCK: Samples = Samples {
    object: "lock of a guest",
    most: 9,
    about: "while it is locked: the states of `pve_lock_state`, which is as prometheus-pve-exporter has it, too",
};
pub static PAUSE: Samples = Samples {
    object: "pause of a virtual machine",
    most: 7,
    about: "while it is paused: the states of `pve_guest_qmp_state`",
};
pub static REPLICATION: Samples = Samples {
    object: "replication job",
    most: 9,
    about: "",
};
pub static NODE: Samples = Samples {
    object: "node",
    most: 71,
    about: "of a cluster with high availability, without what follows",
};
pub static SERVICE: Samples = Samples {
    object: "its service",
    most: 2,
    about: "sixteen of a usual node",
};
pub static TASK_TYPE: Samples = Samples {
    object: "its type of tasks",
    most: 8,
    about: "that was seen on the node",
};
pub static PHYSICAL_DISK: Samples = Samples {
    object: "its physical disk",
    most: 10,
    about: "with SMART",
};
pub static ZFS_POOL: Samples = Samples {
    object: "its ZFS pool",
    most: 15,
    about: "without its devices",
};
pub static ZFS_DEVICE: Samples = Samples {
    object: "device of a ZFS pool",
    most: 4,
    about: "disks and the groups that they are in",
};
pub static NODE_INTERFACE: Samples = Samples {
    object: "its network interface",
    most: 3,
    about: "",
};
pub static CERTIFICATE: Samples = Samples {
    object: "its certificate",
    most: 2,
    about: "",
};
pub static STORAGE: Samples = Samples {
    object: "storage",
    most: 7,
    about: "for each node that has it",
};
pub static STORAGE_SPACE: Samples = Samples {
    object: "space of a storage",
    most: 3,
    about: "of a shared one once",
};
pub static DATASTORE: Samples = Samples {
    object: "datastore",
    most: 22,
    about: "without its jobs",
};
pub static JOB: Samples = Samples {
    object: "its job",
    most: 9,
    about: "verification, pruning, sync, tape",
};
pub static BACKUP_GROUP: Samples = Samples {
    object: "backup group",
    most: 14,
    about: "",
};

pub static ALL: &[&Samples] = &[
    &VIRTUAL_MACHINE,
    &DISK,
    &INTERFACE,
    &CONTAINER,
    &MOUNT_POINT,
    &STORAGE_OF_GUEST,
    &HIGH_AVAILABILITY,
    &LOCK,
    &PAUSE,
    &REPLICATION,
    &NODE,
    &SERVICE,
    &TASK_TYPE,
    &PHYSICAL_DISK,
    &ZFS_POOL,
    &ZFS_DEVICE,
    &NODE_INTERFACE,
    &CERTIFICATE,
    &STORAGE,
    &STORAGE_SPACE,
    &DATASTORE,
    &JOB,
    &BACKUP_GROUP,
];

/// The section of `docs/metrics.md`.
pub fn section() -> String {
    let mut text = "\n## Samples per object\n\n\
        At most, with the collectors that run by default. `block_detail`, `balloon_detail`, `backup_detail`, `guest_hardware`, \
        `guest_agent` and `tape` are off, and tell more.\n\n\
        | object | samples | counted on, or on top |\n|---|---|---|\n"
        .to_owned();
    for samples in ALL {
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            samples.object, samples.most, samples.about
        ));
    }
    text
}
