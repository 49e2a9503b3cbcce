//! Saved domains: what is known of them, and their removal. Saving itself is not here yet and says so.

use std::sync::Arc;

use virtus_api::constants::*;
use virtus_api::{Call, DomainRef, DomainSave};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_state::file::{self, Durability};

use super::{flags, truth};
use crate::Driver;
use crate::error::{invalid, system};

/// What every call about a running guest's memory in a file answers, once its arguments were looked at.
fn not_yet(call: &Call) -> Error {
    Error::new(ErrorDomain::QEMU, ErrorCode::NO_SUPPORT, call.function)
}

const SAVE: u32 = VIR_DOMAIN_SAVE_BYPASS_CACHE | VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED;

/// A file that can be read, or libvirt's error.
async fn readable(driver: &Driver, path: String) -> Result<()> {
    driver
        .blocking(move || {
            let opened = std::fs::File::open(&path);
            opened.map(|_| ()).map_err(|e| system(format_args!("Failed to open file '{path}'"), &e))
        })
        .await
}

#[async_trait::async_trait]
impl DomainSave for Driver {
    async fn domain_save(&self, call: &Call, dom: DomainRef, to: String) -> Result<()> {
        self.domain_save_flags(call, dom, to, None, 0).await
    }

    async fn domain_save_flags(
        &self,
        call: &Call,
        dom: DomainRef,
        _: String,
        _: Option<String>,
        given: u32,
    ) -> Result<()> {
        flags(given, SAVE, "qemuDomainSaveFlags")?;
        self.look(&dom)?.require_active()?;
        Err(not_yet(call))
    }

    async fn domain_restore(&self, call: &Call, from: String) -> Result<()> {
        self.domain_restore_flags(call, from, None, 0).await
    }

    async fn domain_restore_flags(
        &self,
        call: &Call,
        from: String,
        _: Option<String>,
        given: u32,
    ) -> Result<()> {
        flags(given, SAVE | VIR_DOMAIN_SAVE_RESET_NVRAM, "qemuDomainRestoreInternal")?;
        readable(self, from).await?;
        Err(not_yet(call))
    }

    async fn domain_save_image_get_xml_desc(&self, call: &Call, file: String, given: u32) -> Result<String> {
        flags(given, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE, "qemuDomainSaveImageGetXMLDesc")?;
        readable(self, file).await?;
        Err(not_yet(call))
    }

    async fn domain_save_image_define_xml(
        &self,
        call: &Call,
        file: String,
        _: String,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED, "qemuDomainSaveImageDefineXML")?;
        readable(self, file).await?;
        Err(not_yet(call))
    }

    async fn domain_managed_save(&self, call: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, SAVE, "qemuDomainManagedSave")?;
        let view = self.look(&dom)?;
        view.require_active()?;
        if !view.is_persistent() {
            return Err(invalid("cannot do managed save for transient domain"));
        }
        Err(not_yet(call))
    }

    async fn domain_has_managed_save_image(&self, _: &Call, dom: DomainRef, given: u32) -> Result<i32> {
        flags(given, 0, "qemuDomainHasManagedSaveImage")?;
        Ok(truth(self.look(&dom)?.managed_save))
    }

    async fn domain_managed_save_remove(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, 0, "qemuDomainManagedSaveRemove")?;
        let domain = self.find(&dom)?;
        let shared = Arc::clone(&self.0);
        self.blocking(move || {
            let path = shared.setup.layout.managed_save(&domain.view().name);
            file::remove(&path, Durability::Process).map_err(|e| {
                system(format_args!("Failed to remove managed save file '{}'", path.display()), &e)
            })?;
            shared.change(&domain, |view| {
                view.managed_save = false;
                Vec::new()
            });
            Ok(())
        })
        .await
    }

    async fn domain_core_dump(&self, call: &Call, dom: DomainRef, to: String, given: u32) -> Result<()> {
        self.domain_core_dump_with_format(call, dom, to, 0, given).await
    }

    async fn domain_core_dump_with_format(
        &self,
        call: &Call,
        dom: DomainRef,
        _: String,
        _: u32,
        given: u32,
    ) -> Result<()> {
        let known =
            VIR_DUMP_LIVE | VIR_DUMP_CRASH | VIR_DUMP_BYPASS_CACHE | VIR_DUMP_RESET | VIR_DUMP_MEMORY_ONLY;
        flags(given, known, "qemuDomainCoreDumpWithFormat")?;
        self.look(&dom)?.require_active()?;
        Err(not_yet(call))
    }
}
