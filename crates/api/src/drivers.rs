//! The drivers behind one connection, and the groups of traits each of them implements.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::*;

macro_rules! groups {
    ($($(#[$meta:meta])* $group:ident: $($trait:ident)|+;)*) => {
        $(
            $(#[$meta])*
            pub trait $group: $($trait +)+ 'static {}
            impl<T: $($trait +)+ 'static> $group for T {}
        )*

        /// Every procedure there is.
        pub fn procedures() -> impl Iterator<Item = &'static Procedure> {
            use procedure::Declared;
            [$($(<dyn $trait>::PROCEDURES,)+)*].into_iter().flatten()
        }
    };
}

groups! {
    /// What the daemon answers itself, for each connection.
    SessionGroup: Session | EventRegistration | QemuEventRegistration;
    /// A hypervisor: its host, and the domains on it.
    Hypervisor: Features | Connections | Node | NodeDeviceAssignment | DomainInfo | DomainLifecycle | DomainSave
        | DomainStats | DomainTuning | DomainDevices | DomainBlock | DomainJobs | DomainMigration
        | DomainConsole | DomainAgent | DomainSnapshots | DomainCheckpoints | QemuCalls | LxcCalls;
    /// Virtual networks.
    NetworkGroup: Networks;
    /// Packet filters.
    NetworkFilterGroup: NetworkFilters;
    /// The host's own network interfaces.
    InterfaceGroup: Interfaces;
    /// Storage pools and volumes.
    StorageGroup: StoragePools | StorageVolumes;
    /// The host's devices.
    NodeDeviceGroup: NodeDevices;
    /// Secrets.
    SecretGroup: Secrets;
    /// The daemon's administration.
    AdminGroup: Admin;
}

/// What a hypervisor can do beyond its procedures.
pub trait Features: Send + Sync {
    /// Whether it has the feature of this number (`virDrvFeature`).
    fn supports(&self, feature: i32) -> bool {
        let _ = feature;
        false
    }

    /// Whether its domains have monitors, whose events can be told.
    fn has_monitors(&self) -> bool {
        false
    }
}

impl procedure::Declared for dyn Features {
    const PROCEDURES: &'static [Procedure] = &[];
}

/// The drivers a connection's calls go to. What is missing answers "not supported".
#[derive(Clone, Default)]
#[allow(missing_docs)]
pub struct Drivers {
    pub session: Option<Arc<dyn SessionGroup>>,
    pub hypervisor: Option<Arc<dyn Hypervisor>>,
    pub network: Option<Arc<dyn NetworkGroup>>,
    pub nwfilter: Option<Arc<dyn NetworkFilterGroup>>,
    pub interface: Option<Arc<dyn InterfaceGroup>>,
    pub storage: Option<Arc<dyn StorageGroup>>,
    pub nodedev: Option<Arc<dyn NodeDeviceGroup>>,
    pub secret: Option<Arc<dyn SecretGroup>>,
    pub admin: Option<Arc<dyn AdminGroup>>,
}

impl std::fmt::Debug for Drivers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Drivers")
    }
}

/// The procedure of this number, if there is one.
pub fn find_procedure(program: Program, number: i32) -> Option<&'static Procedure> {
    /// Rows of the table by program, then by number.
    type Table = HashMap<u32, Vec<Option<&'static Procedure>>>;
    static TABLE: OnceLock<Table> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table = Table::new();
        for procedure in procedures() {
            let rows = table.entry(procedure.program.0).or_default();
            let Ok(number) = usize::try_from(procedure.number) else { continue };
            if rows.len() <= number {
                rows.resize(number + 1, None);
            }
            if let Some(row) = rows.get_mut(number) {
                *row = Some(procedure);
            }
        }
        table
    });
    table.get(&program.0)?.get(usize::try_from(number).ok()?).copied().flatten()
}
