//! Events: what Python registers, and how what happened is told to it.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use virtus::{
    Connection, Domain, DomainEvent, ErrorDomain, Event, Network, NetworkEvent, NodeDevice, NodeDeviceEvent,
    Registration, Secret, SecretEvent, StoragePool, StoragePoolEvent, Subject,
};
use virtus_api::event::{DomainEventGraphicsAddress, DomainEventGraphicsIdentity};

use crate::answer::Answer;
use crate::functions::{Arguments, Registry};
use crate::handle;
use crate::site::Site;

/// What an event says, in the order in which callbacks are given it.
macro_rules! all {
    ($py:expr $(, $value:expr)*) => {
        vec![$($value.answer($py)?),*]
    };
}

/// A callback that is registered.
#[pyclass(frozen, module = "libvirt._native")]
#[derive(Debug)]
struct Registered(Registration);

pub(crate) fn add(registry: &Registry<'_, '_>) -> PyResult<()> {
    let site = |function| Site { function, errors: ErrorDomain::NONE };
    registry.add(site("on_event"), on_event)?;
    registry.add(site("virConnectDomainQemuMonitorEventRegister"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let domain = arguments.any()?;
        let event = arguments.take::<Option<&str>>("event")?;
        let flags = arguments.take::<u32>("flags")?;
        let callback = arguments.any()?.unbind();
        arguments.end()?;
        let site = arguments.site();
        let domain = match domain.is_none() {
            true => None,
            false => Some(handle::of::<Domain>(&domain, site)?.get().0.reference().clone()),
        };
        let connection = &handle.get().0;
        let call = || connection.on_monitor_event(domain, event.as_deref(), flags, told(callback));
        let registration = arguments.run(call)?;
        Registered(registration).into_py_any(arguments.py())
    })?;
    registry.add(site("forget"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let registered = arguments.any()?.cast_into::<Registered>()?;
        arguments.end()?;
        let (connection, registration) = (&handle.get().0, registered.get().0);
        arguments.answer(|| connection.forget(registration))
    })?;
    registry.add(site("virConnectRegisterCloseCallback"), |mut arguments| {
        let handle = arguments.object::<Connection>()?;
        let callback = arguments.any()?.unbind();
        arguments.end()?;
        let connection = &handle.get().0;
        arguments.answer(|| {
            connection.on_close(move |_, reason| {
                Python::attach(|py| {
                    if let Err(error) = callback.call1(py, (reason as i32,)) {
                        error.print(py);
                    }
                });
            })
        })
    })
}

/// `on_event(connection, kind, object or None, number, callback)`.
fn on_event(mut arguments: Arguments<'_>) -> PyResult<Py<PyAny>> {
    let connection = arguments.object::<Connection>()?;
    let kind = arguments.take::<&str>("kind")?;
    let object = arguments.any()?;
    let number = arguments.take::<i32>("eventID")?;
    let callback = arguments.any()?.unbind();
    arguments.end()?;
    let site = arguments.site();
    macro_rules! subject {
        ($($name:literal $object:ident $subject:ident;)*) => {
            match kind.as_str() {
                $($name => Subject::$subject(match object.is_none() {
                    true => None,
                    false => Some(handle::of::<$object>(&object, site)?.get().0.reference().clone()),
                }),)*
                other => return Err(PyValueError::new_err(format!("no events of {other}"))),
            }
        };
    }
    let subject = subject! {
        "Domain" Domain Domain;
        "Network" Network Network;
        "StoragePool" StoragePool StoragePool;
        "NodeDevice" NodeDevice NodeDevice;
        "Secret" Secret Secret;
    };
    let connection = &connection.get().0;
    let registration = arguments.run(|| connection.on_event(subject, number, told(callback)))?;
    Registered(registration).into_py_any(arguments.py())
}

/// Tells `callback` what happens: the object, and then what the event says.
fn told(callback: Py<PyAny>) -> impl FnMut(&Connection, &Event) + Send + 'static {
    move |connection, event| {
        Python::attach(|py| {
            let told = arguments(py, connection, event).and_then(|arguments| callback.call1(py, arguments));
            if let Err(error) = told {
                error.print(py);
            }
        });
    }
}

