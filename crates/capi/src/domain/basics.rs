//! Finding domains, and what a handle knows by itself.

use std::ffi::c_uint;

use virtus::Uuid;

use crate::arg::{OutList, Rw, Text};
use crate::connect::Connect;
use crate::declare::exports;
use crate::handle::Of;
use crate::object::{Child, Domain, virConnect};
use crate::ret::{Lent, Parent};

exports! {
    header DOMAIN, errors DOMAIN;

    "0.9.13" fn virConnectListAllDomains(conn: Of<Connect>, domains: OutList<Domain>, flags: c_uint) -> usize
        = domains.fill(&conn, conn.list_all_domains(flags)?);
    "0.0.3" fn virDomainLookupByName(conn: Of<Connect>, name: Text) -> virtus::Domain
        = conn.lookup_domain_by_name(&name);
    "0.0.5" fn virDomainLookupByUUID(conn: Of<Connect>, uuid: Uuid) -> virtus::Domain
        = conn.lookup_domain_by_uuid(uuid);
    "0.0.3" fn virDomainGetName(domain: Of<Domain>) -> Lent = Ok(Lent::new(&domain.name));
    "0.0.3" fn virDomainFree(domain: Of<Domain>) -> () = domain.free();
    "0.6.0" fn virDomainRef(domain: Of<Domain>) -> () = domain.add();
    "0.3.0" fn virDomainGetConnect(dom: Of<Domain>) -> Parent<virConnect> = Ok(Parent(dom.parent().as_c()));
    "0.0.3" fn virDomainGetXMLDesc(domain: Of<Domain>, flags: c_uint) -> String = domain.xml(flags);
    "0.0.3" fn virDomainSuspend(domain: Rw<Domain>) -> () = domain.suspend();
}
