//! `undefine`

use virtus::calls::Remote;
use virtus::constants::*;
use virtus::{DomainRef, ErrorCode, StorageVolRef};

use crate::command::{Command, Opt, PERSISTENT_DOMAIN};
use crate::grammar::Arguments;
use crate::shell::{Failure, OrSay, Outcome, Shell, extra, fail};
use crate::show::escape;
use crate::xml;

pub(super) static COMMAND: Command = Command {
    name: "undefine",
    summary: "forget a domain's definition",
    about: "Forgets the definition of a domain. A running domain runs on and is forgotten when it ends. With \
            --storage or --remove-all-storage volumes of its disks are removed, too.",
    options: &[
        PERSISTENT_DOMAIN,
        Opt::flag("managed-save", "remove a saved state, too"),
        Opt::text("storage", "volumes to remove, by target or path, with commas between them")
            .also_positional(),
        Opt::flag("remove-all-storage", "remove the volumes of all its disks"),
        Opt::alias("delete-snapshots", "delete-storage-volume-snapshots"),
        Opt::flag("delete-storage-volume-snapshots", "delete the volumes' snapshots, too"),
        Opt::flag("wipe-storage", "overwrite volumes before they are removed"),
        Opt::flag("snapshots-metadata", "forget the snapshots of an inactive domain"),
        Opt::flag("checkpoints-metadata", "forget the checkpoints of an inactive domain"),
        Opt::flag("nvram", "remove the variables of its firmware"),
        Opt::flag("keep-nvram", "keep the variables of its firmware"),
        Opt::flag("tpm", "remove the state of its TPM"),
        Opt::flag("keep-tpm", "keep the state of its TPM"),
    ],
    run,
    ..Command::PLAIN
};

/// A volume that goes with the domain.
struct Volume {
    volume: StorageVolRef,
    target: String,
    source: String,
}

fn run(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.requires("delete-storage-volume-snapshots", "remove-all-storage")?;
    arguments.exclusive("nvram", "keep-nvram")?;
    arguments.exclusive("tpm", "keep-tpm")?;
    let [wipe, everything, managed_save, metadata, nvram] =
        ["wipe-storage", "remove-all-storage", "managed-save", "snapshots-metadata", "nvram"]
            .map(|name| arguments.has(name));
    let wanted = arguments.some_text("storage");
    if wipe && !everything && wanted.is_none() {
        fail!("'--wipe-storage' requires '--storage <string>' or '--remove-all-storage'");
    }
    let mut flags = arguments.flags(&[
        ("managed-save", VIR_DOMAIN_UNDEFINE_MANAGED_SAVE),
        ("snapshots-metadata", VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA),
        ("checkpoints-metadata", VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA),
        ("nvram", VIR_DOMAIN_UNDEFINE_NVRAM),
        ("keep-nvram", VIR_DOMAIN_UNDEFINE_KEEP_NVRAM),
        ("tpm", VIR_DOMAIN_UNDEFINE_TPM),
        ("keep-tpm", VIR_DOMAIN_UNDEFINE_KEEP_TPM),
    ]);
    let domain = shell.domain(arguments)?;
    let name = arguments.needed("domain")?;
    let running = shell.call(Remote::domain_is_active(domain.clone()))? != 0;
    let has = match running {
        true => Baggage::default(),
        false => Baggage::of(shell, &domain)?,
    };
    // an older daemon cannot remove with a definition what hangs on it
    let saved_safe = managed_save || has.flags_known || !has.saved;
    let snapshots_safe = metadata || has.flags_known || has.snapshots == 0 || has.with_metadata == 0;
    if !has.saved {
        flags &= !VIR_DOMAIN_UNDEFINE_MANAGED_SAVE;
    }
    if has.with_metadata == 0 {
        flags &= !VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;
    }
    let volumes = match wanted.is_some() || everything {
        false => Vec::new(),
        true if running => fail!("Storage volume deletion is supported only on stopped domains"),
        true if wanted.is_some() && everything => {
            fail!("Specified both --storage and --remove-all-storage")
        }
        true => volumes(shell, &domain, wanted)?,
    };
    let failed = format!("Failed to undefine domain '{name}'");
    let mut undefined = false;
    if (saved_safe && snapshots_safe) || nvram {
        match shell.call(Remote::domain_undefine_flags(domain.clone(), flags)) {
            Ok(()) => undefined = true,
            Err(error)
                if !nvram && matches!(error.code(), ErrorCode::NO_SUPPORT | ErrorCode::INVALID_ARG) => {}
            error => return error.or_say(failed),
        }
    }
    if !undefined {
        if has.saved {
            if !managed_save {
                fail!("Refusing to undefine while domain managed save image exists");
            }
            shell.call(Remote::domain_managed_save_remove(domain.clone(), 0))?;
        }
        match (has.with_metadata, metadata) {
            (0, _) => {}
            (count, true) => fail!("Unable to remove metadata of {count} snapshots"),
            (count, false) => fail!("Refusing to undefine while {count} snapshots exist"),
        }
        shell.call(Remote::domain_undefine(domain)).or_say(failed)?;
    }
    extra!(shell, "Domain '{name}' has been undefined\n");
    let flags = match arguments.has("delete-storage-volume-snapshots") {
        true => VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS,
        false => 0,
    };
    remove(shell, volumes, wipe, flags)
}

