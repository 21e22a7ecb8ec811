//! The families of pbs-exporter 0.9.3.

const DATASTORE: &[&str] = &["datastore"];
const VM: &[&str] = &["datastore", "namespace", "vm_id", "vm_name"];

families! {
    UP = gauge("pbs_up", "Whether the backup server answers", &[]);
    VERSION = gauge("pbs_version", "Version of the backup server", &["release", "repoid", "version"]);
    AVAILABLE = gauge("pbs_available", "Bytes that can still be written to the datastore", DATASTORE);
    SIZE = gauge("pbs_size", "Bytes of the file system of the datastore", DATASTORE);
    USED = gauge("pbs_used", "Used bytes of the file system of the datastore", DATASTORE);
    SNAPSHOT_COUNT = gauge("pbs_snapshot_count", "Number of finished snapshots in the namespace", &["datastore", "namespace"]);
    SNAPSHOT_VM_COUNT = gauge("pbs_snapshot_vm_count", "Number of finished snapshots of the guest or host", VM);
    SNAPSHOT_VM_LAST_TIMESTAMP = gauge("pbs_snapshot_vm_last_timestamp", "When the last finished snapshot of the guest or host was begun, in Unix seconds", VM);
    SNAPSHOT_VM_LAST_VERIFY = gauge("pbs_snapshot_vm_last_verify", "Whether the last finished snapshot of the guest or host was verified and found whole; 0 also before it is verified", VM);
    SUBSCRIPTION_INFO = gauge("pbs_host_subscription_info", "Product and status of the subscription", &["productname", "status"]);
    SUBSCRIPTION_STATUS = gauge("pbs_host_subscription_status", "Status of the subscription, 1 for the current one", &["status"]);
    SUBSCRIPTION_DUE = gauge("pbs_host_subscription_due_timestamp_seconds", "When the subscription is due next, 0 without one", &["productname"]);
    HOST_CPU = gauge("pbs_host_cpu_usage", "CPU usage of the host, 0 to 1", &[]);
    HOST_MEMORY_FREE = gauge("pbs_host_memory_free", "Bytes of memory that nothing is in, not even a cache", &[]);
    HOST_MEMORY_TOTAL = gauge("pbs_host_memory_total", "Bytes of memory of the host", &[]);
    HOST_MEMORY_USED = gauge("pbs_host_memory_used", "Used bytes of memory of the host", &[]);
    HOST_SWAP_FREE = gauge("pbs_host_swap_free", "Free bytes of swap space of the host", &[]);
    HOST_SWAP_TOTAL = gauge("pbs_host_swap_total", "Bytes of swap space of the host", &[]);
    HOST_SWAP_USED = gauge("pbs_host_swap_used", "Used bytes of swap space of the host", &[]);
    HOST_DISK_AVAILABLE = gauge("pbs_host_disk_available", "Bytes that can still be written to the root file system", &[]);
    HOST_DISK_TOTAL = gauge("pbs_host_disk_total", "Bytes of the root file system", &[]);
    HOST_DISK_USED = gauge("pbs_host_disk_used", "Used bytes of the root file system", &[]);
    HOST_UPTIME = gauge("pbs_host_uptime", "Seconds since the host was started", &[]);
    HOST_IO_WAIT = gauge("pbs_host_io_wait", "Share of time that the host waited for I/O, 0 to 1", &[]);
    HOST_LOAD1 = gauge("pbs_host_load1", "Load average of the host over one minute", &[]);
    HOST_LOAD5 = gauge("pbs_host_load5", "Load average of the host over five minutes", &[]);
    HOST_LOAD15 = gauge("pbs_host_load15", "Load average of the host over fifteen minutes", &[]);
}
