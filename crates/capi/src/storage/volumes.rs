//! Volumes.

use std::ffi::{c_int, c_uint};

use virtus::constants::{VIR_STORAGE_VOL_RESIZE_DELTA, VIR_STORAGE_VOL_RESIZE_SHRINK};
use virtus::{ErrorCode, Result};

use virtus::constants::{VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM, VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM};

use crate::arg::{Out, OutList, Rw, Text};
use crate::call::Call;
use crate::connect::Connect;
use crate::declare::{exports, structs};
use crate::handle::Of;
use crate::object::{Child, StoragePool, StorageVolume, virConnect};
use crate::ret::{Lent, Parent};
use crate::stream::Stream;

structs! {
    /// How large a volume is, in bytes.
    virStorageVolInfo { r#type: c_int, capacity: u64, allocation: u64 }
}

exports! {
    header STORAGE, errors STORAGE;

    "0.10.2" fn virStoragePoolListAllVolumes(
        pool: Of<StoragePool>, vols: OutList<StorageVolume>, flags: c_uint
    ) -> usize
        = vols.fill(&pool.parent().of(), pool.list_all_volumes(flags)?);
    "0.4.1" fn virStorageVolLookupByName(pool: Of<StoragePool>, name: Text) -> virtus::StorageVolume
        = pool.lookup_volume_by_name(&name);
    "0.4.1" fn virStorageVolLookupByKey(conn: Of<Connect>, key: Text) -> virtus::StorageVolume
        = conn.lookup_storage_volume_by_key(&key);
    "0.4.1" fn virStorageVolLookupByPath(conn: Of<Connect>, path: Text) -> virtus::StorageVolume
        = conn.lookup_storage_volume_by_path(&path);

    "0.4.1" fn virStorageVolCreateXML(pool: Rw<StoragePool>, xmlDesc: Text, flags: c_uint) -> virtus::StorageVolume
        = pool.create_volume(&xmlDesc, flags);
    "0.6.4" fn virStorageVolCreateXMLFrom[call](
        pool: Of<StoragePool>, xmlDesc: Text, clonevol: Of<StorageVolume>, flags: c_uint
    ) -> virtus::StorageVolume
        = copy(call, &pool, &xmlDesc, &clonevol, flags);
    "0.4.1" fn virStorageVolDelete(vol: Rw<StorageVolume>, flags: c_uint) -> () = vol.delete(flags);
    "0.8.0" fn virStorageVolWipe(vol: Rw<StorageVolume>, flags: c_uint) -> () = vol.wipe(flags);
    "0.9.10" fn virStorageVolWipePattern(vol: Rw<StorageVolume>, algorithm: c_uint, flags: c_uint) -> ()
        = vol.wipe_pattern(algorithm, flags);
    "0.9.10" fn virStorageVolResize[call](vol: Rw<StorageVolume>, capacity: u64, flags: c_uint) -> ()
        = resize(call, &vol, capacity, flags);

    "0.9.0" fn virStorageVolDownload[call](
        vol: Of<StorageVolume>, stream: Of<Stream>, offset: u64, length: u64, flags: c_uint
    ) -> ()
        = {
            call.check_write()?;
            let sparse = flags & VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM != 0;
            let wrong = ("stream", || foreign(call, &vol));
            stream.open_sparse(call, wrong, sparse, || Ok(((), vol.download(offset, length, flags)?)))
        };
    "0.9.0" fn virStorageVolUpload[call](
        vol: Of<StorageVolume>, stream: Of<Stream>, offset: u64, length: u64, flags: c_uint
    ) -> ()
        = {
            call.check_write()?;
            let sparse = flags & VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM != 0;
            let wrong = ("stream", || foreign(call, &vol));
            stream.open_sparse(call, wrong, sparse, || Ok(((), vol.upload(offset, length, flags)?)))
        };

    "0.4.1" fn virStorageVolFree(vol: Of<StorageVolume>) -> () = vol.free();
    "0.6.0" fn virStorageVolRef(vol: Of<StorageVolume>) -> () = vol.add();
    "0.4.1" fn virStorageVolGetConnect(vol: Of<StorageVolume>) -> Parent<virConnect>
        = Ok(Parent(vol.parent().as_c()));

    "0.4.1" fn virStorageVolGetName(vol: Of<StorageVolume>) -> Lent = Ok(Lent::new(&vol.name));
    "0.4.1" fn virStorageVolGetKey(vol: Of<StorageVolume>) -> Lent = Ok(Lent::new(&vol.key));
    "0.4.1" fn virStorageVolGetPath(vol: Of<StorageVolume>) -> String = vol.path();
    "0.4.1" fn virStorageVolGetXMLDesc(vol: Of<StorageVolume>, flags: c_uint) -> String = vol.xml(flags);
    "0.4.1" fn virStorageVolGetInfo(vol: Of<StorageVolume>, info: Out<virStorageVolInfo>) -> ()
        = vol.info().map(|i| info.put(told(i.kind, i.capacity, i.allocation)));
    "3.0.0" fn virStorageVolGetInfoFlags(vol: Of<StorageVolume>, info: Out<virStorageVolInfo>, flags: c_uint) -> ()
        = vol.info_flags(flags).map(|i| info.put(told(i.kind, i.capacity, i.allocation)));
}

fn foreign(call: &Call, volume: &virtus::StorageVolume) -> String {
    format!("stream in {} must match connection of volume '{}'", call.function, volume.name())
}

fn told(kind: i8, capacity: u64, allocation: u64) -> virStorageVolInfo {
    virStorageVolInfo { r#type: kind.into(), capacity, allocation }
}

fn resize(call: &Call, volume: &StorageVolume, capacity: u64, flags: c_uint) -> Result<()> {
    if capacity == 0 && flags & (VIR_STORAGE_VOL_RESIZE_DELTA | VIR_STORAGE_VOL_RESIZE_SHRINK) == 0 {
        return Err(call.wrong("capacity", "cannot be zero without 'delta' or 'shrink' flags set"));
    }
    volume.resize(capacity, flags)
}

fn copy(
    call: &Call,
    pool: &StoragePool,
    xml: &str,
    from: &StorageVolume,
    flags: c_uint,
) -> Result<virtus::StorageVolume> {
    call.check_write()?;
    // the volume may be another connection's
    if from.parent().is_read_only() {
        let text = format!("read only access prevents {}", call.function);
        return Err(call.error(ErrorCode::OPERATION_DENIED, text));
    }
    pool.create_volume_from(xml, from, flags)
}
