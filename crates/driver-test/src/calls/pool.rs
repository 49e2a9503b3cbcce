//! Storage pools.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::storage::StoragePools;
use virtus_api::storage::pool::*;
use virtus_api::{Call, Event, StoragePoolEvent, StoragePoolRef, StorageVolRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virtus_conf::storage::{Adapter, Kind, Pool, Sizes};
use virtus_xdr::List;
use virtus_xml::{Document, ReadOptions, WriteOptions, Writer};

use crate::node::POOL_CAPACITY;
use crate::state::{Identity, PoolObject, State, at, identify};
use crate::{Driver, bad_argument, count, error, flags, internal, invalid, passes};

const EMPTY: Sizes = Sizes { capacity: POOL_CAPACITY, allocation: 0, available: POOL_CAPACITY };

/// Flags of listings that stand for kinds of pools.
const KINDS: [(u32, Kind); 14] = [
    (VIR_CONNECT_LIST_STORAGE_POOLS_DIR, Kind::Dir),
    (VIR_CONNECT_LIST_STORAGE_POOLS_FS, Kind::Fs),
    (VIR_CONNECT_LIST_STORAGE_POOLS_NETFS, Kind::Netfs),
    (VIR_CONNECT_LIST_STORAGE_POOLS_LOGICAL, Kind::Logical),
    (VIR_CONNECT_LIST_STORAGE_POOLS_DISK, Kind::Disk),
    (VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI, Kind::Iscsi),
    (VIR_CONNECT_LIST_STORAGE_POOLS_SCSI, Kind::Scsi),
    (VIR_CONNECT_LIST_STORAGE_POOLS_MPATH, Kind::Mpath),
    (VIR_CONNECT_LIST_STORAGE_POOLS_RBD, Kind::Rbd),
    (VIR_CONNECT_LIST_STORAGE_POOLS_GLUSTER, Kind::Gluster),
    (VIR_CONNECT_LIST_STORAGE_POOLS_ZFS, Kind::Zfs),
    (VIR_CONNECT_LIST_STORAGE_POOLS_VSTORAGE, Kind::Vstorage),
    (VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI_DIRECT, Kind::IscsiDirect),
    (VIR_CONNECT_LIST_STORAGE_POOLS_SHEEPDOG, Kind::Sheepdog),
];

impl State {
    pub(super) fn pool(&mut self, name: &str) -> Result<&mut PoolObject> {
        let found = self.pools.iter_mut().find(|pool| pool.definition.name == name);
        found.ok_or_else(|| {
            error(ErrorCode::NO_STORAGE_POOL, format!("no storage pool with matching name '{name}'"))
        })
    }

    fn pool_by_uuid(&mut self, uuid: &Uuid) -> Result<&mut PoolObject> {
        let found = self.pools.iter_mut().find(|pool| pool.definition.uuid == *uuid);
        found.ok_or_else(|| {
            error(ErrorCode::NO_STORAGE_POOL, format!("no storage pool with matching uuid '{uuid}'"))
        })
    }

    pub(super) fn active_pool(&mut self, name: &str) -> Result<&mut PoolObject> {
        let pool = self.pool(name)?;
        match pool.active {
            true => Ok(pool),
            false => Err(invalid(format!("storage pool '{name}' is not active"))),
        }
    }

    fn inactive_pool(&mut self, name: &str) -> Result<&mut PoolObject> {
        let pool = self.pool(name)?;
        match pool.active {
            false => Ok(pool),
            true => Err(invalid(format!("storage pool '{name}' is active"))),
        }
    }

    fn assign_pool(&mut self, definition: Pool, live: bool) -> Result<&mut PoolObject> {
        let known = self.pools.iter().map(|p| (p.definition.name.as_str(), p.definition.uuid));
        let place = match identify(known, (&definition.name, definition.uuid), ErrorDomain::STORAGE, "pool")?
        {
            Identity::New => None,
            Identity::Known(place) => Some(place),
        };
        let active = place.and_then(|place| self.pools.get(place)).filter(|pool| pool.active);
        if let Some(pool) = active.filter(|_| live) {
            return Err(Error::new(
                ErrorDomain::STORAGE,
                ErrorCode::OPERATION_INVALID,
                format!("pool is already active as '{}'", pool.definition.name),
            ));
        }
        let others = self.pools.iter().filter(|pool| pool.definition.uuid != definition.uuid);
        if let Some(other) = others.into_iter().find(|other| same_source(&other.definition, &definition)) {
            return Err(Error::new(
                ErrorDomain::STORAGE,
                ErrorCode::OPERATION_FAILED,
                format!("Storage source conflict with pool: '{}'", other.definition.name),
            ));
        }
        match place {
            None => {
                self.pools.push(PoolObject {
                    definition,
                    volumes: Vec::new(),
                    active: false,
                    persistent: !live,
                    autostart: false,
                });
                let last = self.pools.len() - 1;
                at(&mut self.pools, last)
            }
            Some(place) => {
                let pool = at(&mut self.pools, place)?;
                pool.definition = definition;
                pool.persistent |= !live;
                Ok(pool)
            }
        }
    }
}

/// Whether two pools would use the same directory or the same devices.
fn same_source(one: &Pool, other: &Pool) -> bool {
    let path = |pool: &Pool| pool.target.as_ref().map(|target| target.path.clone());
    one.kind == other.kind
        && match one.kind {
            Kind::Dir => path(one) == path(other),
            Kind::Fs | Kind::Logical | Kind::Disk | Kind::Zfs => one
                .source
                .devices
                .iter()
                .any(|device| other.source.devices.iter().any(|d| d.path == device.path)),
            Kind::Netfs | Kind::Gluster => {
                !one.source.hosts.is_empty()
                    && one.source.hosts == other.source.hosts
                    && one.source.dir == other.source.dir
                    && one.source.name == other.source.name
            }
            Kind::Scsi => one.source.adapter.is_some() && one.source.adapter == other.source.adapter,
            _ => false,
        }
}

impl PoolObject {
    fn lifecycle(&self, event: i32) -> Event {
        Event::StoragePool(self.reference(), StoragePoolEvent::Lifecycle { event, detail: 0 })
    }
}

impl Driver {
    fn pool_names(&self, active: bool, max: i32) -> List<String, 16_384> {
        let most = usize::try_from(max).unwrap_or(0);
        let state = self.state();
        let listed = state.pools.iter().filter(|pool| pool.active == active);
        listed.map(|pool| pool.definition.name.clone()).take(most).collect()
    }

    /// What is done to an inactive pool that only tells of it.
    fn tell_of_inactive(&self, name: &str, given: u32, function: &str, event: i32) -> Result<()> {
        flags(given, 0, function)?;
        self.change(|state, events| {
            events.push(state.inactive_pool(name)?.lifecycle(event));
            Ok(())
        })
    }
}

#[async_trait]
impl StoragePools for Driver {
    async fn connect_num_of_storage_pools(&self, _: &Call) -> Result<i32> {
        Ok(count(self.state().pools.iter().filter(|pool| pool.active).count()))
    }

    async fn connect_list_storage_pools(&self, _: &Call, max: i32) -> Result<List<String, 16_384>> {
        Ok(self.pool_names(true, max))
    }

    async fn connect_num_of_defined_storage_pools(&self, _: &Call) -> Result<i32> {
        Ok(count(self.state().pools.iter().filter(|pool| !pool.active).count()))
    }

    async fn connect_list_defined_storage_pools(&self, _: &Call, max: i32) -> Result<List<String, 16_384>> {
        Ok(self.pool_names(false, max))
    }

    async fn connect_list_all_storage_pools(
        &self,
        _: &Call,
        need_results: i32,
        filter: u32,
    ) -> Result<ConnectListAllStoragePoolsReply> {
        let kinds = KINDS.iter().fold(0, |all, (flag, _)| all | flag);
        let known = kinds | ((VIR_CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART << 1) - 1);
        flags(filter, known, "testConnectListAllStoragePools")?;
        let admits = |pool: &&PoolObject| {
            let PoolObject { active, persistent, autostart, .. } = **pool;
            let kind = pool.definition.kind;
            passes(
                filter,
                &[
                    &[
                        (VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE, active),
                        (VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE, !active),
                    ],
                    &[
                        (VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT, persistent),
                        (VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT, !persistent),
                    ],
                    &[
                        (VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART, autostart),
                        (VIR_CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART, !autostart),
                    ],
                    &KINDS.map(|(flag, of)| (flag, of == kind)),
                ],
            )
        };
        let state = self.state();
        let mut pools: List<_, 16_384> =
            state.pools.iter().filter(admits).map(PoolObject::reference).collect();
        let ret = count(pools.len());
        if need_results == 0 {
            pools = List::default();
        }
        Ok(ConnectListAllStoragePoolsReply { pools, ret })
    }

    async fn connect_find_storage_pool_sources(
        &self,
        _: &Call,
        kind: String,
        source: Option<String>,
        given: u32,
    ) -> Result<String> {
        flags(given, 0, "testConnectFindStoragePoolSources")?;
        let host = source.as_deref().map(source_host).transpose()?.flatten();
        match Kind::from_word(&kind) {
            None if source.is_some() => Err(Error::new(
                ErrorDomain::STORAGE,
                ErrorCode::INTERNAL_ERROR,
                "missing backend for pool type -1",
            )),
            // the reference takes the first kind for none
            Some(Kind::Dir) => Err(internal(format!("unknown storage pool type {kind}"))),
            Some(Kind::Logical) => Ok(logical_sources()),
            Some(Kind::Netfs) => match host {
                Some(host) => Ok(shares_of(&host)),
                None => Err(bad_argument("hostname must be specified for netfs sources")),
            },
            _ => Err(error(
                ErrorCode::NO_SUPPORT,
                format!("pool type '{kind}' does not support source discovery"),
            )),
        }
    }

    async fn storage_pool_create_xml(&self, _: &Call, xml: String, given: u32) -> Result<StoragePoolRef> {
        flags(given, 0, "testStoragePoolCreateXML")?;
        let definition = Pool { sizes: EMPTY, ..Pool::parse(&xml, false)? };
        self.change(|state, events| {
            let adapter = definition.source.adapter.clone();
            let pool = state.assign_pool(definition, true)?;
            let (reference, uuid) = (pool.reference(), pool.definition.uuid);
            if let Some(Adapter::FcHost { wwnn, wwpn, .. }) = &adapter
                && let Err(e) = state.create_vport(wwnn, wwpn, events)
            {
                state.pools.retain(|pool| pool.definition.uuid != uuid);
                return Err(e);
            }
            let pool = state.pool_by_uuid(&uuid)?;
            pool.active = true;
            // one that was defined before is from now on as one that was not, as the reference has it
            pool.persistent = false;
            events.push(pool.lifecycle(VIR_STORAGE_POOL_EVENT_STARTED));
            Ok(reference)
        })
    }

    async fn storage_pool_define_xml(&self, _: &Call, xml: String, given: u32) -> Result<StoragePoolRef> {
        flags(given, VIR_STORAGE_POOL_DEFINE_VALIDATE, "testStoragePoolDefineXML")?;
        let strict = given & VIR_STORAGE_POOL_DEFINE_VALIDATE != 0;
        let definition = Pool { sizes: EMPTY, ..Pool::parse(&xml, strict)? };
        self.change(|state, events| {
            let pool = state.assign_pool(definition, false)?;
            events.push(pool.lifecycle(VIR_STORAGE_POOL_EVENT_DEFINED));
            Ok(pool.reference())
        })
    }

    async fn storage_pool_create(&self, _: &Call, pool: StoragePoolRef, given: u32) -> Result<()> {
        flags(given, 0, "testStoragePoolCreate")?;
        self.change(|state, events| {
            let pool = state.inactive_pool(&pool.name)?;
            pool.active = true;
            events.push(pool.lifecycle(VIR_STORAGE_POOL_EVENT_STARTED));
            Ok(())
        })
    }

    async fn storage_pool_build(&self, _: &Call, pool: StoragePoolRef, given: u32) -> Result<()> {
        self.tell_of_inactive(&pool.name, given, "testStoragePoolBuild", VIR_STORAGE_POOL_EVENT_CREATED)
    }

    async fn storage_pool_delete(&self, _: &Call, pool: StoragePoolRef, given: u32) -> Result<()> {
        self.tell_of_inactive(&pool.name, given, "testStoragePoolDelete", VIR_STORAGE_POOL_EVENT_DELETED)
    }

    async fn storage_pool_destroy(&self, _: &Call, pool: StoragePoolRef) -> Result<()> {
        self.change(|state, events| {
            let found = state.active_pool(&pool.name)?;
            found.active = false;
            if let Some(Adapter::FcHost { .. }) = &found.definition.source.adapter {
                state.destroy_vport(events)?;
            }
            let found = state.pool(&pool.name)?;
            events.push(found.lifecycle(VIR_STORAGE_POOL_EVENT_STOPPED));
            if !found.persistent {
                state.pools.retain(|other| other.definition.name != pool.name);
            }
            Ok(())
        })
    }

    async fn storage_pool_undefine(&self, _: &Call, pool: StoragePoolRef) -> Result<()> {
        self.change(|state, events| {
            events.push(state.inactive_pool(&pool.name)?.lifecycle(VIR_STORAGE_POOL_EVENT_UNDEFINED));
            state.pools.retain(|other| other.definition.name != pool.name);
            Ok(())
        })
    }

    async fn storage_pool_refresh(&self, _: &Call, pool: StoragePoolRef, given: u32) -> Result<()> {
        flags(given, 0, "testStoragePoolRefresh")?;
        self.change(|state, events| {
            let reference = state.active_pool(&pool.name)?.reference();
            events.push(Event::StoragePool(reference, StoragePoolEvent::Refresh {}));
            Ok(())
        })
    }

    async fn storage_pool_lookup_by_name(&self, _: &Call, name: String) -> Result<StoragePoolRef> {
        Ok(self.state().pool(&name)?.reference())
    }

    async fn storage_pool_lookup_by_uuid(&self, _: &Call, uuid: Uuid) -> Result<StoragePoolRef> {
        Ok(self.state().pool_by_uuid(&uuid)?.reference())
    }

    async fn storage_pool_lookup_by_volume(&self, _: &Call, vol: StorageVolRef) -> Result<StoragePoolRef> {
        Ok(self.state().pool(&vol.pool)?.reference())
    }

    async fn storage_pool_get_info(&self, _: &Call, pool: StoragePoolRef) -> Result<StoragePoolGetInfoReply> {
        let mut state = self.state();
        let pool = state.pool(&pool.name)?;
        let Sizes { capacity, allocation, available } = pool.definition.sizes;
        let number = if pool.active { VIR_STORAGE_POOL_RUNNING } else { VIR_STORAGE_POOL_INACTIVE };
        let state = u8::try_from(number).unwrap_or(0);
        Ok(StoragePoolGetInfoReply { state, capacity, allocation, available })
    }

    async fn storage_pool_get_xml_desc(&self, _: &Call, pool: StoragePoolRef, given: u32) -> Result<String> {
        flags(given, 0, "testStoragePoolGetXMLDesc")?;
        Ok(self.state().pool(&pool.name)?.definition.format())
    }

    async fn storage_pool_get_autostart(&self, _: &Call, pool: StoragePoolRef) -> Result<i32> {
        let mut state = self.state();
        let pool = state.pool(&pool.name)?;
        Ok(i32::from(pool.persistent && pool.autostart))
    }

    async fn storage_pool_set_autostart(&self, _: &Call, pool: StoragePoolRef, autostart: i32) -> Result<()> {
        let mut state = self.state();
        let pool = state.pool(&pool.name)?;
        if !pool.persistent {
            return Err(bad_argument("pool has no config file"));
        }
        pool.autostart = autostart != 0;
        Ok(())
    }

    async fn storage_pool_num_of_volumes(&self, _: &Call, pool: StoragePoolRef) -> Result<i32> {
        Ok(count(self.state().active_pool(&pool.name)?.volumes.len()))
    }

    async fn storage_pool_list_volumes(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        max: i32,
    ) -> Result<List<String, 16_384>> {
        let most = usize::try_from(max).unwrap_or(0);
        let mut state = self.state();
        let pool = state.active_pool(&pool.name)?;
        Ok(pool.volumes.iter().map(|volume| volume.name.clone()).take(most).collect())
    }

    async fn storage_pool_list_all_volumes(
        &self,
        _: &Call,
        pool: StoragePoolRef,
        need_results: i32,
        given: u32,
    ) -> Result<StoragePoolListAllVolumesReply> {
        flags(given, 0, "testStoragePoolListAllVolumes")?;
        let mut state = self.state();
        let pool = state.pool_by_uuid(&pool.uuid)?;
        if !pool.active {
            return Err(invalid("storage pool is not active"));
        }
        let mut vols: List<_, 16_384> = pool.volumes.iter().map(|volume| pool.volume_ref(volume)).collect();
        let ret = count(vols.len());
        if need_results == 0 {
            vols = List::default();
        }
        Ok(StoragePoolListAllVolumesReply { vols, ret })
    }

    async fn storage_pool_is_active(&self, _: &Call, pool: StoragePoolRef) -> Result<i32> {
        Ok(i32::from(self.state().pool_by_uuid(&pool.uuid)?.active))
    }

    async fn storage_pool_is_persistent(&self, _: &Call, pool: StoragePoolRef) -> Result<i32> {
        Ok(i32::from(self.state().pool_by_uuid(&pool.uuid)?.persistent))
    }
}

/// The host that a `<source>` document names.
fn source_host(text: &str) -> Result<Option<String>> {
    let document = Document::parse(text, ErrorDomain::STORAGE, &ReadOptions::default())?;
    let host = document.root_named("source")?.child("host");
    if let Some(port) = host.and_then(|host| host.attr("port")).filter(|port| port.parse::<i32>().is_err()) {
        let text =
            format!("Invalid value for attribute 'port' in element 'host': '{port}'. Expected integer value");
        return Err(Error::new(ErrorDomain::STORAGE, ErrorCode::XML_ERROR, text));
    }
    Ok(host.and_then(|host| host.attr("name")).map(str::to_owned))
}

fn sources(write: impl FnOnce(&mut Writer)) -> String {
    let mut w = Writer::new(WriteOptions::default());
    w.start("sources");
    write(&mut w);
    w.end();
    w.finish()
}

fn attribute(w: &mut Writer, element: &'static str, name: &str, value: &str) {
    w.start(element);
    w.attr(name, value);
    w.end();
}

/// The volume groups that the host in memory has.
fn logical_sources() -> String {
    sources(|w| {
        for (device, name) in [("/dev/sda20", "testvg1"), ("/dev/sda21", "testvg2")] {
            w.start("source");
            attribute(w, "device", "path", device);
            w.element_text("name", name);
            attribute(w, "format", "type", "lvm2");
            w.end();
        }
    })
}

/// What every NFS server shares.
fn shares_of(host: &str) -> String {
    sources(|w| {
        w.start("source");
        attribute(w, "host", "name", host);
        attribute(w, "dir", "path", "/testshare");
        attribute(w, "format", "type", "nfs");
        w.end();
    })
}
