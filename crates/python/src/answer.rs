//! What calls return, for Python: records become tuples, in the order of their fields.

use std::os::fd::{IntoRawFd, OwnedFd};

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use virtus::types::*;
use virtus::{CharArray, DomainRef, List, Opaque, TypedParam, TypedValue};

use crate::handle::Held;

/// A result that Python can be given.
pub(crate) trait Answer {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>>;
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Answer for $type {
            fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                self.into_py_any(py)
            }
        }
    )*};
}

plain!(i32, u32, i64, u64, String, Option<String>);

/// Nothing is 0, as C says it.
impl Answer for () {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        0_i32.into_py_any(py)
    }
}

impl Answer for bool {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        i32::from(self).into_py_any(py)
    }
}

/// A descriptor, which is the program's from now on.
impl Answer for OwnedFd {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.into_raw_fd().into_py_any(py)
    }
}

impl<T: Answer> Answer for Vec<T> {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let list = PyList::empty(py);
        for one in self {
            list.append(one.answer(py)?)?;
        }
        list.into_py_any(py)
    }
}

impl<T: Answer, const MAX: usize> Answer for List<T, MAX> {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.answer(py)
    }
}

impl Answer for Vec<u8> {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        PyBytes::new(py, &self).into_py_any(py)
    }
}

impl<const MAX: usize> Answer for Opaque<MAX> {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.answer(py)
    }
}

impl<A: Answer, B: Answer> Answer for (A, B) {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        PyTuple::new(py, [self.0.answer(py)?, self.1.answer(py)?])?.into_py_any(py)
    }
}

impl Answer for TypedValue {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            TypedValue::Int(value) => value.into_py_any(py),
            TypedValue::UInt(value) => value.into_py_any(py),
            TypedValue::LLong(value) => value.into_py_any(py),
            TypedValue::ULLong(value) => value.into_py_any(py),
            TypedValue::Double(value) => value.into_py_any(py),
            TypedValue::Boolean(value) => value.into_py_any(py),
            TypedValue::String(value) => value.into_py_any(py),
        }
    }
}

/// Parameters, by their names.
impl Answer for Vec<TypedParam> {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let named = PyDict::new(py);
        for parameter in self {
            named.set_item(parameter.field, parameter.value.answer(py)?)?;
        }
        named.into_py_any(py)
    }
}

/// Parameters in their order, of which some have the same name.
pub(crate) struct Pair(TypedParam);

impl Answer for Pair {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        (self.0.field, self.0.value).answer(py)
    }
}

fn pairs<const MAX: usize>(parameters: List<TypedParam, MAX>) -> Vec<Pair> {
    parameters.0.into_iter().map(Pair).collect()
}

fn named<const MAX: usize>(parameters: List<TypedParam, MAX>) -> Vec<TypedParam> {
    parameters.0
}

/// C's characters up to the first NUL.
fn characters(bytes: impl std::ops::Deref<Target = Vec<u8>>) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

fn model<const N: usize>(characters: CharArray<N>) -> String {
    characters.text()
}

/// How an object is named in calls; the function `domain` makes one of it.
impl Answer for DomainRef {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let fields = [self.name.answer(py)?, self.uuid.0.to_vec().answer(py)?, self.id.answer(py)?];
        PyTuple::new(py, fields)?.into_py_any(py)
    }
}

macro_rules! objects {
    ($($object:ident),*) => {$(
        impl Answer for virtus::$object {
            fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                Ok(self.hold(py)?.into_any())
            }
        }
    )*};
}

objects!(
    Connection,
    Domain,
    DomainCheckpoint,
    DomainSnapshot,
    Interface,
    Network,
    NetworkPort,
    NodeDevice,
    NwFilter,
    NwFilterBinding,
    Secret,
    StoragePool,
    StorageVolume
);

/// Records: their fields in order; after a colon what is made of a field first.
macro_rules! records {
    ($($record:ident { $($field:ident $(: $made:path)?),* })*) => {$(
        impl Answer for $record {
            fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                let fields = [$(records!(@field self.$field $(, $made)?).answer(py)?),*];
                PyTuple::new(py, fields)?.into_py_any(py)
            }
        }
    )*};
    (@field $value:expr) => { $value };
    (@field $value:expr, $made:path) => { $made($value) };
}

records! {
    DomainFsinfo { mountpoint, name, fstype, dev_aliases }
    DomainGetTimeReply { seconds, nseconds }
    DomainInterface { name, hwaddr, addrs }
    DomainIpAddr { kind, addr, prefix }
    DomainDiskError { disk, error }
    DomainGetBlockInfoReply { capacity, allocation, physical }
    DomainGetBlockJobInfoReply { found, kind, bandwidth, cur, end }
    DomainGetControlInfoReply { state, details, state_time }
    DomainGetInfoReply { state: i32::from, max_mem, memory, nr_virt_cpu: u32::from, cpu_time }
    DomainGetStateReply { state, reason }
    DomainGetJobInfoReply {
        kind, time_elapsed, time_remaining, data_total, data_processed, data_remaining, mem_total, mem_processed,
        mem_remaining, file_total, file_processed, file_remaining
    }
    DomainGetJobStatsReply { kind, params: named }
    DomainBlockStatsReply { rd_req, rd_bytes, wr_req, wr_bytes, errs }
    DomainGetCpuStatsReply { params: pairs, nparams }
    DomainInterfaceStatsReply { rx_bytes, rx_packets, rx_errs, rx_drop, tx_bytes, tx_packets, tx_errs, tx_drop }
    DomainMemoryStat { tag, val }
    DomainGetEmulatorPinInfoReply { cpumaps, ret }
    DomainGetSchedulerTypeReply { kind, nparams }
    DomainGetSecurityLabelReply { label: characters, enforcing }
    DomainGetVcpuPinInfoReply { cpumaps, num }
    DomainGetVcpusReply { info, cpumaps }
    DomainIothreadInfo { iothread_id, cpumap }
    VcpuInfo { number, state, cpu_time, cpu }
    NetworkDhcpLease { iface, expirytime, kind, mac, iaid, ipaddr, prefix, hostname, clientid }
    NodeGetCpuMapReply { cpumap, online, ret }
    NodeGetCpuStats { field, value }
    NodeGetMemoryStats { field, value }
    NodeGetInfoReply { model: model, memory, cpus, mhz, nodes, sockets, cores, threads }
    NodeGetSecurityModelReply { model: characters, doi: characters }
    DomainStatsRecord { dom, params: named }
    DomainMigratePrepareReply { cookie, uri_out }
    DomainMigratePrepare2Reply { cookie, uri_out }
    DomainMigratePrepare3Reply { cookie_out, uri_out }
    DomainMigratePrepare3ParamsReply { cookie_out, uri_out }
    DomainMigrateBegin3Reply { cookie_out, xml }
    DomainMigrateBegin3ParamsReply { cookie_out, xml }
    DomainMigrateFinish3Reply { dom, cookie_out }
    DomainMigrateFinish3ParamsReply { dom, cookie_out }
    StoragePoolGetInfoReply { state: i32::from, capacity, allocation, available }
    StorageVolGetInfoReply { kind: i32::from, capacity, allocation }
    StorageVolGetInfoFlagsReply { kind: i32::from, capacity, allocation }
}
