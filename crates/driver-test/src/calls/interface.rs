//! The host's network interfaces, and changes to them that can be taken back.

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::interface::ConnectListAllInterfacesReply;
use virtus_api::{Call, InterfaceRef, Interfaces};
use virtus_base::{ErrorCode, Result};
use virtus_conf::interface::Interface;
use virtus_xdr::List;

use crate::state::{InterfaceObject, State};
use crate::{Driver, count, error, flags, invalid, passes};

impl InterfaceObject {
    fn reference(&self) -> InterfaceRef {
        InterfaceRef {
            name: self.definition.name.clone(),
            mac: self.definition.mac().unwrap_or_default().to_owned(),
        }
    }
}

impl State {
    fn interface(&mut self, name: &str) -> Result<&mut InterfaceObject> {
        let found = self.interfaces.iter_mut().find(|interface| interface.definition.name == name);
        found.ok_or_else(|| {
            error(ErrorCode::NO_INTERFACE, format!("no interface with matching name '{name}'"))
        })
    }

    /// Puts a definition in the list, in the place of the one of its name.
    pub(crate) fn assign_interface(&mut self, definition: Interface) -> InterfaceRef {
        let mut object = InterfaceObject { definition, active: false };
        let reference = object.reference();
        match self.interface(&reference.name) {
            Ok(found) => {
                object.active = found.active;
                *found = object;
            }
            Err(_) => self.interfaces.push(object),
        }
        reference
    }
}

impl Driver {
    fn interface_names(&self, active: bool, max: i32) -> List<String, 16_384> {
        let most = usize::try_from(max).unwrap_or(0);
        let state = self.state();
        let listed = state.interfaces.iter().filter(|interface| interface.active == active);
        listed.map(|interface| interface.definition.name.clone()).take(most).collect()
    }

    fn interface_count(&self, active: bool) -> i32 {
        count(self.state().interfaces.iter().filter(|interface| interface.active == active).count())
    }

    /// Starts or stops an interface that is not so already.
    fn set_interface(&self, name: &str, active: bool) -> Result<()> {
        let mut state = self.state();
        let interface = state.interface(name)?;
        if interface.active == active {
            return Err(invalid(""));
        }
        interface.active = active;
        Ok(())
    }
}

#[async_trait]
impl Interfaces for Driver {
    async fn connect_num_of_interfaces(&self, _: &Call) -> Result<i32> {
        Ok(self.interface_count(true))
    }

    async fn connect_list_interfaces(&self, _: &Call, max: i32) -> Result<List<String, 16_384>> {
        Ok(self.interface_names(true, max))
    }

    async fn connect_num_of_defined_interfaces(&self, _: &Call) -> Result<i32> {
        Ok(self.interface_count(false))
    }

    async fn connect_list_defined_interfaces(&self, _: &Call, max: i32) -> Result<List<String, 16_384>> {
        Ok(self.interface_names(false, max))
    }

    async fn connect_list_all_interfaces(
        &self,
        _: &Call,
        need_results: i32,
        filter: u32,
    ) -> Result<ConnectListAllInterfacesReply> {
        let (active, inactive) = (VIR_CONNECT_LIST_INTERFACES_ACTIVE, VIR_CONNECT_LIST_INTERFACES_INACTIVE);
        flags(filter, active | inactive, "testConnectListAllInterfaces")?;
        let state = self.state();
        let wanted = |interface: &&InterfaceObject| {
            passes(filter, &[&[(active, interface.active), (inactive, !interface.active)]])
        };
        let mut ifaces: List<_, 16_384> =
            state.interfaces.iter().filter(wanted).map(InterfaceObject::reference).collect();
        let ret = count(ifaces.len());
        if need_results == 0 {
            ifaces = List::default();
        }
        Ok(ConnectListAllInterfacesReply { ifaces, ret })
    }

    async fn interface_lookup_by_name(&self, _: &Call, name: String) -> Result<InterfaceRef> {
        Ok(self.state().interface(&name)?.reference())
    }

    async fn interface_lookup_by_mac_string(&self, _: &Call, mac: String) -> Result<InterfaceRef> {
        let state = self.state();
        let same = |interface: &&InterfaceObject| {
            interface.definition.mac().is_some_and(|own| own.eq_ignore_ascii_case(&mac))
        };
        let mut found = state.interfaces.iter().filter(same);
        match (found.next(), found.next()) {
            (None, _) => {
                Err(error(ErrorCode::NO_INTERFACE, format!("no interface with matching mac '{mac}'")))
            }
            (Some(_), Some(_)) => Err(error(ErrorCode::MULTIPLE_INTERFACES, "")),
            (Some(interface), None) => Ok(InterfaceRef { name: interface.definition.name.clone(), mac }),
        }
    }

    async fn interface_get_xml_desc(&self, _: &Call, iface: InterfaceRef, given: u32) -> Result<String> {
        flags(given, 0, "testInterfaceGetXMLDesc")?;
        Ok(self.state().interface(&iface.name)?.definition.format())
    }

    async fn interface_define_xml(&self, _: &Call, xml: String, given: u32) -> Result<InterfaceRef> {
        flags(given, VIR_INTERFACE_DEFINE_VALIDATE, "testInterfaceDefineXML")?;
        let definition = Interface::parse(&xml, given & VIR_INTERFACE_DEFINE_VALIDATE != 0)?;
        Ok(self.state().assign_interface(definition))
    }

    async fn interface_undefine(&self, _: &Call, iface: InterfaceRef) -> Result<()> {
        let mut state = self.state();
        state.interface(&iface.name)?;
        state.interfaces.retain(|interface| interface.definition.name != iface.name);
        Ok(())
    }

    async fn interface_create(&self, _: &Call, iface: InterfaceRef, given: u32) -> Result<()> {
        flags(given, 0, "testInterfaceCreate")?;
        self.set_interface(&iface.name, true)
    }

    async fn interface_destroy(&self, _: &Call, iface: InterfaceRef, given: u32) -> Result<()> {
        flags(given, 0, "testInterfaceDestroy")?;
        self.set_interface(&iface.name, false)
    }

    async fn interface_is_active(&self, _: &Call, iface: InterfaceRef) -> Result<i32> {
        Ok(i32::from(self.state().interface(&iface.name)?.active))
    }

    async fn interface_change_begin(&self, _: &Call, given: u32) -> Result<()> {
        flags(given, 0, "testInterfaceChangeBegin")?;
        let mut state = self.state();
        if state.interfaces_before.is_some() {
            return Err(invalid("there is another transaction running."));
        }
        // what is kept is how they are configured: taken back, none of them is active
        let mut before = state.interfaces.clone();
        before.iter_mut().for_each(|interface| interface.active = false);
        state.interfaces_before = Some(before);
        Ok(())
    }

    async fn interface_change_commit(&self, _: &Call, given: u32) -> Result<()> {
        flags(given, 0, "testInterfaceChangeCommit")?;
        match self.state().interfaces_before.take() {
            Some(_) => Ok(()),
            None => Err(invalid("no transaction running, nothing to be committed.")),
        }
    }

    async fn interface_change_rollback(&self, _: &Call, given: u32) -> Result<()> {
        flags(given, 0, "testInterfaceChangeRollback")?;
        let mut state = self.state();
        let before = state.interfaces_before.take();
        state.interfaces = before.ok_or_else(|| invalid("no transaction running, nothing to rollback."))?;
        Ok(())
    }
}
