//! What can be done with a domain's disks.

mod look;
mod resize;

pub(super) use look::{Stored, stored};

use serde_json::Value;
use virtus_api::constants::*;
use virtus_api::domain::block::*;
use virtus_api::{Call, DomainBlock, DomainRef};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result, TypedParam};
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Disk;
use virtus_qmp::command::{BlockSetWriteThreshold, QueryBlock};
use virtus_state::gate::{Job, Wanted};
use virtus_xdr::{List, Opaque};

use super::flags;
use super::tuning::throttle;
use crate::Driver;
use crate::device::storage;
use crate::domain::disk_path;
use crate::error::{bad_argument, error};

/// The largest bandwidth in MiB/s that is a number of bytes.
const MAX_MIB: u64 = 8_796_093_022_207;

/// The disk of this target or path.
fn find<'a>(model: &'a conf::Domain, device: &str) -> Result<&'a Disk> {
    let mut disks = model.devices.disks.iter();
    disks
        .find(|disk| disk.dst() == device || disk_path(disk) == Some(device))
        .ok_or_else(|| bad_argument(format!("disk '{device}' not found in domain")))
}

/// The node that holds a disk's image as it is stored.
fn storage_node(disk: &Disk) -> String {
    storage::Names::of(&disk.source).storage()
}

/// A speed in MiB/s, unless it is in bytes already.
fn speed(bandwidth: u64, in_bytes: bool) -> Result<u64> {
    if !in_bytes && bandwidth > MAX_MIB {
        return Err(error(ErrorCode::OVERFLOW, format!("bandwidth must be less than {MAX_MIB}")));
    }
    Ok(if in_bytes { bandwidth } else { bandwidth.saturating_mul(1024 * 1024) })
}

impl Driver {
    /// A disk of a running guest without a job of its own.
    fn idle_disk(&self, dom: &DomainRef, device: &str) -> Result<Error> {
        let view = self.look(dom)?;
        let disk = find(&view.live()?.model, device)?;
        Ok(bad_argument(format!("disk {} does not have an active block job", disk.dst())))
    }

    /// Begins a block job: not here yet, and says so once everything else was looked at.
    fn begin_job(&self, call: &Call, dom: &DomainRef, device: &str) -> Result<()> {
        let view = self.look(dom)?;
        find(&view.live()?.model, device)?;
        Err(error(ErrorCode::NO_SUPPORT, call.function))
    }
}

#[async_trait::async_trait]
impl DomainBlock for Driver {
    async fn domain_block_peek(
        &self,
        _: &Call,
        dom: DomainRef,
        path: String,
        offset: u64,
        size: u32,
        given: u32,
    ) -> Result<Opaque<4_194_304>> {
        flags(given, 0, "qemuDomainBlockPeek")?;
        look::peek(self, &dom, &path, offset, size).await.map(Opaque)
    }

    async fn domain_get_block_info(
        &self,
        _: &Call,
        dom: DomainRef,
        path: String,
        given: u32,
    ) -> Result<DomainGetBlockInfoReply> {
        flags(given, 0, "qemuDomainGetBlockInfo")?;
        look::info(self, &dom, &path).await
    }

    async fn domain_block_job_abort(&self, _: &Call, dom: DomainRef, path: String, given: u32) -> Result<()> {
        let known = VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC | VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT;
        flags(given, known, "qemuDomainBlockJobAbort")?;
        Err(self.idle_disk(&dom, &path)?)
    }

    async fn domain_get_block_job_info(
        &self,
        _: &Call,
        dom: DomainRef,
        path: String,
        given: u32,
    ) -> Result<DomainGetBlockJobInfoReply> {
        flags(given, VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES, "qemuDomainGetBlockJobInfo")?;
        self.idle_disk(&dom, &path)?;
        Ok(DomainGetBlockJobInfoReply { found: 0, kind: 0, bandwidth: 0, cur: 0, end: 0 })
    }

