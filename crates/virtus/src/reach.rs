//! What it takes to be connected, the first time and again.

use std::sync::Arc;

use virtus_api::calls::Remote;
use virtus_base::Result;

use crate::auth::{self, Ask};
use crate::link::Link;
use crate::peer::Peer;
use crate::uri::Uri;
use crate::way::Way;

/// The way to a daemon, and what it is told on arrival.
pub(crate) struct Reach {
    pub(crate) way: Way,
    pub(crate) uri: Option<Uri>,
    /// What the daemon is asked to open.
    pub(crate) name: String,
    pub(crate) read_only: bool,
    pub(crate) ask: Option<Ask>,
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reach").field("way", &self.way).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Reach {
    /// Goes there, says who we are, and has the daemon open what is wanted.
    ///
    /// # Errors
    /// Why the daemon cannot be reached, why it does not let us in, or what it says to the URI.
    pub(crate) fn connect(&self) -> Result<Arc<dyn Peer>> {
        let peer: Arc<dyn Peer> = Arc::new(Link::new(self.way.connect()?)?);
        auth::authenticate(&*peer, self.uri.as_ref(), self.ask.as_ref())?;
        peer.ask(Remote::connect_open(Some(self.name.clone()), u32::from(self.read_only)))?;
        Ok(peer)
    }
}
