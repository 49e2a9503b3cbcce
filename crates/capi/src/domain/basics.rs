//! Finding and making domains, and what a handle knows by itself.

use std::ffi::{c_int, c_uint};

use virtus::{Result, Uuid};

use crate::arg::{self, InMut, Later, Names, NonNegative, OutList, Rw, Said, Text};
use crate::call::Call;
use crate::connect::{Connect, files};
use crate::ctype::Char;
use crate::declare::exports;
use crate::handle::Of;
use crate::listing::MOST;
use crate::object::{Child, Domain, virConnect, virDomain};
use crate::ret::{Lent, Parent, Ret};
use crate::uuid::{OutUuid, OutUuidText};

exports! {
    header DOMAIN, errors DOMAIN;

    "0.9.13" fn virConnectListAllDomains(conn: Of<Connect>, domains: OutList<Domain>, flags: c_uint) -> usize
        = domains.fill(&conn, conn.list_all_domains(flags)?);
    "0.0.3" fn virConnectNumOfDomains(conn: Of<Connect>) -> c_int = conn.num_of_domains();
    "0.0.3" fn virConnectListDomains[call](conn: Of<Connect>, ids: InMut<c_int>, maxids: NonNegative<c_int>)
        -> c_int = {
        let room = usize::try_from(maxids.0).unwrap_or_default();
        call.within(room, MOST, || format!("Too many domains '{room}' for limit '{MOST}'"))?;
        // SAFETY: there is room for `maxids`
        unsafe { ids.fill(maxids.0, &conn.list_domains()?, call, "ids") }
    };
    "0.1.5" fn virConnectNumOfDefinedDomains(conn: Of<Connect>) -> c_int = conn.num_of_defined_domains();
    "0.1.1" fn virConnectListDefinedDomains[call](
        conn: Of<Connect>, names: Names, maxnames: NonNegative<c_int>
    ) -> c_int = names.list(call, maxnames, "names", || conn.list_defined_domains());

    "0.0.3" fn virDomainLookupByID(conn: Of<Connect>, id: NonNegative<c_int>) -> virtus::Domain
        = conn.lookup_domain_by_id(id.0);
    "0.0.3" fn virDomainLookupByName(conn: Of<Connect>, name: Text) -> virtus::Domain
        = conn.lookup_domain_by_name(&name);
    "0.0.5" fn virDomainLookupByUUID(conn: Of<Connect>, uuid: Uuid) -> virtus::Domain
        = conn.lookup_domain_by_uuid(uuid);
    "0.1.1" fn virDomainLookupByUUIDString[call](conn: Of<Connect>, uuidstr: Text) -> virtus::Domain
        = conn.lookup_domain_by_uuid(call.uuid(&uuidstr)?);

    "0.6.0" fn virDomainRef(domain: Of<Domain>) -> () = domain.add();
    "0.0.3" fn virDomainFree(domain: Of<Domain>) -> () = domain.free();
    "0.3.0" fn virDomainGetConnect(dom: Of<Domain>) -> Parent<virConnect> = Ok(Parent(dom.parent().as_c()));
    "0.0.3" fn virDomainGetName(domain: Of<Domain>) -> Lent = Ok(Lent::new(&domain.name));
    "0.0.3" fn virDomainGetID(domain: Of<Domain>) -> DomainId = Ok(DomainId(domain.last_id().cast_unsigned()));
    "0.0.5" fn virDomainGetUUID(domain: Of<Domain>, uuid: OutUuid) -> () = uuid.put(domain.uuid());
    "0.1.1" fn virDomainGetUUIDString(domain: Of<Domain>, buf: OutUuidText) -> () = buf.put(domain.uuid());

    "0.5.0" fn virDomainCreateXML(conn: Later<Connect>, xmlDesc: Text, flags: c_uint) -> virtus::Domain
        = conn.create_domain(&xmlDesc, flags);
    "1.1.1" fn virDomainCreateXMLWithFiles[call](
        conn: Later<Connect>, xmlDesc: Text, nfiles: c_uint, files: InMut<c_int>, flags: c_uint
    ) -> virtus::Domain = conn.create_domain_with_files(&xmlDesc, flags, files::duplicates(call, &files, nfiles, "files")?);
    "0.1.1" fn virDomainDefineXML(conn: Rw<Connect>, xml: Text) -> virtus::Domain = conn.define_domain(&xml);
    "1.2.12" fn virDomainDefineXMLFlags(conn: Rw<Connect>, xml: Text, flags: c_uint) -> virtus::Domain
        = conn.define_domain_flags(&xml, flags);

    "0.6.4" fn virConnectDomainXMLFromNative(
        conn: Rw<Connect>, nativeFormat: Text, nativeConfig: Text, flags: c_uint
    ) -> String = conn.domain_xml_from_native(&nativeFormat, &nativeConfig, flags);
    "0.6.4" fn virConnectDomainXMLToNative(
        conn: Rw<Connect>, nativeFormat: Text, domainXml: Text, flags: c_uint
    ) -> String = conn.domain_xml_to_native(&nativeFormat, &domainXml, flags);
    "1.2.7" fn virConnectGetDomainCapabilities(
        conn: Rw<Connect>, emulatorbin: Option<Text>, arch: Option<Text>, machine: Option<Text>,
        virttype: Option<Text>, flags: c_uint
    ) -> String = conn.domain_capabilities(
        emulatorbin.as_deref(), arch.as_deref(), machine.as_deref(), virttype.as_deref(), flags
    );
    "1.2.19" fn virDomainRename(dom: Later<Domain>, new_name: Said, flags: c_uint) -> c_int
        = dom.rename(Some(&new_name), flags);
    "9.0.0" fn virDomainFDAssociate[call](
        domain: Of<Domain>, name: Option<Text>, nfds: arg::NonZero<c_uint>, fds: InMut<c_int>, flags: c_uint
    ) -> () = {
        let Some(name) = name else { return Err(call.wrong("name", "must not be NULL")) };
        let files = files::duplicates(call, &fds, nfds.0, "fds")?;
        call.check_write()?;
        domain.fd_associate(&name, flags, files)
    };

    plain {
        "0.0.3" fn virDomainCreateLinux(conn: *mut virConnect, xmlDesc: *const Char, flags: c_uint) -> *mut virDomain
            // SAFETY: as the caller promises
            = unsafe { virDomainCreateXML(conn, xmlDesc, flags) };
    }
}

/// A domain's number, of which the highest says that there is none, or no domain.
#[derive(Debug)]
struct DomainId(c_uint);

impl Ret for DomainId {
    type C = c_uint;
    const FAILURE: c_uint = c_uint::MAX;
    fn give(self, _: &Call) -> Result<c_uint> {
        Ok(self.0)
    }
}
