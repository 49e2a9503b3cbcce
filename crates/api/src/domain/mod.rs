//! Domains: what can be done with them, one file a subject.

pub mod agent;
pub mod block;
pub mod checkpoint;
pub mod console;
pub mod device;
pub mod info;
pub mod job;
pub mod lifecycle;
pub mod migration;
pub mod save;
pub mod snapshot;
pub mod stats;
pub mod tuning;

pub use agent::DomainAgent;
pub use block::DomainBlock;
pub use checkpoint::DomainCheckpoints;
pub use console::DomainConsole;
pub use device::DomainDevices;
pub use info::DomainInfo;
pub use job::DomainJobs;
pub use lifecycle::DomainLifecycle;
pub use migration::DomainMigration;
pub use save::DomainSave;
pub use snapshot::DomainSnapshots;
pub use stats::DomainStats;
pub use tuning::DomainTuning;
