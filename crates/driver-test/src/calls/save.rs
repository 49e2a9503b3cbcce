//! Saving domains to files and starting them from there. The file holds the definition and nothing else, in the
//! reference's form: a word, the length, the document.

use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::{Call, DomainRef, DomainSave};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::{self as conf, ParseOptions};

use crate::domain::{INACTIVE, parse};
use crate::error::{Flag, exclusive, named};
use crate::{Driver, error, flags, internal, invalid};

const MAGIC: &[u8; 15] = b"TestGuestMagic\0";
/// What a domain is to do when it is there again.
const RUN: [[Flag; 2]; 1] = [named![VIR_DOMAIN_SAVE_RUNNING, VIR_DOMAIN_SAVE_PAUSED]];
/// The longest document that is taken from a file.
const MOST: i32 = 8192;

fn system(what: String, e: &std::io::Error) -> Error {
    Error::system(ErrorDomain::TEST, what, e)
}

/// What the reference's text says where a file merely ends.
fn ended(what: String) -> Error {
    Error::new(ErrorDomain::TEST, ErrorCode::SYSTEM_ERROR, format!("{what}: Success"))
}

fn create(path: &str) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn write_image(path: &str, definition: &conf::Domain) -> Result<()> {
    let name = &definition.name;
    let options = conf::FormatOptions { secure: true, ..conf::FormatOptions::default() };
    let text = definition.format(&options);
    let mut file =
        create(path).map_err(|e| system(format!("saving domain '{name}' to '{path}': open failed"), &e))?;
    let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
    let written = file
        .write_all(MAGIC)
        .and_then(|()| file.write_all(&length.to_ne_bytes()))
        .and_then(|()| file.write_all(text.as_bytes()));
    written.map_err(|e| {
        let _ = std::fs::remove_file(path);
        system(format!("saving domain '{name}' to '{path}': write failed"), &e)
    })
}

fn read_image(path: &str) -> Result<conf::Domain> {
    let mut file =
        std::fs::File::open(path).map_err(|e| system(format!("cannot read domain image '{path}'"), &e))?;
    let mut magic = [0; 15];
    file.read_exact(&mut magic).map_err(|_| ended(format!("incomplete save header in '{path}'")))?;
    if magic != *MAGIC {
        return Err(internal("mismatched header magic"));
    }
    let mut length = [0; 4];
    file.read_exact(&mut length).map_err(|_| ended(format!("failed to read metadata length in '{path}'")))?;
    let length = i32::from_ne_bytes(length);
    if !(1..=MOST).contains(&length) {
        return Err(internal("length of metadata out of range"));
    }
    let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact(&mut text).map_err(|_| ended(format!("incomplete metadata in '{path}'")))?;
    parse(&String::from_utf8_lossy(&text), ParseOptions { skip_validate: true, ..INACTIVE })
}

fn no_change(dxml: Option<&str>) -> Result<()> {
    match dxml {
        Some(_) => Err(error(ErrorCode::ARGUMENT_UNSUPPORTED, "xml modification unsupported")),
        None => Ok(()),
    }
}

#[async_trait]
impl DomainSave for Driver {
    async fn domain_save(&self, call: &Call, dom: DomainRef, to: String) -> Result<()> {
        self.domain_save_flags(call, dom, to, None, 0).await
    }

