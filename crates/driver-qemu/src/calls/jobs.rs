//! Jobs of domains: what runs, stopping it; backups.

use virtus_api::constants::*;
use virtus_api::domain::job::*;
use virtus_api::{Call, DomainJobs, DomainRef};
use virtus_base::{ErrorCode, Result};
use virtus_qmp::command::MigrateCancel;
use virtus_state::gate::{AsyncJob, Job, Wanted};
use virtus_xdr::List;

use super::flags;
use crate::Driver;
use crate::domain::Domain;
use crate::error::{error, invalid};

/// What a long job is called in statistics (`virDomainJobOperation`).
fn operation(job: AsyncJob) -> i32 {
    match job {
        AsyncJob::MigrationOut => VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT,
        AsyncJob::MigrationIn => VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN,
        AsyncJob::Save => VIR_DOMAIN_JOB_OPERATION_SAVE,
        AsyncJob::Dump => VIR_DOMAIN_JOB_OPERATION_DUMP,
        AsyncJob::Snapshot => VIR_DOMAIN_JOB_OPERATION_SNAPSHOT,
        AsyncJob::Start => VIR_DOMAIN_JOB_OPERATION_START,
        AsyncJob::Backup => VIR_DOMAIN_JOB_OPERATION_BACKUP,
    }
}

/// The long job of a domain and since how many milliseconds it runs.
fn long_job(domain: &Domain) -> Option<(AsyncJob, u64)> {
    let (job, _) = domain.gate.current().long?;
    let since = domain.gate.oldest().map_or(0, |s| u64::try_from(s.as_millis()).unwrap_or(u64::MAX));
    Some((job, since))
}

#[async_trait::async_trait]
impl DomainJobs for Driver {
    async fn domain_get_job_info(&self, _: &Call, dom: DomainRef) -> Result<DomainGetJobInfoReply> {
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let (kind, time_elapsed) = match long_job(&domain) {
            Some((_, since)) => (VIR_DOMAIN_JOB_UNBOUNDED, since),
            None => (VIR_DOMAIN_JOB_NONE, 0),
        };
        Ok(DomainGetJobInfoReply {
            kind,
            time_elapsed,
            time_remaining: 0,
            data_total: 0,
            data_processed: 0,
            data_remaining: 0,
            mem_total: 0,
            mem_processed: 0,
            mem_remaining: 0,
            file_total: 0,
            file_processed: 0,
            file_remaining: 0,
        })
    }

    async fn domain_abort_job(&self, call: &Call, dom: DomainRef) -> Result<()> {
        self.domain_abort_job_flags(call, dom, 0).await
    }

    async fn domain_get_job_stats(
        &self,
        _: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<DomainGetJobStatsReply> {
        let completed = VIR_DOMAIN_JOB_STATS_COMPLETED;
        flags(given, completed | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED, "qemuDomainGetJobStats")?;
        let domain = self.find(&dom)?;
        let none = DomainGetJobStatsReply { kind: VIR_DOMAIN_JOB_NONE, params: List::default() };
        if given & completed != 0 {
            return Ok(none);
        }
        domain.view().require_active()?;
        let Some((job, since)) = long_job(&domain) else { return Ok(none) };
        let params = vec![
            virtus_base::TypedParam::new("operation", operation(job)),
            virtus_base::TypedParam::new("time_elapsed", since),
        ];
        Ok(DomainGetJobStatsReply { kind: VIR_DOMAIN_JOB_UNBOUNDED, params: List(params) })
    }

    async fn domain_backup_begin(
        &self,
        call: &Call,
        dom: DomainRef,
        _: String,
        _: Option<String>,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL, "qemuBackupBegin")?;
        if !self.look(&dom)?.is_active() {
            let text = "cannot perform disk backup for inactive domain";
            return Err(error(ErrorCode::OPERATION_UNSUPPORTED, text));
        }
        Err(error(ErrorCode::NO_SUPPORT, call.function))
    }

    async fn domain_backup_get_xml_desc(&self, _: &Call, dom: DomainRef, given: u32) -> Result<String> {
        flags(given, 0, "qemuBackupGetXMLDesc")?;
        self.look(&dom)?;
        Err(error(ErrorCode::NO_DOMAIN_BACKUP, "no domain backup job present"))
    }

    async fn domain_abort_job_flags(&self, call: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, VIR_DOMAIN_ABORT_JOB_POSTCOPY, "qemuDomainAbortJobFlags")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let long = domain.gate.current().long;
        if given & VIR_DOMAIN_ABORT_JOB_POSTCOPY != 0 {
            return Err(invalid("current job is not outgoing migration in post-copy mode"));
        }
        match long {
            None => Err(invalid("no job is active on the domain")),
            Some((AsyncJob::MigrationIn, _)) => {
                Err(invalid("cannot abort incoming migration; use virDomainDestroy instead"))
            }
            Some((AsyncJob::Start, _)) => Err(invalid("cannot abort VM start; use virDomainDestroy instead")),
            Some(_) => {
                let job = self.job(call, &domain, Wanted::Job(Job::Abort)).await?;
                job.execute(&MigrateCancel {}).await.map(|_| ())
            }
        }
    }
}
