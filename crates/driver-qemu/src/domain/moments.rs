//! What a domain has of moments of its life.

use virtus_conf::checkpoint::Checkpoint;
use virtus_conf::moment::Tree;
use virtus_conf::snapshot::Snapshot;

/// A domain's moments.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moments {
    /// Snapshots.
    pub(crate) snapshots: Tree<Snapshot>,
    /// Checkpoints.
    pub(crate) checkpoints: Tree<Checkpoint>,
}
