//! `libvirt-nodedev.h`: the host's devices.

use std::ffi::{CString, c_int, c_uint};
use std::sync::OnceLock;

use virtus::Result;

use crate::arg::{Names, NonNegative, Out, OutList, Rw, Text};
use crate::connect::Connect;
use crate::ctype::Char;
use crate::declare::exports;
use crate::handle::Of;
use crate::listing::MOST_DEVICES;
use crate::memory;
use crate::object::NodeDevice;
use crate::ret::Lent;

exports! {
    header NODEDEV, errors NODEDEV;

    "0.5.0" fn virNodeNumOfDevices(conn: Of<Connect>, cap: Option<Text>, flags: c_uint) -> c_int
        = conn.node_num_of_devices(cap.as_deref(), flags);
    "0.5.0" fn virNodeListDevices[call](
        conn: Of<Connect>, cap: Option<Text>, names: Names, maxnames: NonNegative<c_int>, flags: c_uint
    ) -> c_int
        = names.list_up_to(MOST_DEVICES, call, maxnames, "names", || conn.node_list_devices(cap.as_deref(), flags));
    "0.10.2" fn virConnectListAllNodeDevices(
        conn: Of<Connect>, devices: OutList<NodeDevice>, flags: c_uint
    ) -> usize
        = devices.fill(&conn, conn.list_all_node_devices(flags)?);

    "0.5.0" fn virNodeDeviceLookupByName(conn: Of<Connect>, name: Text) -> virtus::NodeDevice
        = conn.lookup_node_device_by_name(&name);
    "1.0.3" fn virNodeDeviceLookupSCSIHostByWWN(
        conn: Of<Connect>, wwnn: Text, wwpn: Text, flags: c_uint
    ) -> virtus::NodeDevice
        = conn.lookup_node_device_scsi_host_by_wwn(&wwnn, &wwpn, flags);

    "0.6.3" fn virNodeDeviceCreateXML(conn: Rw<Connect>, xmlDesc: Text, flags: c_uint) -> virtus::NodeDevice
        = conn.create_node_device(&xmlDesc, flags);
    "0.6.3" fn virNodeDeviceDestroy(dev: Rw<NodeDevice>) -> () = dev.destroy();
    "7.3.0" fn virNodeDeviceDefineXML(conn: Rw<Connect>, xmlDesc: Text, flags: c_uint) -> virtus::NodeDevice
        = conn.define_node_device(&xmlDesc, flags);
    "7.3.0" fn virNodeDeviceUndefine(dev: Rw<NodeDevice>, flags: c_uint) -> () = dev.undefine(flags);
    "7.3.0" fn virNodeDeviceCreate(dev: Rw<NodeDevice>, flags: c_uint) -> () = dev.create(flags);
    "10.1.0" fn virNodeDeviceUpdate(dev: Rw<NodeDevice>, xmlDesc: Text, flags: c_uint) -> ()
        = dev.update(&xmlDesc, flags);

    "0.6.1" fn virNodeDeviceDettach(dev: Rw<NodeDevice>) -> () = dev.detach();
    "1.0.5" fn virNodeDeviceDetachFlags(dev: Rw<NodeDevice>, driverName: Option<Text>, flags: c_uint) -> ()
        = dev.detach_flags(driverName.as_deref(), flags);
    "0.6.1" fn virNodeDeviceReAttach(dev: Rw<NodeDevice>) -> () = dev.reattach();
    "0.6.1" fn virNodeDeviceReset(dev: Rw<NodeDevice>) -> () = dev.reset();

    "0.5.0" fn virNodeDeviceFree(dev: Of<NodeDevice>) -> () = dev.free();
    "0.6.0" fn virNodeDeviceRef(dev: Of<NodeDevice>) -> () = dev.add();

    "0.5.0" fn virNodeDeviceGetName(dev: Of<NodeDevice>) -> Lent = Ok(Lent::new(&dev.name));
    "0.5.0" fn virNodeDeviceGetParent(dev: Of<NodeDevice>) -> Lent = parent(&dev);
    "0.5.0" fn virNodeDeviceGetXMLDesc(dev: Of<NodeDevice>, flags: c_uint) -> String = dev.xml(flags);
    "0.5.0" fn virNodeDeviceNumOfCaps(dev: Of<NodeDevice>) -> c_int = dev.num_of_caps();
    "0.5.0" fn virNodeDeviceListCaps[call](
        dev: Of<NodeDevice>, names: Names, maxnames: NonNegative<c_int>
    ) -> c_int
        = names.list_up_to(MOST_DEVICES, call, maxnames, "names", || dev.list_caps());
    "7.8.0" fn virNodeDeviceGetAutostart(dev: Of<NodeDevice>, autostart: Out<c_int>) -> ()
        = dev.autostart().map(|on| autostart.put(on.into()));
    "7.8.0" fn virNodeDeviceSetAutostart(dev: Rw<NodeDevice>, autostart: c_int) -> ()
        = dev.set_autostart(autostart != 0);
    "7.8.0" fn virNodeDeviceIsActive(dev: Of<NodeDevice>) -> bool = dev.is_active();
    "7.8.0" fn virNodeDeviceIsPersistent(dev: Of<NodeDevice>) -> bool = dev.is_persistent();
}

/// The name of what a device is part of, once it was asked for.
#[derive(Debug, Default)]
pub(crate) struct ParentName(OnceLock<Option<CString>>);

/// A device's parent stays the same, and its name belongs to the device: it is asked for once.
fn parent(device: &NodeDevice) -> Result<Lent> {
    if device.parent_name.0.get().is_none() {
        let name = virtus::NodeDevice::parent(device)?;
        // another thread may have been faster, with the same answer
        let _ = device.parent_name.0.set(name.as_deref().map(memory::kept));
    }
    let name = device.parent_name.0.get().and_then(Option::as_ref);
    Ok(name.map_or(Lent(std::ptr::null::<Char>()), |name| Lent::new(name)))
}