    async fn domain_save_flags(
        &self,
        _: &Call,
        dom: DomainRef,
        to: String,
        dxml: Option<String>,
        given: u32,
    ) -> Result<()> {
        exclusive((ErrorDomain::DOMAIN, "virDomainSaveFlags"), given, &RUN)?;
        flags(given, 0, "testDomainSaveFlags")?;
        no_change(dxml.as_deref())?;
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            domain.check_active()?;
            write_image(&to, &domain.definition)?;
            state.stop(&dom, (VIR_DOMAIN_SHUTOFF_SAVED, VIR_DOMAIN_EVENT_STOPPED_SAVED), events)
        })
    }

    async fn domain_restore(&self, call: &Call, from: String) -> Result<()> {
        self.domain_restore_flags(call, from, None, 0).await
    }

    async fn domain_restore_flags(
        &self,
        _: &Call,
        from: String,
        dxml: Option<String>,
        given: u32,
    ) -> Result<()> {
        exclusive((ErrorDomain::DOMAIN, "virDomainRestoreFlags"), given, &RUN)?;
        flags(given, 0, "testDomainRestoreFlags")?;
        no_change(dxml.as_deref())?;
        let definition = read_image(&from)?;
        let why = (VIR_DOMAIN_RUNNING_RESTORED, VIR_DOMAIN_EVENT_STARTED_RESTORED);
        self.change(|state, events| state.start_definition(definition, why, events)).map(drop)
    }

    async fn domain_save_image_get_xml_desc(&self, _: &Call, file: String, given: u32) -> Result<String> {
        flags(given, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE, "testDomainSaveImageGetXMLDesc")?;
        let options = conf::FormatOptions { secure: true, ..conf::FormatOptions::default() };
        Ok(read_image(&file)?.format(&options))
    }

    async fn domain_save_image_define_xml(
        &self,
        _: &Call,
        file: String,
        dxml: String,
        given: u32,
    ) -> Result<()> {
        let known = VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED;
        exclusive((ErrorDomain::DOMAIN, "virDomainSaveImageDefineXML"), given, &RUN)?;
        flags(given, known, "testDomainSaveImageDefineXML")?;
        read_image(&file)?;
        write_image(&file, &parse(&dxml, INACTIVE)?)
    }

    async fn domain_core_dump(&self, call: &Call, dom: DomainRef, to: String, given: u32) -> Result<()> {
        let raw = VIR_DOMAIN_CORE_DUMP_FORMAT_RAW.cast_unsigned();
        self.domain_core_dump_with_format(call, dom, to, raw, given).await
    }

    async fn domain_core_dump_with_format(
        &self,
        _: &Call,
        dom: DomainRef,
        to: String,
        format: u32,
        given: u32,
    ) -> Result<()> {
        exclusive(
            (ErrorDomain::DOMAIN, "virDomainCoreDumpWithFormat"),
            given,
            &[
                named![VIR_DUMP_CRASH, VIR_DUMP_LIVE],
                named![VIR_DUMP_CRASH, VIR_DUMP_RESET],
                named![VIR_DUMP_LIVE, VIR_DUMP_RESET],
            ],
        )?;
        flags(given, VIR_DUMP_CRASH, "testDomainCoreDumpWithFormat")?;
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            domain.check_active()?;
            let what = |failed: &str| format!("domain '{}' coredump: failed to {failed} {to}", dom.name);
            let mut file = create(&to).map_err(|e| system(what("open"), &e))?;
            file.write_all(MAGIC).map_err(|e| system(what("write header to"), &e))?;
            if format != VIR_DOMAIN_CORE_DUMP_FORMAT_RAW.cast_unsigned() {
                let text = "kdump-compressed format is not supported here";
                return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
            }
            if given & VIR_DUMP_CRASH == 0 {
                return Ok(());
            }
            state.stop(&dom, (VIR_DOMAIN_SHUTOFF_CRASHED, VIR_DOMAIN_EVENT_STOPPED_CRASHED), events)
        })
    }

    async fn domain_managed_save(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        let known = VIR_DOMAIN_SAVE_BYPASS_CACHE | VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED;
        exclusive((ErrorDomain::DOMAIN, "virDomainManagedSave"), given, &RUN)?;
        flags(given, known, "testDomainManagedSave")?;
        self.change(|state, events| {
            let domain = state.domain(&dom)?;
            domain.check_active()?;
            if !domain.persistent {
                return Err(invalid("cannot do managed save for transient domain"));
            }
            domain.managed_save = true;
            state.stop(&dom, (VIR_DOMAIN_SHUTOFF_SAVED, VIR_DOMAIN_EVENT_STOPPED_SAVED), events)
        })
    }

    async fn domain_has_managed_save_image(&self, _: &Call, dom: DomainRef, given: u32) -> Result<i32> {
        flags(given, 0, "testDomainHasManagedSaveImage")?;
        Ok(i32::from(self.state().domain(&dom)?.managed_save))
    }

    async fn domain_managed_save_remove(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, 0, "testDomainManagedSaveRemove")?;
        self.state().domain(&dom)?.managed_save = false;
        Ok(())
    }
}
