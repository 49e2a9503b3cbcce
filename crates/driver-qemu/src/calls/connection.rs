//! Calls about the hypervisor: what it is and can do.

use std::path::Path;
use std::sync::Arc;

use virtus_api::connection::ConnectGetCpuModelNamesReply;
use virtus_api::{Call, Connections};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_host::node::KvmFacts;
use virtus_xdr::List;

use crate::Driver;
use crate::capabilities::{ProbedEmulator, document};
use crate::emulator::Environment as _;

use super::cpu::Asked;

/// How many vCPUs a guest without KVM can have, whatever its machine.
const TCG_MAX_VCPUS: i32 = 16;

impl Driver {
    /// The emulator for guests of the host's own architecture.
    async fn own_emulator(&self) -> Result<Arc<ProbedEmulator>> {
        let emulators = &self.setup.emulators;
        let path = emulators.default_emulator(std::env::consts::ARCH).ok_or_else(|| {
            Error::new(
                ErrorDomain::QEMU,
                ErrorCode::INTERNAL_ERROR,
                "Cannot find suitable emulator for the host",
            )
        })?;
        emulators.get(Path::new(&path)).await
    }
}

#[async_trait::async_trait]
impl Connections for Driver {
    async fn connect_get_type(&self, _: &Call) -> Result<String> {
        Ok("QEMU".into())
    }

    async fn connect_get_version(&self, _: &Call) -> Result<u64> {
        Ok(self.own_emulator().await?.capabilities.version)
    }

    async fn connect_get_lib_version(&self, _: &Call) -> Result<u64> {
        Ok(crate::LIBVIRT_VERSION)
    }

    async fn connect_get_hostname(&self, _: &Call) -> Result<String> {
        Ok(self.hostname.clone())
    }

    async fn connect_get_uri(&self, _: &Call) -> Result<String> {
        Ok(self.setup.uri.clone())
    }

    async fn connect_get_max_vcpus(&self, _: &Call, kind: Option<String>) -> Result<i32> {
        match kind.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("qemu") => Ok(TCG_MAX_VCPUS),
            Some("kvm") => {
                let kvm = KvmFacts::probe().ok_or_else(|| {
                    Error::new(
                        ErrorDomain::NONE,
                        ErrorCode::SYSTEM_ERROR,
                        "Unable to open /dev/kvm: No such file or directory",
                    )
                })?;
                Ok(i32::try_from(kvm.max_vcpus).unwrap_or(i32::MAX))
            }
            Some(_) => Err(Error::new(
                ErrorDomain::QEMU,
                ErrorCode::INVALID_ARG,
                format!("unknown type '{}'", kind.unwrap_or_default()),
            )),
        }
    }

    async fn connect_get_capabilities(&self, _: &Call) -> Result<String> {
        let mut emulators = Vec::new();
        for (arch, path) in self.setup.emulators.found() {
            match self.setup.emulators.get(&path).await {
                Ok(emulator) => emulators.push((arch.to_owned(), emulator)),
                // one that is broken says nothing about the others
                Err(e) => tracing::warn!("{}", e.message()),
            }
        }
        let host = document::HostFacts {
            uuid: virtus_host::node::host_uuid(false),
            topology: self.setup.node.topology(),
            user: self.setup.user.as_ref().map(|user| (user.uid, user.gid)),
        };
        Ok(document::format(&host, &emulators))
    }

    async fn connect_get_sysinfo(&self, _: &Call, flags: u32) -> Result<String> {
        Error::check_flags(ErrorDomain::QEMU, flags, 0, "qemuConnectGetSysinfo")?;
        Err(Error::new(
            ErrorDomain::QEMU,
            ErrorCode::CONFIG_UNSUPPORTED,
            "Host SMBIOS information is not available",
        ))
    }

    async fn connect_get_cpu_model_names(
        &self,
        _: &Call,
        arch: String,
        need: i32,
        flags: u32,
    ) -> Result<ConnectGetCpuModelNamesReply> {
        self.cpu_model_names(&arch, need != 0, flags)
    }

    async fn connect_compare_cpu(&self, _: &Call, xml: String, flags: u32) -> Result<i32> {
        self.compare_cpu(&xml, flags)
    }

    async fn connect_baseline_cpu(&self, _: &Call, cpus: List<String, 256>, flags: u32) -> Result<String> {
        self.baseline_cpu(&cpus, flags)
    }

    async fn connect_get_domain_capabilities(
        &self,
        _: &Call,
        emulator: Option<String>,
        arch: Option<String>,
        machine: Option<String>,
        virt: Option<String>,
        flags: u32,
    ) -> Result<String> {
        self.domain_capabilities(&Asked { emulator, arch, machine, virt }, flags).await
    }

    async fn connect_compare_hypervisor_cpu(
        &self,
        _: &Call,
        emulator: Option<String>,
        arch: Option<String>,
        machine: Option<String>,
        virt: Option<String>,
        xml: String,
        flags: u32,
    ) -> Result<i32> {
        self.compare_hypervisor_cpu(&Asked { emulator, arch, machine, virt }, &xml, flags).await
    }

    async fn connect_baseline_hypervisor_cpu(
        &self,
        _: &Call,
        emulator: Option<String>,
        arch: Option<String>,
        machine: Option<String>,
        virt: Option<String>,
        cpus: List<String, 256>,
        flags: u32,
    ) -> Result<String> {
        self.baseline_hypervisor_cpu(&Asked { emulator, arch, machine, virt }, &cpus, flags).await
    }
}
