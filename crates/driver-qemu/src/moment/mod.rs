//! Snapshots and checkpoints of domains: trees of moments, kept in a file each.

pub(crate) mod store;

use std::sync::Arc;

use virtus_base::Result;
use virtus_state::lock;

use crate::domain::{Domain, Moments};
use crate::driver::Shared;

impl Shared {
    /// A domain's moments; read from the disk when they are first asked for.
    pub(crate) async fn moments(self: &Arc<Self>, domain: &Arc<Domain>) -> Result<Moments> {
        if let Some(moments) = lock(&domain.moments).clone() {
            return Ok(moments);
        }
        let (layout, name) = (self.setup.layout.clone(), Arc::clone(&domain.view().name));
        let read = self
            .blocking(move || {
                Ok(Moments {
                    snapshots: store::load(&layout.snapshots(&name)),
                    checkpoints: store::load(&layout.checkpoints(&name)),
                })
            })
            .await?;
        // who came first is right: there may have been changes since
        Ok(lock(&domain.moments).get_or_insert(read).clone())
    }

    /// Shows a domain's moments as they are now on the disk.
    pub(crate) fn set_moments(&self, domain: &Domain, moments: Moments) {
        *lock(&domain.moments) = Some(moments);
    }
}
