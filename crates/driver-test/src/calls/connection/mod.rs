//! Calls about the host and the hypervisor on it.

use async_trait::async_trait;
use virtus_api::connection::ConnectGetCpuModelNamesReply;
use virtus_api::constants::VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES;
use virtus_api::node::*;
use virtus_api::{Call, Connections, Features, Node};
use virtus_base::{Error, ErrorDomain, Result};
use virtus_xdr::{CharArray, Chars, List, Opaque};

use crate::{Driver, LIBVIRT_VERSION, bad_argument, count, flags};

mod capabilities;

/// What every host in memory says of its firmware.
const SYSINFO: &str = "<sysinfo type='smbios'>
  <bios>
    <entry name='vendor'>LENOVO</entry>
    <entry name='version'>G4ETA1WW (2.61 )</entry>
    <entry name='date'>05/07/2014</entry>
    <entry name='release'>2.61</entry>
  </bios>
</sysinfo>
";
/// How many vCPUs a domain can have.
pub(crate) const MOST_VCPUS: u32 = 32;
/// How long its processors have done what, in nanoseconds.
const CPU_STATS: [(&str, u64); 4] = [
    ("user", 9_797_400_000),
    ("kernel", 34_678_723_400_000),
    ("idle", 87_264_900_000),
    ("iowait", 763_600_000),
];

impl Features for Driver {
    fn supports(&self, feature: i32) -> bool {
        /// `VIR_DRV_FEATURE_TYPED_PARAM_STRING`.
        const TYPED_PARAM_STRING: i32 = 9;
        /// `VIR_DRV_FEATURE_NETWORK_UPDATE_HAS_CORRECT_ORDER`.
        const NETWORK_UPDATE_ORDER: i32 = 16;
        [TYPED_PARAM_STRING, NETWORK_UPDATE_ORDER].contains(&feature)
    }
}

#[async_trait]
impl Connections for Driver {
    async fn connect_get_type(&self, _: &Call) -> Result<String> {
        Ok("TEST".to_owned())
    }

    async fn connect_get_version(&self, _: &Call) -> Result<u64> {
        Ok(2)
    }

    async fn connect_get_lib_version(&self, _: &Call) -> Result<u64> {
        Ok(LIBVIRT_VERSION)
    }

    async fn connect_get_hostname(&self, _: &Call) -> Result<String> {
        Ok(rustix::system::uname().nodename().to_string_lossy().into_owned())
    }

    async fn connect_get_uri(&self, _: &Call) -> Result<String> {
        Ok(self.0.uri.clone())
    }

    async fn connect_get_max_vcpus(&self, _: &Call, _: Option<String>) -> Result<i32> {
        Ok(MOST_VCPUS.cast_signed())
    }

    async fn connect_get_capabilities(&self, _: &Call) -> Result<String> {
        Ok(capabilities::host(&self.state().cells))
    }

    async fn connect_get_sysinfo(&self, _: &Call, given: u32) -> Result<String> {
        flags(given, 0, "testConnectGetSysinfo")?;
        Ok(SYSINFO.to_owned())
    }

    async fn connect_get_cpu_model_names(
        &self,
        _: &Call,
        arch: String,
        need: i32,
        given: u32,
    ) -> Result<ConnectGetCpuModelNamesReply> {
        flags(given, 0, "testConnectGetCPUModelNames")?;
        if !virtus_conf::is_architecture(&arch) {
            return Err(bad_argument(format!("cannot find architecture {arch}")));
        }
        let models: List<String, 8_192> = virtus_cpu::models(&arch)?.into_iter().map(Into::into).collect();
        let ret = count(models.len());
        Ok(ConnectGetCpuModelNamesReply { models: if need == 0 { List::default() } else { models }, ret })
    }

    async fn connect_baseline_cpu(&self, _: &Call, cpus: List<String, 256>, given: u32) -> Result<String> {
        flags(given, VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES, "testConnectBaselineCPU")?;
        let read = |xml: &String| virtus_cpu::Definition::parse(xml, Some(virtus_cpu::Kind::Host), false);
        let cpus = cpus.iter().map(read).collect::<Result<Vec<_>>>()?;
        let mut cpu = virtus_cpu::baseline(None, &cpus, &virtus_cpu::Limits::default())?;
        if given & VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES != 0 {
            let arch = cpus.first().and_then(|cpu| cpu.arch.as_deref()).unwrap_or_default();
            cpu = virtus_cpu::expand(arch, cpu)?;
        }
        Ok(cpu.format())
    }