    async fn domain_block_job_set_speed(
        &self,
        _: &Call,
        dom: DomainRef,
        path: String,
        bandwidth: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES, "qemuDomainBlockJobSetSpeed")?;
        speed(bandwidth, given != 0)?;
        Err(self.idle_disk(&dom, &path)?)
    }

    async fn domain_block_pull(
        &self,
        call: &Call,
        dom: DomainRef,
        path: String,
        bandwidth: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES, "qemuDomainBlockPull")?;
        speed(bandwidth, given != 0)?;
        self.begin_job(call, &dom, &path)
    }

    async fn domain_block_resize(
        &self,
        call: &Call,
        dom: DomainRef,
        disk: String,
        size: u64,
        given: u32,
    ) -> Result<()> {
        resize::resize(self, call, &dom, &disk, size, given).await
    }

    async fn domain_set_block_io_tune(
        &self,
        call: &Call,
        dom: DomainRef,
        disk: String,
        params: List<TypedParam, 32>,
        given: u32,
    ) -> Result<()> {
        throttle::set(self, call, &dom, disk, params.0, given).await
    }

    async fn domain_get_block_io_tune(
        &self,
        call: &Call,
        dom: DomainRef,
        disk: Option<String>,
        room: i32,
        given: u32,
    ) -> Result<DomainGetBlockIoTuneReply> {
        throttle::get(self, call, &dom, disk, room, given).await
    }

    async fn domain_get_disk_errors(
        &self,
        call: &Call,
        dom: DomainRef,
        room: u32,
        given: u32,
    ) -> Result<DomainGetDiskErrorsReply> {
        flags(given, 0, "qemuDomainGetDiskErrors")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(Job::Query)).await?;
        let view = domain.view();
        let disks = &view.live()?.model.devices.disks;
        if room == 0 {
            let nerrors = i32::try_from(disks.len()).unwrap_or(i32::MAX);
            return Ok(DomainGetDiskErrorsReply { errors: List::default(), nerrors });
        }
        let drives = job.execute(&QueryBlock {}).await?;
        let mut errors = Vec::new();
        for disk in disks {
            let alias = disk.info.alias.as_deref().unwrap_or_default();
            let own = |qdev: &str| qdev.split('/').any(|part| part == alias);
            let drive = drives.iter().find(|drive| drive.qdev.as_deref().is_some_and(own));
            let code = match drive.and_then(|drive| drive.io_status.as_deref()) {
                Some("failed") => VIR_DOMAIN_DISK_ERROR_UNSPEC,
                Some("nospace") => VIR_DOMAIN_DISK_ERROR_NO_SPACE,
                _ => continue,
            };
            errors.push(DomainDiskError { disk: disk.dst().to_owned(), error: code });
        }
        errors.truncate(usize::try_from(room).unwrap_or(256).min(256));
        let nerrors = i32::try_from(errors.len()).unwrap_or(i32::MAX);
        Ok(DomainGetDiskErrorsReply { errors: List(errors), nerrors })
    }

    async fn domain_block_rebase(
        &self,
        call: &Call,
        dom: DomainRef,
        path: String,
        base: Option<String>,
        bandwidth: u64,
        given: u32,
    ) -> Result<()> {
        let copy = VIR_DOMAIN_BLOCK_REBASE_SHALLOW
            | VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT
            | VIR_DOMAIN_BLOCK_REBASE_COPY
            | VIR_DOMAIN_BLOCK_REBASE_COPY_RAW
            | VIR_DOMAIN_BLOCK_REBASE_RELATIVE
            | VIR_DOMAIN_BLOCK_REBASE_COPY_DEV
            | VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES;
        flags(given, copy, "qemuDomainBlockRebase")?;
        if given & VIR_DOMAIN_BLOCK_REBASE_COPY != 0 && base.is_none() {
            let text = "base in virDomainBlockRebase must not be NULL";
            return Err(Error::invalid_arg(ErrorDomain::DOMAIN, "virDomainBlockRebase", "base", text));
        }
        speed(bandwidth, given & VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES != 0)?;
        self.begin_job(call, &dom, &path)
    }

    async fn domain_block_commit(
        &self,
        call: &Call,
        dom: DomainRef,
        path: String,
        base: Option<String>,
        _: Option<String>,
        bandwidth: u64,
        given: u32,
    ) -> Result<()> {
        let known = VIR_DOMAIN_BLOCK_COMMIT_SHALLOW
            | VIR_DOMAIN_BLOCK_COMMIT_ACTIVE
            | VIR_DOMAIN_BLOCK_COMMIT_DELETE
            | VIR_DOMAIN_BLOCK_COMMIT_RELATIVE
            | VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES;
        flags(given, known, "qemuDomainBlockCommit")?;
        speed(bandwidth, given & VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES != 0)?;
        let view = self.look(&dom)?;
        let model = match (&view.live, &view.persistent) {
            (Some(live), _) => live.model.clone(),
            (None, Some(definition)) => definition.model()?,
            (None, None) => return Err(crate::error::not_running()),
        };
        let disk = find(&model, &path)?;
        if base.is_none() && !look::has_backing(disk) {
            let text = format!("could not find base image in chain for '{}'", disk.dst());
            return Err(Error::new(ErrorDomain::STORAGE, ErrorCode::INVALID_ARG, text));
        }
        self.begin_job(call, &dom, &path)
    }

    async fn domain_block_copy(
        &self,
        call: &Call,
        dom: DomainRef,
        path: String,
        destination: String,
        params: List<TypedParam, 16>,
        given: u32,
    ) -> Result<()> {
        use super::params::{self, Kind};
        let known = VIR_DOMAIN_BLOCK_COPY_SHALLOW
            | VIR_DOMAIN_BLOCK_COPY_REUSE_EXT
            | VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
            | VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES;
        flags(given, known, "qemuDomainBlockCopy")?;
        params::check(
            &params,
            &[("bandwidth", Kind::ULLong), ("granularity", Kind::UInt), ("buf-size", Kind::ULLong)],
        )?;
        let options = conf::ParseOptions { inactive: true, skip_validate: true, strict: false };
        conf::device::Device::parse(&destination, &options)?;
        self.begin_job(call, &dom, &path)
    }

    async fn domain_set_block_threshold(
        &self,
        call: &Call,
        dom: DomainRef,
        dev: String,
        threshold: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "qemuDomainSetBlockThreshold")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(Job::Modify)).await?;
        let view = domain.view();
        let missing = || bad_argument(format!("failed to find disk '{dev}'"));
        let node_name = look::node(&view.live()?.model, &dev).ok_or_else(missing)?;
        let command = BlockSetWriteThreshold { node_name, write_threshold: threshold };
        job.execute(&command).await.map(|_| ())
    }
}

/// A node of `query-named-block-nodes` by its name.
fn named<'a>(nodes: &'a [Value], name: &str) -> Option<&'a Value> {
    nodes.iter().find(|node| node.get("node-name").and_then(Value::as_str) == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_numbers_of_bytes() {
        assert_eq!(speed(2, false).unwrap(), 2 << 20);
        assert_eq!(speed(7, true).unwrap(), 7);
        assert_eq!(
            speed(1 << 62, false).unwrap_err().message(),
            "numerical overflow: bandwidth must be less than 8796093022207"
        );
    }
}
