//! Connections and the host: `libvirt-host.h`.

mod auth;
pub(crate) mod files;
mod host;
mod open;

use std::ffi::{CStr, CString};
use std::sync::{Arc, OnceLock};

use virtus::constants::VIR_TYPED_PARAM_STRING_OKAY;
use virtus::{ErrorCode, ErrorDomain, Result};

use crate::declare::{Export, TypeDef};
use crate::error::Errors;
use crate::handle::{Held, Object, Of};
use crate::memory;
use crate::notice::Notices;
use crate::object::{Kind, virConnect};

pub use auth::{virConnectAuth, virConnectAuthCallbackPtr, virConnectCredential};
pub use host::*;
pub(crate) use host::{borrowed, texts};
pub use open::*;

pub(crate) const EXPORTS: &[&[Export]] = &[auth::EXPORTS, host::EXPORTS, open::EXPORTS];
pub(crate) const STRUCTS: &[&[TypeDef]] = &[auth::STRUCTS, host::STRUCTS];
pub(crate) const CALLBACKS: &[&[TypeDef]] = &[auth::CALLBACKS];

/// The daemon knows parameters that are texts (`VIR_DRV_FEATURE_TYPED_PARAM_STRING`).
const FEATURE_TEXTS: i32 = 9;

/// A connection that C has.
#[derive(Debug)]
pub(crate) struct Connect {
    client: virtus::Connection,
    errors: Errors,
    notices: Arc<Notices>,
    kind: OnceLock<CString>,
    takes_texts: OnceLock<bool>,
}

impl Object for Connect {
    type C = virConnect;
}

impl Kind for Connect {
    const INVALID: ErrorCode = ErrorCode::INVALID_CONN;
    const ERRORS: Option<ErrorDomain> = None;

    fn connection(this: &Of<Self>) -> Option<Of<Connect>> {
        Some(this.clone())
    }
}

impl std::ops::Deref for Connect {
    type Target = virtus::Connection;

    fn deref(&self) -> &virtus::Connection {
        &self.client
    }
}

impl Drop for Connect {
    fn drop(&mut self) {
        self.notices.stop();
    }
}

impl Connect {
    /// One that C does not have yet.
    ///
    /// # Errors
    /// None yet.
    fn open(client: virtus::Connection) -> Result<Held<Self>> {
        let notices = Notices::new(client.clone());
        Ok(Held::new(Connect {
            client,
            notices,
            errors: Errors::default(),
            kind: OnceLock::new(),
            takes_texts: OnceLock::new(),
        }))
    }

    /// Who is told of its events.
    pub(crate) fn notices(&self) -> &Arc<Notices> {
        &self.notices
    }

    /// Its last error and who is told.
    pub(crate) fn errors(&self) -> &Errors {
        &self.errors
    }

    /// The hypervisor's name, which C may keep as long as the connection.
    ///
    /// # Errors
    /// The daemon's.
    pub(crate) fn kind(&self) -> Result<&CStr> {
        if self.kind.get().is_none() {
            let kind = self.client.kind()?;
            let _ = self.kind.set(memory::kept(&kind));
        }
        Ok(self.kind.get().map_or(c"", CString::as_c_str))
    }

    /// The flags, with the one that parameters may be texts if the daemon knows it.
    ///
    /// # Errors
    /// The daemon's.
    pub(crate) fn with_texts(&self, flags: u32) -> Result<u32> {
        let takes = match self.takes_texts.get() {
            Some(takes) => *takes,
            None => *self.takes_texts.get_or_init({
                let takes = self.client.supports_feature(FEATURE_TEXTS)?;
                move || takes
            }),
        };
        Ok(if takes { flags | VIR_TYPED_PARAM_STRING_OKAY } else { flags })
    }
}
