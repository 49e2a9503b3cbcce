//! Migration, which is also how a guest is saved.

use serde_json::Value;

use super::{Done, commands};

commands! {
    /// Sends the guest to `uri`, or over `channels`.
    Migrate = "migrate" {} optional { uri: String, channels: Vec<Value>, detach: bool, resume: bool } -> Done;
    /// Receives a guest started with `-incoming defer`.
    MigrateIncoming = "migrate-incoming" {} optional { uri: String, channels: Vec<Value>,
        #[serde(rename = "exit-on-error")] exit_on_error: bool } -> Done;
    /// Lets a migration that paused before switchover go on.
    MigrateContinue = "migrate-continue" { state: String } -> Done;
    /// Stops a migration.
    MigrateCancel = "migrate_cancel" {} -> Done;
    /// Switches to postcopy.
    MigrateStartPostcopy = "migrate-start-postcopy" {} -> Done;
    /// Pauses a postcopy migration.
    MigratePause = "migrate-pause" {} -> Done;
    /// How migration goes.
    QueryMigrate = "query-migrate" {} -> Value;
    /// Which migration capabilities are on.
    QueryMigrateCapabilities = "query-migrate-capabilities" {} -> Vec<MigrationCapability>;
    /// Turns migration capabilities on and off.
    MigrateSetCapabilities = "migrate-set-capabilities" { capabilities: Vec<MigrationCapability> } -> Done;
    /// Migration parameters.
    QueryMigrateParameters = "query-migrate-parameters" {} -> serde_json::Map<String, Value>;
    /// Sets migration parameters.
    MigrateSetParameters = "migrate-set-parameters" (Value) -> Done;
}

/// A migration capability and whether it is on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub struct MigrationCapability {
    pub capability: String,
    pub state: bool,
}