    async fn connect_get_domain_capabilities(
        &self,
        _: &Call,
        emulator: Option<String>,
        arch: Option<String>,
        machine: Option<String>,
        virt_type: Option<String>,
        given: u32,
    ) -> Result<String> {
        flags(given, 0, "testConnectGetDomainCapabilities")?;
        capabilities::domain(emulator.as_deref(), arch.as_deref(), machine.as_deref(), virt_type.as_deref())
    }
}

#[async_trait]
impl Node for Driver {
    async fn node_get_info(&self, _: &Call) -> Result<NodeGetInfoReply> {
        let node = self.state().node.clone();
        Ok(NodeGetInfoReply {
            model: CharArray::new(&node.model),
            memory: node.memory,
            cpus: node.cpus,
            mhz: node.mhz,
            nodes: node.nodes,
            sockets: node.sockets,
            cores: node.cores,
            threads: node.threads,
        })
    }

    async fn node_get_cells_free_memory(
        &self,
        _: &Call,
        start_cell: i32,
        maxcells: i32,
    ) -> Result<List<u64, 1_024>> {
        if start_cell < 0 {
            let function = "virNodeGetCellsFreeMemory";
            let text = format!("startCell in {function} must be zero or greater");
            return Err(Error::invalid_argument(ErrorDomain::NONE, function, "startCell", text));
        }
        let state = self.state();
        let start = usize::try_from(start_cell).ok().filter(|start| *start < state.cells.len());
        let start = start.ok_or_else(|| bad_argument("Range exceeds available cells"))?;
        let most = usize::try_from(maxcells).unwrap_or(0);
        Ok(state.cells.iter().skip(start).take(most).map(|cell| cell.memory).collect())
    }

    async fn node_get_free_memory(&self, _: &Call) -> Result<u64> {
        Ok(self.state().cells.iter().map(|cell| cell.free).sum())
    }

    async fn node_get_security_model(&self, _: &Call) -> Result<NodeGetSecurityModelReply> {
        let chars = |text: &str| Chars(format!("{text}\0").into_bytes());
        Ok(NodeGetSecurityModelReply { model: chars("testSecurity"), doi: chars("") })
    }

    async fn node_get_cpu_stats(
        &self,
        _: &Call,
        _: i32,
        nparams: i32,
        given: u32,
    ) -> Result<NodeGetCpuStatsReply> {
        flags(given, 0, "testNodeGetCPUStats")?;
        let asked = usize::try_from(nparams).unwrap_or(0);
        let stat =
            |(field, value): &(&str, u64)| NodeGetCpuStats { field: (*field).to_owned(), value: *value };
        let params: List<_, 16> = CPU_STATS.iter().take(asked).map(stat).collect();
        let nparams = if asked == 0 { CPU_STATS.len() } else { params.len() };
        Ok(NodeGetCpuStatsReply { params, nparams: count(nparams) })
    }

    async fn node_get_cpu_map(
        &self,
        _: &Call,
        need_map: i32,
        need_online: i32,
        given: u32,
    ) -> Result<NodeGetCpuMapReply> {
        flags(given, 0, "testNodeGetCPUMap")?;
        let cpumap = Opaque(if need_map != 0 { vec![0b1_0101] } else { Vec::new() });
        Ok(NodeGetCpuMapReply { cpumap, online: if need_online != 0 { 3 } else { 0 }, ret: 8 })
    }

    async fn node_get_free_pages(
        &self,
        _: &Call,
        pages: List<u32, 1_024>,
        start_cell: i32,
        cell_count: u32,
        given: u32,
    ) -> Result<List<u64, 1_024>> {
        flags(given, 0, "testNodeGetFreePages")?;
        // each page's number follows from the one before, and each cell begins with another
        let mut counts = Vec::new();
        for cell in 0..i32::try_from(cell_count).unwrap_or(i32::MAX) {
            let mut x = start_cell.wrapping_add(cell).wrapping_mul(6);
            for _ in pages.iter() {
                x = x.wrapping_mul(2).wrapping_add(7);
                counts.push(i64::from(x).cast_unsigned());
            }
            if counts.len() > 1_024 {
                return Err(bad_argument("too many pages"));
            }
        }
        Ok(List(counts))
    }
}
