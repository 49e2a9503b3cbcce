//! Jobs of the block layer.

use serde_json::Value;

use super::{Done, commands, replies};

commands! {
    /// All jobs.
    QueryJobs = "query-jobs" {} -> Vec<Job>;
    /// All block jobs, with what only block jobs have.
    QueryBlockJobs = "query-block-jobs" {} -> Vec<Value>;
    /// Cancels a job, keeping nothing unless it is a mirror that is ready.
    JobCancel = "job-cancel" { id: String } -> Done;
    /// Completes a job that is ready.
    JobComplete = "job-complete" { id: String } -> Done;
    /// Makes a pending job's result last.
    JobFinalize = "job-finalize" { id: String } -> Done;
    /// Forgets a concluded job.
    JobDismiss = "job-dismiss" { id: String } -> Done;
    /// Saves the guest into its images, memory into `vmstate`. It must be paused.
    SnapshotSave = "snapshot-save" { job_id: String, tag: String, vmstate: String, devices: Vec<String> } -> Done;
    /// Has the guest go back to what was saved. It must be paused.
    SnapshotLoad = "snapshot-load" { job_id: String, tag: String, vmstate: String, devices: Vec<String> } -> Done;
    /// Removes what was saved.
    SnapshotDelete = "snapshot-delete" { job_id: String, tag: String, devices: Vec<String> } -> Done;
    /// Cancels a block job; `force` also a mirror that is ready.
    BlockJobCancel = "block-job-cancel" { device: String } optional { force: bool } -> Done;
    /// Limits a block job, in bytes per second; 0 for no limit.
    BlockJobSetSpeed = "block-job-set-speed" { device: String, speed: u64 } -> Done;
}

replies! {
    /// A job; `error` says why it failed once `status` is `concluded`.
    Job { id: String, r#type: String, status: String, current_progress: u64, total_progress: u64, error: Option<String> }
}
