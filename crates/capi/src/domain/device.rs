//! Devices that join, leave and change.

use std::ffi::c_uint;

use crate::arg::{Later, Text};
use crate::declare::exports;
use crate::object::Domain;

exports! {
    header DOMAIN, errors DOMAIN;

    "0.1.9" fn virDomainAttachDevice(domain: Later<Domain>, xml: Text) -> () = domain.attach_device(&xml);
    "0.7.7" fn virDomainAttachDeviceFlags(domain: Later<Domain>, xml: Text, flags: c_uint) -> ()
        = domain.attach_device_flags(&xml, flags);
    "0.1.9" fn virDomainDetachDevice(domain: Later<Domain>, xml: Text) -> () = domain.detach_device(&xml);
    "0.7.7" fn virDomainDetachDeviceFlags(domain: Later<Domain>, xml: Text, flags: c_uint) -> ()
        = domain.detach_device_flags(&xml, flags);
    "4.4.0" fn virDomainDetachDeviceAlias(domain: Later<Domain>, alias: Text, flags: c_uint) -> ()
        = domain.detach_device_alias(&alias, flags);
    "0.8.0" fn virDomainUpdateDeviceFlags(domain: Later<Domain>, xml: Text, flags: c_uint) -> ()
        = domain.update_device_flags(&xml, flags);
}
