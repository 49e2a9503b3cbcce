//! Memory: balloon and memory devices. Sizes in bytes.

use serde_json::Value;

use super::{Done, commands, replies};

commands! {
    /// How much memory the balloon leaves the guest.
    QueryBalloon = "query-balloon" {} -> Balloon;
    /// Asks the balloon to leave the guest this much.
    SetBalloon = "balloon" { value: u64 } -> Done;
    /// The machine's memory as started and as plugged.
    QueryMemorySizeSummary = "query-memory-size-summary" {} -> MemorySizeSummary;
    /// Plugged memory devices.
    QueryMemoryDevices = "query-memory-devices" {} -> Vec<MemoryDevice>;
    /// Memory backends.
    QueryMemdev = "query-memdev" {} -> Vec<Value>;
    /// Begins measuring how fast the guest dirties memory; `calc_time` in seconds.
    CalcDirtyRate = "calc-dirty-rate" { calc_time: i64 } optional { mode: String, sample_pages: i64 } -> Done;
    /// The measurement's result.
    QueryDirtyRate = "query-dirty-rate" {} -> Value;
}

replies! {
    /// Reply of [`QueryBalloon`].
    Balloon { actual: u64 }
    /// Reply of [`QueryMemorySizeSummary`].
    MemorySizeSummary { base_memory: u64, plugged_memory: Option<u64> }
    /// A memory device; `data` by `type` (`dimm`, `nvdimm`, `virtio-pmem`, `virtio-mem`, …).
    MemoryDevice { r#type: String, data: Value }
}
