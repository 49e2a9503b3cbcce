//! Which firmware a guest gets, and where it keeps its variables.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::Domain;
use virtus_conf::domain::device::storage::{Location, StorageSource};
use virtus_conf::domain::features::{Features, Smm};
use virtus_conf::domain::launch_security::LaunchSecurity;
use virtus_conf::domain::os::{
    Firmware as Kind, FirmwareFeature, FirmwareFeatureName, FirmwareFeatures, FirmwareFormat, Loader,
    LoaderType, Nvram,
};
use virtus_xml::{OnOff, YesNo};

use crate::emulator::Environment;
use crate::firmware::{File, Firmware, FlashMode, Mapping};
use crate::machine::Machine;

/// Chooses the firmware that the definition asks for, or recognizes the one it names, and says where its variables
/// are kept.
///
/// # Errors
/// `OPERATION_FAILED` when nothing installed suits.
pub(super) fn fill(domain: &mut Domain, environment: &dyn Environment) -> Result<()> {
    let wanted = domain.os.firmware;
    let path = domain.os.loader.as_ref().and_then(|loader| loader.path.clone());
    if wanted.is_none() && path.is_none() {
        return Ok(());
    }
    let told = domain.os.loader.as_ref().and_then(|loader| loader.format);
    // one format for both, unless each says its own
    let format = domain.os.nvram.as_ref().and_then(|nvram| nvram.format).unwrap_or(FirmwareFormat::Raw);
    let format = *domain.os.loader.get_or_insert_with(Loader::default).format.get_or_insert(format);

    let found = environment.firmware().into_iter().find(|firmware| suits(firmware, domain, format));
    match found {
        Some(firmware) => enable(domain, &firmware),
        None if wanted.is_none() => known_path(domain, environment),
        None => {
            let kind = wanted.map_or("", Kind::as_str);
            return Err(Error::new(
                ErrorDomain::QEMU,
                ErrorCode::OPERATION_FAILED,
                format!("Unable to find '{kind}' firmware that is compatible with the current configuration"),
            ));
        }
    }
    variables(domain, environment);
    // only flash chips' images have a format that goes without saying
    if let Some(loader) = &mut domain.os.loader
        && loader.loader_type == Some(LoaderType::Rom)
    {
        loader.format = told;
    }
    Ok(())
}

fn feature(domain: &Domain, name: FirmwareFeatureName) -> Option<bool> {
    let features = domain.os.firmware_features.as_ref()?;
    features.features.iter().find(|feature| feature.name == name).map(|feature| feature.enabled.is_true())
}

fn smm(domain: &Domain) -> Option<OnOff> {
    Some(domain.features.as_ref()?.smm.as_ref()?.state)
}

fn format_name(format: FirmwareFormat) -> &'static str {
    format.as_str()
}

/// Whether a firmware is what the definition asks for.
fn suits(firmware: &Firmware, domain: &Domain, format: FirmwareFormat) -> bool {
    let os = &domain.os;
    let machine = Machine::of(domain);
    let loader = os.loader.as_ref();
    let kind = match os.firmware {
        Some(Kind::Efi) => "uefi",
        Some(Kind::Bios) => "bios",
        // a path alone: flash holds UEFI
        None if loader.and_then(|loader| loader.loader_type) == Some(LoaderType::Pflash) => "uefi",
        None => return false,
    };
    if !firmware.interface_types.iter().any(|offered| offered == kind)
        || !firmware.suits(machine.arch, machine.name)
    {
        return false;
    }
    let needs_smm = firmware.has("requires-smm");
    let secure = loader.and_then(|loader| loader.secure);
    let power = domain.pm.as_ref();
    let wanted = [
        (FirmwareFeatureName::SecureBoot, "secure-boot"),
        (FirmwareFeatureName::EnrolledKeys, "enrolled-keys"),
    ];
    let features_differ =
        wanted.iter().any(|(name, has)| feature(domain, *name).is_some_and(|on| on != firmware.has(has)));
    let sleeps = [
        (power.and_then(|pm| pm.suspend_to_mem), "acpi-s3"),
        (power.and_then(|pm| pm.suspend_to_disk), "acpi-s4"),
    ];
    let cannot_sleep = sleeps.iter().any(|(asked, has)| *asked == Some(YesNo::Yes) && !firmware.has(has));
    let security = match &domain.launch_security {
        Some(LaunchSecurity::Sev(_)) => Some("amd-sev"),
        Some(LaunchSecurity::SevSnp(_)) => Some("amd-sev-snp"),
        _ => None,
    };
    if features_differ
        || cannot_sleep
        || (needs_smm && (secure == Some(YesNo::No) || smm(domain) == Some(OnOff::Off)))
        || (secure == Some(YesNo::Yes) && !needs_smm)
        || security.is_some_and(|needed| !firmware.has(needed))
    {
        return false;
    }
    let path = loader.and_then(|loader| loader.path.as_deref());
    match &firmware.mapping {
        Mapping::Flash { mode, executable, nvram_template } => {
            let stateless = loader.and_then(|loader| loader.stateless) == Some(YesNo::Yes);
            let template = os.nvram.as_ref().and_then(|nvram| nvram.template.as_deref());
            let other_template =
                template.is_some() && nvram_template.as_ref().map(|file| file.filename.as_str()) != template;
            let writable = loader.and_then(|loader| loader.readonly) == Some(YesNo::No);
            loader.and_then(|loader| loader.loader_type) != Some(LoaderType::Rom)
                && path.is_none_or(|path| path == executable.filename)
                && executable.format == format_name(format)
                && stateless == (*mode == FlashMode::Stateless)
                && writable == (*mode == FlashMode::Combined)
                && !other_template
        }
        Mapping::Memory { filename } => {
            loader.and_then(|loader| loader.loader_type) != Some(LoaderType::Pflash)
                && path.is_none_or(|path| path == filename)
        }
        Mapping::Kernel { .. } => false,
    }
}

