//! Calls about the host: processors and memory. All are answered from what is known already.

use virtus_api::node::*;
use virtus_api::{Call, Node};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam, TypedValue};
use virtus_xdr::{CharArray, Chars, List, Opaque};

use crate::Driver;

/// The `nth` cell or CPU may be asked for as "all of them" (`-1`).
fn one_or_all(number: i32) -> Option<u32> {
    u32::try_from(number).ok()
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::NONE, ErrorCode::INVALID_ARG, text)
}

#[async_trait::async_trait]
impl Node for Driver {
    async fn node_get_info(&self, _: &Call) -> Result<NodeGetInfoReply> {
        let t = self.setup.node.topology();
        let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        Ok(NodeGetInfoReply {
            model: CharArray::new(&t.machine),
            memory: t.memory_kib,
            cpus: number(t.online_count),
            mhz: number(t.mhz),
            nodes: number(t.nodes),
            sockets: number(t.sockets),
            cores: number(t.cores),
            threads: number(t.threads),
        })
    }

    async fn node_get_cells_free_memory(&self, _: &Call, start: i32, max: i32) -> Result<List<u64, 1_024>> {
        let start = u32::try_from(start)
            .map_err(|_| invalid("startCell in virNodeGetCellsFreeMemory must be zero or greater"))?;
        let max = u32::try_from(max).ok().filter(|m| *m > 0);
        let max =
            max.ok_or_else(|| invalid("maxCells in virNodeGetCellsFreeMemory must be greater than zero"))?;
        self.setup.node.cells_free_memory(start, max).map(List)
    }

    async fn node_get_free_memory(&self, _: &Call) -> Result<u64> {
        self.setup.node.free_memory()
    }

    async fn node_get_security_model(&self, _: &Call) -> Result<NodeGetSecurityModelReply> {
        Ok(NodeGetSecurityModelReply { model: Chars(b"none\0".to_vec()), doi: Chars(b"0\0".to_vec()) })
    }

    async fn node_get_cpu_stats(
        &self,
        _: &Call,
        cpu: i32,
        nparams: i32,
        flags: u32,
    ) -> Result<NodeGetCpuStatsReply> {
        Error::check_flags(ErrorDomain::NONE, flags, 0, "virHostCPUGetStatsLinux")?;
        const FIELDS: i32 = 4;
        if nparams == 0 {
            // how many there are is told of a processor that is not there, too
            return Ok(NodeGetCpuStatsReply { params: [].into_iter().collect(), nparams: FIELDS });
        }
        if nparams != FIELDS {
            let function = "virHostCPUGetStatsLinux";
            let text = format!("nparams in {function} must be equal to {FIELDS}");
            return Err(Error::invalid_arg(ErrorDomain::NONE, function, "nparams", text));
        }
        let stats = self.setup.node.cpu_stats(one_or_all(cpu))?;
        let fields =
            [("kernel", stats.kernel), ("user", stats.user), ("idle", stats.idle), ("iowait", stats.iowait)];
        let stats = fields.map(|(field, value)| NodeGetCpuStats { field: field.to_owned(), value });
        Ok(NodeGetCpuStatsReply { params: stats.into_iter().collect(), nparams: FIELDS })
    }

