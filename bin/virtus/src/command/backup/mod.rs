//! Commands about backups: `backup-begin` and `backup-dumpxml`.

use virtus::calls::Remote;
use virtus::constants::VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL;

use super::Group;
use crate::command::{ACTIVE_DOMAIN, Command, Opt, WRAP, XPATH};
use crate::file;
use crate::shell::out;
use crate::xml;

pub(crate) static GROUP: Group = Group { name: "Backup", keyword: "backup", commands: &[&BEGIN, &DUMPXML] };

static BEGIN: Command = Command {
    name: "backup-begin",
    summary: "start a backup of a running domain's disks",
    options: &[
        ACTIVE_DOMAIN,
        Opt::text("backupxml", "a file with the XML of the backup").positional().file(),
        Opt::text("checkpointxml", "a file with the XML of a checkpoint to make with it")
            .also_positional()
            .file(),
        Opt::flag("reuse-external", "use files that are there"),
    ],
    run: |shell, arguments| {
        let flags = arguments.flags(&[("reuse-external", VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL)]);
        let domain = shell.domain(arguments)?;
        let backup = arguments.text("backupxml")?;
        let backup = backup.map_or_else(|| Ok("<domainbackup/>".to_owned()), file::read)?;
        let checkpoint = arguments.text("checkpointxml")?.map(file::read).transpose()?;
        shell.call(Remote::domain_backup_begin(domain, backup, checkpoint, flags))?;
        out!(shell, "Backup started\n");
        Ok(())
    },
    ..Command::PLAIN
};

static DUMPXML: Command = Command {
    name: "backup-dumpxml",
    summary: "print the XML of the backup that goes on",
    options: &[ACTIVE_DOMAIN, XPATH, WRAP],
    run: |shell, arguments| {
        let domain = shell.domain(arguments)?;
        let xpath = arguments.xpath()?;
        let text = shell.call(Remote::domain_backup_get_xml_desc(domain, 0))?;
        xml::show(shell, &text, xpath, arguments.has("wrap"))
    },
    ..Command::PLAIN
};
