//! What an agent in the guest would do or tell.

use std::net::IpAddr;

use async_trait::async_trait;
use virtus_api::constants::*;
use virtus_api::domain::agent::*;
use virtus_api::{Call, DomainAgent, DomainRef};
use virtus_base::{ErrorCode, Result};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::disk::DiskDevice;
use virtus_conf::domain::device::interface::InterfaceSource;
use virtus_xdr::List;

use crate::domain::Domain;
use crate::error::generic;
use crate::state::State;
use crate::{Driver, error, flags, invalid};

/// The guest's file systems; which of them are frozen is kept in this order.
const MOUNTPOINTS: [&str; 2] = ["/", "/boot"];

/// Freezes or thaws the file systems at `mountpoints`, or all of them, and says how many that changed.
fn set_frozen(domain: &mut Domain, mountpoints: &[String], frozen: bool) -> Result<i32> {
    domain.check_active()?;
    let mut now = domain.frozen;
    if mountpoints.is_empty() {
        now = [frozen; 2];
    }
    for mountpoint in mountpoints {
        let place = MOUNTPOINTS.iter().position(|known| known == mountpoint);
        match place.and_then(|place| now.get_mut(place)) {
            Some(state) => *state = frozen,
            None => return Err(invalid(format!("mount point not found: {mountpoint}"))),
        }
    }
    let changed = now.iter().zip(domain.frozen).filter(|(now, before)| **now != *before).count();
    domain.frozen = now;
    Ok(i32::try_from(changed).unwrap_or(0))
}

#[async_trait]
impl DomainAgent for Driver {
    async fn domain_get_hostname(&self, _: &Call, dom: DomainRef, given: u32) -> Result<String> {
        flags(given, 0, "testDomainGetHostname")?;
        self.state().domain(&dom)?.check_active()?;
        Ok(format!("{}host", dom.name))
    }

    async fn domain_fstrim(
        &self,
        _: &Call,
        dom: DomainRef,
        mount_point: Option<String>,
        _: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "testDomainFSTrim")?;
        self.state().domain(&dom)?.check_active()?;
        match mount_point.filter(|point| !MOUNTPOINTS.contains(&point.as_str())) {
            Some(point) => Err(invalid(format!("mount point not found: {point}"))),
            None => Ok(()),
        }
    }

    async fn domain_fsfreeze(
        &self,
        _: &Call,
        dom: DomainRef,
        mountpoints: List<String, 256>,
        given: u32,
    ) -> Result<i32> {
        flags(given, 0, "testDomainFSFreeze")?;
        set_frozen(self.state().domain(&dom)?, &mountpoints, true)
    }

    async fn domain_fsthaw(
        &self,
        _: &Call,
        dom: DomainRef,
        mountpoints: List<String, 256>,
        given: u32,
    ) -> Result<i32> {
        flags(given, 0, "testDomainFSThaw")?;
        set_frozen(self.state().domain(&dom)?, &mountpoints, false)
    }

    async fn domain_get_time(&self, _: &Call, dom: DomainRef, given: u32) -> Result<DomainGetTimeReply> {
        flags(given, 0, "testDomainGetTime")?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        if domain.state != VIR_DOMAIN_RUNNING {
            return Err(invalid("domain is not running"));
        }
        Ok(DomainGetTimeReply { seconds: domain.seconds, nseconds: domain.nseconds })
    }

    async fn domain_set_time(
        &self,
        _: &Call,
        dom: DomainRef,
        seconds: i64,
        nseconds: u32,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_TIME_SYNC, "testDomainSetTime")?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        domain.check_active()?;
        (domain.seconds, domain.nseconds) = (seconds, nseconds);
        Ok(())
    }

    async fn domain_get_fsinfo(&self, _: &Call, dom: DomainRef, given: u32) -> Result<DomainGetFsinfoReply> {
        flags(given, 0, "testDomainGetFSInfo")?;
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        domain.check_active()?;
        let disk = domain.definition.devices.disks.iter().find(|disk| disk.device == DiskDevice::Disk);
        let info: List<_, 256> = disk
            .into_iter()
            .flat_map(|disk| {
                MOUNTPOINTS.iter().enumerate().map(move |(place, mountpoint)| (disk, place, mountpoint))
            })
            .map(|(disk, place, mountpoint)| DomainFsinfo {
                mountpoint: (*mountpoint).to_owned(),
                name: format!("{}{}", disk.dst(), place + 1),
                fstype: "ext4".to_owned(),
                dev_aliases: List(vec![disk.dst().to_owned()]),
            })
            .collect();
        let ret = u32::try_from(info.len()).unwrap_or(0);
        Ok(DomainGetFsinfoReply { info, ret })
    }

    async fn domain_interface_addresses(
        &self,
        _: &Call,
        dom: DomainRef,
        source: u32,
        given: u32,
    ) -> Result<List<DomainInterface, 2_048>> {
        flags(given, 0, "testDomainInterfaceAddresses")?;
        if source > VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP.cast_unsigned() {
            let text = format!("Unknown IP address data source {source}");
            return Err(error(ErrorCode::ARGUMENT_UNSUPPORTED, text));
        }
        let mut state = self.state();
        let domain = state.domain(&dom)?;
        domain.check_active()?;
        let definition = domain.definition.clone();
        let nets = definition.devices.interfaces.iter().enumerate();
        nets.map(|(place, net)| address(&mut state, &definition, place, net))
            .collect::<Result<Vec<_>>>()
            .map(List)
    }

    async fn domain_set_user_password(
        &self,
        _: &Call,
        dom: DomainRef,
        _: Option<String>,
        _: Option<String>,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_PASSWORD_ENCRYPTED, "testDomainSetUserPassword")?;
        self.state().domain(&dom)?.check_active()
    }
}

