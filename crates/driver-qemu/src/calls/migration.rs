//! Settings of migrations. Migration itself is not here yet.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use virtus_api::constants::*;
use virtus_api::{Call, DomainMigration, DomainRef};
use virtus_base::{ErrorCode, Result};
use virtus_qmp::command::{MigrateSetParameters, QueryMigrateParameters};
use virtus_state::gate::{Job, Wanted};

use super::flags;
use crate::Driver;
use crate::domain::MAX_MIGRATION_SPEED;
use crate::error::{error, internal, invalid};

const MIB: u64 = 1024 * 1024;

impl Driver {
    /// One of a running guest's migration parameters.
    async fn migration_parameter(&self, call: &Call, dom: &DomainRef, name: &str) -> Result<u64> {
        let domain = self.find(dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(Job::Query)).await?;
        let parameters = job.execute(&QueryMigrateParameters {}).await?;
        let value = parameters.get(name).and_then(Value::as_u64);
        value.ok_or_else(|| internal(format!("QEMU does not tell its migration parameter '{name}'")))
    }

    async fn set_migration_parameter(
        &self,
        call: &Call,
        dom: &DomainRef,
        name: &str,
        value: u64,
    ) -> Result<()> {
        let domain = self.find(dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(Job::MigrationOp)).await?;
        job.execute(&MigrateSetParameters(json!({ name: value }))).await.map(|_| ())
    }
}

#[async_trait::async_trait]
impl DomainMigration for Driver {
    async fn domain_migrate_set_max_downtime(
        &self,
        call: &Call,
        dom: DomainRef,
        downtime: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "qemuDomainMigrateSetMaxDowntime")?;
        self.set_migration_parameter(call, &dom, "downtime-limit", downtime).await
    }

    async fn domain_migrate_set_max_speed(
        &self,
        call: &Call,
        dom: DomainRef,
        bandwidth: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY, "qemuDomainMigrateSetMaxSpeed")?;
        let domain = self.find(&dom)?;
        if bandwidth > MAX_MIGRATION_SPEED {
            let text = format!("bandwidth must be less than {}", MAX_MIGRATION_SPEED + 1);
            return Err(error(ErrorCode::OVERFLOW, text));
        }
        let bytes = bandwidth.saturating_mul(MIB);
        if given & VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY != 0 {
            return self.set_migration_parameter(call, &dom, "max-postcopy-bandwidth", bytes).await;
        }
        if domain.view().is_active() {
            self.set_migration_parameter(call, &dom, "max-bandwidth", bytes).await?;
        }
        domain.migration_speed.store(bandwidth, Ordering::Relaxed);
        Ok(())
    }

    async fn domain_migrate_get_max_speed(&self, call: &Call, dom: DomainRef, given: u32) -> Result<u64> {
        flags(given, VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY, "qemuDomainMigrateGetMaxSpeed")?;
        if given & VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY != 0 {
            return Ok(self.migration_parameter(call, &dom, "max-postcopy-bandwidth").await? / MIB);
        }
        Ok(self.find(&dom)?.migration_speed.load(Ordering::Relaxed))
    }

    async fn domain_migrate_get_compression_cache(
        &self,
        call: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<u64> {
        flags(given, 0, "qemuDomainMigrateGetCompressionCache")?;
        self.migration_parameter(call, &dom, "xbzrle-cache-size").await
    }

    async fn domain_migrate_set_compression_cache(
        &self,
        call: &Call,
        dom: DomainRef,
        size: u64,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "qemuDomainMigrateSetCompressionCache")?;
        self.set_migration_parameter(call, &dom, "xbzrle-cache-size", size).await
    }

    async fn domain_migrate_start_post_copy(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, 0, "qemuDomainMigrateStartPostCopy")?;
        self.look(&dom)?.require_active()?;
        // nothing here migrates
        Err(invalid("post-copy can only be started while outgoing migration is in progress"))
    }

    async fn domain_migrate_get_max_downtime(&self, call: &Call, dom: DomainRef, given: u32) -> Result<u64> {
        flags(given, 0, "qemuDomainMigrateGetMaxDowntime")?;
        self.migration_parameter(call, &dom, "downtime-limit").await
    }
}