/// What hangs on a domain that does not run.
#[derive(Default)]
struct Baggage {
    saved: bool,
    snapshots: i32,
    with_metadata: i32,
    /// The daemon tells snapshots with metadata from others, hence knows of the flags.
    flags_known: bool,
}

impl Baggage {
    fn of(shell: &Shell, domain: &DomainRef) -> virtus::Result<Self> {
        let unless_unknown = |outcome: virtus::Result<i32>| match outcome {
            Err(error) if error.code() == ErrorCode::NO_SUPPORT => Ok(0),
            outcome => outcome,
        };
        let saved = unless_unknown(shell.call(Remote::domain_has_managed_save_image(domain.clone(), 0)))?;
        let snapshots = unless_unknown(shell.call(Remote::domain_snapshot_num(domain.clone(), 0)))?;
        let mut baggage = Baggage { saved: saved != 0, snapshots, ..Baggage::default() };
        if snapshots != 0 {
            let flags = VIR_DOMAIN_SNAPSHOT_LIST_METADATA;
            match shell.call(Remote::domain_snapshot_num(domain.clone(), flags)) {
                Ok(count) => (baggage.with_metadata, baggage.flags_known) = (count, true),
                Err(_) => baggage.with_metadata = snapshots,
            }
        }
        Ok(baggage)
    }
}

/// The volumes of a domain's disks: all, or those that are wanted by target or source.
fn volumes(shell: &mut Shell, domain: &DomainRef, wanted: Option<&str>) -> Outcome<Vec<Volume>> {
    let text = shell.xml_of_domain(domain, 0)?;
    let document = xml::parse(&text, "domain")?;
    let mut left = wanted.map(escape::split);
    let mut found = Vec::new();
    for disk in xml::children(document.root_element(), "devices/disk") {
        let Some(target) = xml::attribute(disk, "target", "dev") else { return Err(Failure::silent()) };
        let names = ["file", "dir", "name", "dev", "volume"];
        let element = xml::child(disk, "source");
        let source =
            element.and_then(|e| e.attributes().find(|a| names.contains(&a.name())).map(|a| a.value()));
        let Some(source) = source else { continue };
        if let Some(left) = &mut left {
            match left.iter().position(|name| name == target || name == source) {
                Some(place) => drop(left.remove(place)),
                None => continue,
            }
        }
        let volume = match xml::attribute(disk, "source", "pool") {
            None => shell.call(Remote::storage_vol_lookup_by_path(source.to_owned())),
            Some(pool) => match shell.call(Remote::storage_pool_lookup_by_name(pool.to_owned())) {
                Ok(pool) => shell.call(Remote::storage_vol_lookup_by_name(pool, source.to_owned())),
                Err(_) => {
                    shell.error(format_args!("Storage pool '{pool}' for volume '{target}' not found."));
                    continue;
                }
            },
        };
        match volume {
            Ok(volume) => {
                found.push(Volume { volume, target: target.to_owned(), source: source.to_owned() });
            }
            Err(_) => shell.error(format_args!(
                "Storage volume '{target}'({source}) is not managed by libvirt. Remove it manually."
            )),
        }
    }
    let left = left.unwrap_or_default();
    for name in &left {
        shell.error(format_args!("Volume '{name}' was not found in domain's definition."));
    }
    match left.is_empty() {
        true => Ok(found),
        false => Err(Failure::silent()),
    }
}

/// Removes volumes one by one; one that stays does not keep the others.
fn remove(shell: &mut Shell, volumes: Vec<Volume>, wipe: bool, flags: u32) -> Outcome {
    let mut last = Ok(());
    for Volume { volume, target, source } in volumes {
        if wipe {
            extra!(shell, "Wiping volume '{target}'({source}) ... ");
            shell.flush();
            let wiped = shell.call(Remote::storage_vol_wipe(volume.clone(), 0));
            if let Err(error) = wiped {
                shell.error("Failed! Volume not removed.");
                last = Err(Failure::from(error));
                continue;
            }
            extra!(shell, "Done.\n");
        }
        match shell.call(Remote::storage_vol_delete(volume, flags)) {
            Ok(()) => extra!(shell, "Volume '{target}'({source}) removed.\n"),
            Err(error) => {
                shell.error(format_args!("Failed to remove storage volume '{target}'({source})"));
                last = Err(Failure::from(error));
            }
        }
    }
    last
}