/// Writes a firmware into the definition.
fn enable(domain: &mut Domain, firmware: &Firmware) {
    let mut keys_known = false;
    let loader = domain.os.loader.get_or_insert_with(Loader::default);
    match &firmware.mapping {
        Mapping::Flash { mode, executable, nvram_template } => {
            loader.loader_type = Some(LoaderType::Pflash);
            loader.path = Some(executable.filename.clone());
            loader.format = FirmwareFormat::from_word(&executable.format).or(loader.format);
            if *mode != FlashMode::Combined {
                loader.readonly = Some(YesNo::Yes);
            }
            if let (FlashMode::Split, Some(template)) = (mode, nvram_template) {
                keys_known = use_template(&mut domain.os.nvram, template);
            }
        }
        Mapping::Memory { filename } | Mapping::Kernel { filename } => {
            loader.loader_type = Some(LoaderType::Rom);
            loader.path = Some(filename.clone());
        }
    }
    let uefi = firmware.interface_types.iter().any(|kind| kind == "uefi");
    if firmware.has("requires-smm") {
        if let Some(loader) = &mut domain.os.loader {
            loader.secure = Some(YesNo::Yes);
        }
        let features = domain.features.get_or_insert_with(Features::default);
        features.smm.get_or_insert(Smm { state: OnOff::On, tseg: None });
    }
    if uefi {
        domain.os.firmware = Some(Kind::Efi);
        let mut told = Vec::new();
        let mut tell = |name, on: bool| told.push(FirmwareFeature { enabled: on.into(), name });
        if keys_known {
            tell(FirmwareFeatureName::EnrolledKeys, firmware.has("enrolled-keys"));
        }
        tell(FirmwareFeatureName::SecureBoot, firmware.has("secure-boot"));
        domain.os.firmware_features = Some(FirmwareFeatures { features: told });
    } else {
        domain.os.firmware = Some(Kind::Bios);
    }
}

/// Lets the variables begin as the template has them, if they are in a file of the host's.
fn use_template(nvram: &mut Option<Nvram>, template: &File) -> bool {
    let format = FirmwareFormat::from_word(&template.format);
    let nvram = nvram.get_or_insert_with(Nvram::default);
    nvram.format = format;
    let local = nvram.source.as_ref().is_none_or(|source| matches!(source.location, Location::File(_)));
    if local {
        nvram.template = Some(template.filename.clone());
        nvram.template_format = format;
    }
    local
}

/// Firmware that the daemon's configuration lists with its template.
fn known_path(domain: &mut Domain, environment: &dyn Environment) {
    let Some(loader) = &domain.os.loader else { return };
    let flash = loader.loader_type == Some(LoaderType::Pflash)
        && loader.readonly != Some(YesNo::No)
        && loader.stateless != Some(YesNo::Yes);
    let Some(path) = loader.path.as_deref().filter(|_| flash) else { return };
    let pairs = environment.firmware_pairs();
    if let Some((_, template)) = pairs.iter().find(|(code, _)| code == path) {
        let nvram = domain.os.nvram.get_or_insert_with(Nvram::default);
        nvram.template.get_or_insert_with(|| template.clone());
        nvram.template_format = Some(FirmwareFormat::Raw);
    }
}

/// Flash that cannot be written needs a file of its own for the variables.
fn variables(domain: &mut Domain, environment: &dyn Environment) {
    let Some(loader) = &domain.os.loader else { return };
    let needed = loader.loader_type == Some(LoaderType::Pflash)
        && loader.readonly == Some(YesNo::Yes)
        && loader.stateless != Some(YesNo::Yes);
    if !needed {
        return;
    }
    let format = loader.format.unwrap_or(FirmwareFormat::Raw);
    let nvram = domain.os.nvram.get_or_insert_with(Nvram::default);
    let format = *nvram.format.get_or_insert(format);
    if nvram.source.as_ref().is_none_or(StorageSource::is_empty) && !nvram.explicit_type {
        let extension = if format == FirmwareFormat::Raw { "fd" } else { format_name(format) };
        let path = format!("{}/{}_VARS.{extension}", environment.nvram_dir(), domain.name);
        nvram.source = Some(StorageSource::file(path));
    }
}