    async fn node_get_memory_stats(
        &self,
        _: &Call,
        nparams: i32,
        cell: i32,
        flags: u32,
    ) -> Result<NodeGetMemoryStatsReply> {
        Error::check_flags(ErrorDomain::NONE, flags, 0, "virHostMemGetStats")?;
        let stats = self.setup.node.memory_stats(one_or_all(cell))?;
        let fields: Vec<(&str, u64)> = [
            ("total", Some(stats.total)),
            ("free", Some(stats.free)),
            ("buffers", stats.buffers),
            ("cached", stats.cached),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|v| (name, v)))
        .collect();
        let known = i32::try_from(fields.len()).unwrap_or(0);
        let params = if nparams == 0 { Vec::new() } else { fields };
        Ok(NodeGetMemoryStatsReply {
            params: params
                .into_iter()
                .map(|(field, value)| NodeGetMemoryStats { field: field.to_owned(), value })
                .collect(),
            nparams: known,
        })
    }

    async fn node_get_memory_parameters(
        &self,
        _: &Call,
        nparams: i32,
        flags: u32,
    ) -> Result<NodeGetMemoryParametersReply> {
        /// `VIR_TYPED_PARAM_STRING_OKAY`.
        const STRING_OKAY: u32 = 4;
        Error::check_flags(ErrorDomain::NONE, flags, STRING_OKAY, "virHostMemGetParameters")?;
        let ksm = self.setup.node.ksm();
        let params: Vec<TypedParam> = [
            ("shm_pages_to_scan", ksm.pages_to_scan.map(TypedValue::from)),
            ("shm_sleep_millisecs", ksm.sleep_millisecs.map(TypedValue::from)),
            ("shm_pages_shared", ksm.pages_shared.map(TypedValue::from)),
            ("shm_pages_sharing", ksm.pages_sharing.map(TypedValue::from)),
            ("shm_pages_unshared", ksm.pages_unshared.map(TypedValue::from)),
            ("shm_pages_volatile", ksm.pages_volatile.map(TypedValue::from)),
            ("shm_full_scans", ksm.full_scans.map(TypedValue::from)),
            ("shm_merge_across_nodes", ksm.merge_across_nodes.map(TypedValue::from)),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| TypedParam::new(name, value)))
        .collect();
        let known = i32::try_from(params.len()).unwrap_or(0);
        Ok(NodeGetMemoryParametersReply {
            params: List(if nparams == 0 { Vec::new() } else { params }),
            nparams: known,
        })
    }

    async fn node_set_memory_parameters(
        &self,
        _: &Call,
        params: List<TypedParam, 64>,
        flags: u32,
    ) -> Result<()> {
        Error::check_flags(ErrorDomain::NONE, flags, 0, "virHostMemSetParameters")?;
        const KNOWN: [(&str, &str); 3] = [
            ("shm_pages_to_scan", "pages_to_scan"),
            ("shm_sleep_millisecs", "sleep_millisecs"),
            ("shm_merge_across_nodes", "merge_across_nodes"),
        ];
        let mut settings = Vec::new();
        for param in params.iter() {
            let known = KNOWN.iter().find(|(name, _)| *name == param.field);
            match (known, &param.value) {
                (Some((_, file)), TypedValue::UInt(value)) => settings.push((*file, *value)),
                (Some(_), other) => {
                    return Err(invalid(format!(
                        "invalid type '{}' for parameter '{}', expected 'uint'",
                        other.type_name(),
                        param.field
                    )));
                }
                (None, _) => {
                    return Err(Error::new(
                        ErrorDomain::NONE,
                        ErrorCode::ARGUMENT_UNSUPPORTED,
                        format!("parameter '{}' not supported", param.field),
                    ));
                }
            }
        }
        self.setup.node.set_ksm(&settings)
    }

    async fn node_get_cpu_map(
        &self,
        _: &Call,
        need_map: i32,
        need_online: i32,
        flags: u32,
    ) -> Result<NodeGetCpuMapReply> {
        Error::check_flags(ErrorDomain::NONE, flags, 0, "virHostCPUGetMap")?;
        let t = self.setup.node.topology();
        let count = t.present.last().map_or(0, |last| last + 1);
        let map = if need_map != 0 { t.online.to_bytes(count.div_ceil(8)) } else { Vec::new() };
        Ok(NodeGetCpuMapReply {
            cpumap: Opaque(map),
            online: if need_online != 0 { u32::try_from(t.online.len()).unwrap_or(0) } else { 0 },
            ret: i32::try_from(count).unwrap_or(i32::MAX),
        })
    }

    async fn node_get_free_pages(
        &self,
        _: &Call,
        pages: List<u32, 1_024>,
        start: i32,
        count: u32,
        flags: u32,
    ) -> Result<List<u64, 1_024>> {
        Error::check_flags(ErrorDomain::NONE, flags, 0, "virHostMemGetFreePages")?;
        let rows = self.setup.node.free_pages(&pages, one_or_all(start), count)?;
        Ok(rows.into_iter().flatten().collect())
    }

    async fn node_alloc_pages(
        &self,
        _: &Call,
        sizes: List<u32, 1_024>,
        counts: List<u64, 1_024>,
        start: i32,
        cells: u32,
        flags: u32,
    ) -> Result<i32> {
        /// `VIR_NODE_ALLOC_PAGES_SET`.
        const SET: u32 = 1;
        Error::check_flags(ErrorDomain::NONE, flags, SET, "virHostMemAllocPages")?;
        let pools: Vec<_> = sizes
            .iter()
            .zip(counts.iter())
            .map(|(size, count)| virtus_host::node::PagePool { size_kib: *size, count: *count })
            .collect();
        let node = self.setup.node.clone();
        let add = flags & SET == 0;
        let changed =
            tokio::task::spawn_blocking(move || node.allocate_pages(&pools, one_or_all(start), cells, add));
        let changed = changed.await.map_err(|e| Error::internal(ErrorDomain::NONE, e.to_string()))??;
        Ok(i32::try_from(changed).unwrap_or(i32::MAX))
    }

    async fn node_get_sev_info(&self, _: &Call, _: i32, flags: u32) -> Result<NodeGetSevInfoReply> {
        Error::check_flags(ErrorDomain::QEMU, flags, 4, "qemuNodeGetSEVInfo")?;
        Err(Error::new(
            ErrorDomain::QEMU,
            ErrorCode::OPERATION_UNSUPPORTED,
            "QEMU does not support SEV guest",
        ))
    }
}
