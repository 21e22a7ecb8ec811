//! The families of prometheus-pve-exporter 3.10, in its order.

families! {
    UP = gauge("pve_up", "Node is online, guest is running, storage is available, or cluster is quorate", &["id"]);
    DISK_SIZE = gauge("pve_disk_size_bytes", "Size of a storage, of a node's or container's root file system, or of a virtual machine's boot disk", &["id"]);
    DISK_USAGE = gauge("pve_disk_usage_bytes", "Used space of a storage, of a node's or container's root file system; always 0 for virtual machines", &["id"]);
    MEMORY_SIZE = gauge("pve_memory_size_bytes", "Memory of a node or guest", &["id"]);
    MEMORY_USAGE = gauge("pve_memory_usage_bytes", "Used memory of a node or guest", &["id"]);
    NETWORK_TRANSMIT_GAUGE = gauge("pve_network_transmit_bytes", "Bytes that the guest has sent since it was started. DEPRECATED: Use pve_network_transmit_bytes_total instead", &["id"]);
    NETWORK_RECEIVE_GAUGE = gauge("pve_network_receive_bytes", "Bytes that were sent to the guest since it was started. DEPRECATED: Use pve_network_receive_bytes_total instead", &["id"]);
    DISK_WRITE_GAUGE = gauge("pve_disk_write_bytes", "Bytes that the guest has written since it was started. DEPRECATED: Use pve_disk_written_bytes_total instead", &["id"]);
    DISK_READ_GAUGE = gauge("pve_disk_read_bytes", "Bytes that the guest has read since it was started. DEPRECATED: Use pve_disk_read_bytes_total instead", &["id"]);
    CPU_USAGE = gauge("pve_cpu_usage_ratio", "CPU usage of a node or guest, as a fraction of its CPUs", &["id"]);
    CPU_LIMIT = gauge("pve_cpu_usage_limit", "Number of CPUs of a node or guest", &["id"]);
    UPTIME = gauge("pve_uptime_seconds", "Time since the start of a node or guest", &["id"]);
    STORAGE_SHARED = gauge("pve_storage_shared", "Whether the nodes of the cluster share the storage", &["id"]);
    NETWORK_TRANSMIT = counter("pve_network_transmit_bytes_total", "Bytes that the guest has sent since it was started", &["id"]);
    NETWORK_RECEIVE = counter("pve_network_receive_bytes_total", "Bytes that were sent to the guest since it was started", &["id"]);
    DISK_WRITTEN = counter("pve_disk_written_bytes_total", "Bytes that the guest has written to its block devices since it was started", &["id"]);
    DISK_READ = counter("pve_disk_read_bytes_total", "Bytes that the guest has read from its block devices since it was started", &["id"]);
    HA_STATE = gauge("pve_ha_state", "State in high availability, 1 for the current one", &["id", "state"]);
    LOCK_STATE = gauge("pve_lock_state", "Lock of the guest's configuration, 1 for the current one", &["id", "state"]);
    GUEST_INFO = gauge("pve_guest_info", "Name, node, tags and type of a guest", &["id", "name", "node", "tags", "template", "type"]);
    STORAGE_INFO = gauge("pve_storage_info", "Name, node, plugin and contents of a storage", &["content", "id", "node", "plugintype", "storage"]);
    NODE_INFO = gauge("pve_node_info", "Name, number and subscription level of a node", &["id", "level", "name", "nodeid"]);
    CLUSTER_INFO = gauge("pve_cluster_info", "Nodes, quorum and configuration version of a cluster", &["id", "nodes", "quorate", "version"]);
    VERSION_INFO = gauge("pve_version_info", "Version of Proxmox VE on the node that answered", &["release", "repoid", "version"]);
    NOT_BACKED_UP_TOTAL = gauge("pve_not_backed_up_total", "Number of guests that no backup job covers", &["id"]);
    NOT_BACKED_UP_INFO = gauge("pve_not_backed_up_info", "Present for a guest that no backup job covers", &["id"]);
    QDEVICE_UP = gauge("pve_qdevice_up", "Whether the QDevice is connected", &["id"]);
    QDEVICE_INFO = gauge("pve_qdevice_info", "Kind and state of the QDevice", &["algorithm", "id", "model", "qnetd_host", "state", "tie_breaker"]);
    SUBSCRIPTION_INFO = gauge("pve_subscription_info", "Level of a node's subscription", &["id", "level"]);
    SUBSCRIPTION_STATUS = gauge("pve_subscription_status", "State of a node's subscription, 1 for the current one", &["id", "status"]);
    SUBSCRIPTION_NEXT_DUE = gauge("pve_subscription_next_due_timestamp_seconds", "When a node's subscription is due next", &["id"]);
    ONBOOT_STATUS = gauge("pve_onboot_status", "Whether the guest is started with its node, where that is set", &["id", "node", "type"]);
    REPLICATION_INFO = gauge("pve_replication_info", "Guest, source and target of a replication job", &["guest", "id", "source", "target", "type"]);
    REPLICATION_DURATION = gauge("pve_replication_duration_seconds", "Time that the last replication took", &["id"]);
    REPLICATION_LAST_SYNC = gauge("pve_replication_last_sync_timestamp_seconds", "Time of the last successful replication", &["id"]);
    REPLICATION_LAST_TRY = gauge("pve_replication_last_try_timestamp_seconds", "Time of the last replication", &["id"]);
    REPLICATION_NEXT_SYNC = gauge("pve_replication_next_sync_timestamp_seconds", "Time of the next replication", &["id"]);
    REPLICATION_FAILED = gauge("pve_replication_failed_syncs", "Replications that failed since the last success", &["id"]);
}