/// The address that an interface of the guest has: one of its network, which no other domain's has.
fn address(
    state: &mut State,
    definition: &conf::Domain,
    place: usize,
    net: &conf::device::Interface,
) -> Result<DomainInterface> {
    let (kind, addr, prefix) = match &net.source {
        InterfaceSource::Network(source) => {
            let name = source.network.as_deref().unwrap_or_default();
            let network = &state.network_by_name(name)?.definition;
            let Some(ip) = network.ips.first() else {
                return Err(generic(ErrorCode::INTERNAL_ERROR, format!("network '{name}' has no address")));
            };
            let first =
                ip.dhcp.as_ref().and_then(|dhcp| dhcp.ranges.first()).map_or(ip.address, |range| range.start);
            // every domain has room for 20 interfaces
            let domain = u32::try_from(definition.id.unwrap_or(1).saturating_sub(1)).unwrap_or(0);
            let offset = domain.saturating_mul(20).saturating_add(u32::try_from(place).unwrap_or(0)) + 1;
            let (kind, address) = match first {
                IpAddr::V4(v4) => {
                    (VIR_IP_ADDR_TYPE_IPV4, IpAddr::V4(u32::from(v4).wrapping_add(offset).into()))
                }
                IpAddr::V6(v6) => {
                    let mut octets = v6.octets();
                    if let Some(last) = octets.last_mut() {
                        // the reference counts in one byte, too
                        *last = last.wrapping_add(offset.to_le_bytes().first().copied().unwrap_or(0));
                    }
                    (VIR_IP_ADDR_TYPE_IPV6, IpAddr::V6(octets.into()))
                }
            };
            (kind, address.to_string(), ip.prefix_length().unwrap_or(0))
        }
        _ => (VIR_IP_ADDR_TYPE_IPV4, format!("192.168.0.{}", place + 1), 24),
    };
    Ok(DomainInterface {
        name: net.rest.target_dev.clone().unwrap_or_default(),
        hwaddr: net.mac.as_ref().map(|mac| mac.address.to_string()),
        addrs: List(vec![DomainIpAddr { kind, addr, prefix }]),
    })
}
