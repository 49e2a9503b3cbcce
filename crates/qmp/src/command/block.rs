//! Disks. Sizes and offsets in bytes.

use serde_json::Value;

use super::{Done, commands, replies};

commands! {
    /// All drives with their media.
    QueryBlock = "query-block" {} -> Vec<BlockInfo>;
    /// Statistics of all drives, or of all nodes.
    QueryBlockstats = "query-blockstats" {} optional { query_nodes: bool } -> Vec<BlockStats>;
    /// All named nodes; `flat` leaves out backing images.
    QueryNamedBlockNodes = "query-named-block-nodes" {} optional { flat: bool } -> Vec<Value>;
    /// Opens a node.
    BlockdevAdd = "blockdev-add" (Value) -> Done;
    /// Closes a node.
    BlockdevDel = "blockdev-del" { node_name: String } -> Done;
    /// Opens nodes again with other options.
    BlockdevReopen = "blockdev-reopen" { options: Vec<Value> } -> Done;
    /// Opens a tray.
    BlockdevOpenTray = "blockdev-open-tray" { id: String } optional { force: bool } -> Done;
    /// Closes a tray.
    BlockdevCloseTray = "blockdev-close-tray" { id: String } -> Done;
    /// Takes the medium out of an open tray.
    BlockdevRemoveMedium = "blockdev-remove-medium" { id: String } -> Done;
    /// Puts a node into an open tray.
    BlockdevInsertMedium = "blockdev-insert-medium" { id: String, node_name: String } -> Done;
    /// Opens a tray and empties it.
    Eject = "eject" { id: String } optional { force: bool } -> Done;
    /// Resizes an image.
    BlockResize = "block_resize" { size: u64 } optional { device: String, #[serde(rename = "node-name")] node_name: String } -> Done;
    /// Sets a drive's limits.
    BlockSetIoThrottle = "block_set_io_throttle" (Value) -> Done;
    /// Sets latency histogram boundaries, in ns.
    BlockLatencyHistogramSet = "block-latency-histogram-set" (Value) -> Done;
    /// Has QEMU tell when a node grows past an offset.
    BlockSetWriteThreshold = "block-set-write-threshold" { node_name: String, write_threshold: u64 } -> Done;
    /// Puts an overlay on a node.
    BlockdevSnapshot = "blockdev-snapshot" { node: String, overlay: String } -> Done;
    /// Makes an image.
    BlockdevCreate = "blockdev-create" { job_id: String, options: Value } -> Done;
    /// Copies an image while it is used.
    BlockdevMirror = "blockdev-mirror" (Value) -> Done;
    /// Copies an image as it was.
    BlockdevBackup = "blockdev-backup" (Value) -> Done;
    /// Pulls data up from backing images.
    BlockStream = "block-stream" (Value) -> Done;
    /// Pushes data down into backing images.
    BlockCommit = "block-commit" (Value) -> Done;
    /// Several actions as one.
    Transaction = "transaction" { actions: Vec<Value> } -> Done;
    /// Adds a dirty bitmap.
    BlockDirtyBitmapAdd = "block-dirty-bitmap-add" { node: String, name: String }
        optional { persistent: bool, disabled: bool, granularity: u32 } -> Done;
    /// Removes a dirty bitmap.
    BlockDirtyBitmapRemove = "block-dirty-bitmap-remove" { node: String, name: String } -> Done;
    /// Starts the NBD server.
    NbdServerStart = "nbd-server-start" { addr: Value } optional { #[serde(rename = "tls-creds")] tls_creds: String,
        #[serde(rename = "max-connections")] max_connections: u32 } -> Done;
    /// Serves a node over the network.
    BlockExportAdd = "block-export-add" (Value) -> Done;
    /// Stops the NBD server.
    NbdServerStop = "nbd-server-stop" {} -> Done;
}

replies! {
    /// A drive. `qdev` is the device's id or path.
    BlockInfo {
        device: String, qdev: Option<String>, removable: bool, locked: bool,
        #[serde(rename = "tray_open")] tray_open: Option<bool>,
        #[serde(rename = "io-status")] io_status: Option<String>, inserted: Option<Inserted>,
    }
    /// A drive's medium.
    Inserted {
        file: String, node_name: Option<String>, ro: bool, drv: String, encrypted: bool, image: Value,
        #[serde(rename = "backing_file")] backing_file: Option<String>,
        #[serde(flatten)] limits: serde_json::Map<String, Value>,
    }
    /// Statistics of a drive or node, with those of what it sits on.
    BlockStats {
        device: Option<String>, qdev: Option<String>, node_name: Option<String>, stats: BlockDeviceStats,
        parent: Option<Box<BlockStats>>, backing: Option<Box<BlockStats>>,
    }
    /// Counters since start; times in ns.
    BlockDeviceStats {
        #[serde(rename = "rd_bytes")] rd_bytes: u64, #[serde(rename = "wr_bytes")] wr_bytes: u64,
        #[serde(rename = "rd_operations")] rd_operations: u64, #[serde(rename = "wr_operations")] wr_operations: u64,
        #[serde(rename = "flush_operations")] flush_operations: u64,
        #[serde(rename = "rd_total_time_ns")] rd_total_time_ns: u64,
        #[serde(rename = "wr_total_time_ns")] wr_total_time_ns: u64,
        #[serde(rename = "flush_total_time_ns")] flush_total_time_ns: u64,
        #[serde(rename = "wr_highest_offset")] wr_highest_offset: u64,
        #[serde(rename = "failed_rd_operations")] failed_rd_operations: Option<u64>,
        #[serde(rename = "failed_wr_operations")] failed_wr_operations: Option<u64>,
        #[serde(rename = "failed_flush_operations")] failed_flush_operations: Option<u64>,
    }
}