fn arguments<'py>(py: Python<'py>, connection: &Connection, event: &Event) -> PyResult<Bound<'py, PyTuple>> {
    let connection = connection.clone();
    let (object, details) = match event.clone() {
        Event::Domain(domain, event) => {
            (Domain::new(connection, domain).answer(py)?, domain_event(py, event)?)
        }
        Event::Network(network, event) => (
            Network::new(connection, network).answer(py)?,
            match event {
                NetworkEvent::Lifecycle { event, detail } => all!(py, event, detail),
                NetworkEvent::MetadataChange { kind, nsuri } => all!(py, kind, nsuri),
            },
        ),
        Event::StoragePool(pool, event) => (
            StoragePool::new(connection, pool).answer(py)?,
            match event {
                StoragePoolEvent::Lifecycle { event, detail } => all!(py, event, detail),
                StoragePoolEvent::Refresh {} => all!(py),
            },
        ),
        Event::NodeDevice(device, event) => (
            NodeDevice::new(connection, device).answer(py)?,
            match event {
                NodeDeviceEvent::Lifecycle { event, detail } => all!(py, event, detail),
                NodeDeviceEvent::Update {} => all!(py),
            },
        ),
        Event::Secret(secret, event) => (
            Secret::new(connection, secret).answer(py)?,
            match event {
                SecretEvent::Lifecycle { event, detail } => all!(py, event, detail),
                SecretEvent::ValueChanged {} => all!(py),
            },
        ),
        Event::QemuMonitor(domain, event) => (
            Domain::new(connection, domain).answer(py)?,
            all!(py, event.event, event.seconds, event.micros, event.details),
        ),
    };
    let all: Vec<Py<PyAny>> = [object].into_iter().chain(details).collect();
    PyTuple::new(py, all)
}

fn domain_event(py: Python<'_>, event: DomainEvent) -> PyResult<Vec<Py<PyAny>>> {
    use DomainEvent::*;
    Ok(match event {
        Lifecycle { event, detail } => all!(py, event, detail),
        Reboot {} | ControlError {} => all!(py),
        RtcChange { offset } => all!(py, offset),
        Watchdog { action } => all!(py, action),
        IoError { src_path, dev_alias, action } => all!(py, src_path, dev_alias, action),
        Graphics { phase, local, remote, auth_scheme, subject } => {
            all!(py, phase, local, remote, auth_scheme, subject)
        }
        IoErrorReason { src_path, dev_alias, action, reason } => {
            all!(py, src_path, dev_alias, action, reason)
        }
        BlockJob { path, kind, status } => all!(py, path, kind, status),
        BlockJob2 { dst, kind, status } => all!(py, dst, kind, status),
        DiskChange { old_src_path, new_src_path, dev_alias, reason } => {
            all!(py, old_src_path, new_src_path, dev_alias, reason)
        }
        TrayChange { dev_alias, reason } => all!(py, dev_alias, reason),
        Pmwakeup { reason } | Pmsuspend { reason } | PmsuspendDisk { reason } => all!(py, reason),
        BalloonChange { actual } => all!(py, actual),
        DeviceRemoved { dev_alias } | DeviceAdded { dev_alias } | DeviceRemovalFailed { dev_alias } => {
            all!(py, dev_alias)
        }
        Tunable { params } => all!(py, params.0),
        JobCompleted { params } => all!(py, params.0),
        AgentLifecycle { state, reason } => all!(py, state, reason),
        MigrationIteration { iteration } => all!(py, iteration),
        MetadataChange { kind, nsuri } => all!(py, kind, nsuri),
        BlockThreshold { dev, path, threshold, excess } => all!(py, dev, path, threshold, excess),
        MemoryFailure { recipient, action, flags } => all!(py, recipient, action, flags),
        MemoryDeviceSizeChange { alias, size } => all!(py, alias, size),
        NicMacChange { alias, old_mac, new_mac } => all!(py, alias, old_mac, new_mac),
    })
}

impl Answer for DomainEventGraphicsAddress {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let address = PyDict::new(py);
        address.set_item("family", self.family)?;
        address.set_item("node", self.node)?;
        address.set_item("service", self.service)?;
        address.into_py_any(py)
    }
}

impl Answer for DomainEventGraphicsIdentity {
    fn answer(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        (self.kind, self.name).answer(py)
    }
}
