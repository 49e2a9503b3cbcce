//! `libvirt-secret.h`: what nobody else should know.

use std::ffi::{c_int, c_uint};

use virtus::{Result, Uuid};

use crate::arg::{In, Names, NonNegative, Out, OutList, Rw, Text};
use crate::call::Call;
use crate::connect::Connect;
use crate::ctype::UChar;
use crate::declare::exports;
use crate::handle::Of;
use crate::memory;
use crate::object::{Child, Secret, virConnect};
use crate::ret::{Lent, Parent, Ret};
use crate::uuid::{OutUuid, OutUuidText, UuidText};

exports! {
    header SECRET, errors SECRET;

    "0.7.1" fn virConnectNumOfSecrets(conn: Of<Connect>) -> c_int = conn.num_of_secrets();
    "0.7.1" fn virConnectListSecrets[call](conn: Of<Connect>, uuids: Names, maxuuids: NonNegative<c_int>) -> c_int
        = uuids.list(call, maxuuids, "uuids", || conn.list_secrets());
    "0.10.2" fn virConnectListAllSecrets(conn: Of<Connect>, secrets: OutList<Secret>, flags: c_uint) -> usize
        = secrets.fill(&conn, conn.list_all_secrets(flags)?);

    "0.7.1" fn virSecretLookupByUUID(conn: Of<Connect>, uuid: Uuid) -> virtus::Secret
        = conn.lookup_secret_by_uuid(uuid);
    "0.7.1" fn virSecretLookupByUUIDString(conn: Of<Connect>, uuidstr: UuidText) -> virtus::Secret
        = conn.lookup_secret_by_uuid(uuidstr.0);
    "0.7.1" fn virSecretLookupByUsage(conn: Of<Connect>, usageType: c_int, usageID: Text) -> virtus::Secret
        = conn.lookup_secret_by_usage(usageType, &usageID);

    "0.7.1" fn virSecretDefineXML(conn: Rw<Connect>, xml: Text, flags: c_uint) -> virtus::Secret
        = conn.define_secret(&xml, flags);
    "0.7.1" fn virSecretUndefine(secret: Rw<Secret>) -> () = secret.undefine();
    "0.7.1" fn virSecretSetValue[call](
        secret: Rw<Secret>, value: In<UChar>, value_size: usize, flags: c_uint
    ) -> ()
        = set_value(call, &secret, &value, value_size, flags);
    "0.7.1" fn virSecretGetValue(secret: Rw<Secret>, value_size: Out<usize>, flags: c_uint) -> Bytes
        = get_value(&secret, &value_size, flags);

    "0.7.1" fn virSecretFree(secret: Of<Secret>) -> () = secret.free();
    "0.7.1" fn virSecretRef(secret: Of<Secret>) -> () = secret.add();
    "0.7.1" fn virSecretGetConnect(secret: Of<Secret>) -> Parent<virConnect> = Ok(Parent(secret.parent().as_c()));

    "0.7.1" fn virSecretGetUUID(secret: Of<Secret>, uuid: OutUuid) -> () = uuid.put(secret.uuid());
    "0.7.1" fn virSecretGetUUIDString(secret: Of<Secret>, buf: OutUuidText) -> () = buf.put(secret.uuid());
    "0.7.1" fn virSecretGetUsageType(secret: Of<Secret>) -> c_int = Ok(secret.usage_type());
    "0.7.1" fn virSecretGetUsageID(secret: Of<Secret>) -> Lent = Ok(Lent::new(&secret.usage_id));
    "0.7.1" fn virSecretGetXMLDesc(secret: Of<Secret>, flags: c_uint) -> String = secret.xml(flags);
}

/// Bytes that the caller frees.
#[derive(Debug)]
struct Bytes(*mut UChar);

impl Ret for Bytes {
    type C = *mut UChar;
    const FAILURE: *mut UChar = std::ptr::null_mut();
    fn give(self, _: &Call) -> Result<*mut UChar> {
        Ok(self.0)
    }
}

fn set_value(call: &Call, secret: &Secret, value: &In<UChar>, size: usize, flags: c_uint) -> Result<()> {
    if value.is_null() {
        return Err(call.wrong("value", "must not be NULL"));
    }
    // SAFETY: the C API says that there are so many
    let value = unsafe { value.values(size, call, "value")? };
    let value: Vec<u8> = value.iter().map(|byte| byte.0).collect();
    secret.set_value(&value, flags)
}

fn get_value(secret: &Secret, size: &Out<usize>, flags: c_uint) -> Result<Bytes> {
    let value = secret.value(flags)?;
    let room = memory::copy(&value)?;
    size.put(value.len());
    Ok(Bytes(room.cast().as_ptr()))
}
