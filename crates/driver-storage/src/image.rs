//! The command lines of qemu-img.

use std::path::Path;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::storage::{Encryption, EncryptionFormat};
use virtus_conf::storage::{Volume, VolumeFormat, VolumeTarget};
use virtus_host::program::{Program, find_in_path};

use crate::error;

/// A key on its way to qemu-img: where it can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a>(pub(crate) &'a str);

fn unsupported(text: impl Into<String>) -> Error {
    error(ErrorCode::CONFIG_UNSUPPORTED, text)
}

fn program() -> Result<Program> {
    let path = find_in_path(Path::new("qemu-img"));
    path.map(Program::new).ok_or_else(|| Error::internal(ErrorDomain::STORAGE, "unable to find qemu-img"))
}

/// The size as qemu-img is given it.
fn size(volume: &Volume) -> String {
    format!("{}K", volume.capacity.div_ceil(1024))
}

/// The name QEMU has for the volume's format.
fn format(target: &VolumeTarget) -> &'static str {
    match target.format {
        VolumeFormat::Raw if target.encryption.is_some() => "luks",
        // what is on a disc makes the format, not what holds it
        VolumeFormat::Iso => "raw",
        other => other.as_str(),
    }
}

/// Whether an image like this can be made.
///
/// # Errors
/// libvirt's, for what its formats cannot have.
pub(crate) fn check(volume: &Volume, preallocate: bool) -> Result<()> {
    let target = &volume.target;
    let qcow2 = target.format == VolumeFormat::Qcow2;
    let old_scheme = |e: &Encryption| matches!(e.format, EncryptionFormat::Default | EncryptionFormat::Qcow);
    if qcow2 && target.encryption.as_ref().is_some_and(old_scheme) {
        return Err(unsupported("creation of qcow2 encrypted image is not supported"));
    }
    for (wanted, text) in [
        (preallocate, "metadata preallocation only available with qcow2"),
        (target.compat.is_some(), "compatibility option only available with qcow2"),
        (target.features.is_some(), "format features only available with qcow2"),
    ] {
        if wanted && !qcow2 {
            return Err(unsupported(text));
        }
    }
    if volume.backing.is_some() && preallocate {
        return Err(unsupported("metadata preallocation conflicts with backing store"));
    }
    match &target.encryption {
        Some(_) if !qcow2 && target.format != VolumeFormat::Raw => {
            let format = target.format;
            return Err(unsupported(format!("volume encryption unsupported with format {format}")));
        }
        Some(encryption) if encryption.format != EncryptionFormat::Luks => {
            let number = encryption.format as i32;
            return Err(unsupported(format!("unsupported volume encryption format {number}")));
        }
        _ => {}
    }
    let old = target.compat.as_deref() == Some("0.10");
    if let Some(features) = target.features.filter(|_| old) {
        for (wanted, name) in
            [(features.lazy_refcounts, "lazy_refcounts"), (features.extended_l2, "extended_l2")]
        {
            if wanted {
                return Err(unsupported(format!("{name} not supported with compat level 0.10")));
            }
        }
    }
    Ok(())
}

/// What stands behind `-o`.
fn options(volume: &Volume, preallocate: bool, key: Option<&str>) -> String {
    let target = &volume.target;
    let mut options = Vec::new();
    if let Some(backing) = &volume.backing {
        options.push(format!("backing_fmt={}", backing.format));
    }
    if let (Some(encryption), Some(key)) = (&target.encryption, key) {
        let prefix = match target.format {
            VolumeFormat::Raw => "",
            _ => {
                options.push("encrypt.format=luks".into());
                "encrypt."
            }
        };
        options.push(format!("{prefix}key-secret={key}"));
        if let Some(cipher) = &encryption.cipher {
            options.push(format!("{prefix}cipher-alg={}-{}", cipher.name, cipher.size));
            options.extend(cipher.mode.iter().map(|mode| format!("{prefix}cipher-mode={mode}")));
            options.extend(cipher.hash.iter().map(|hash| format!("{prefix}hash-alg={hash}")));
            if let Some(ivgen) = &encryption.ivgen {
                options.push(format!("{prefix}ivgen-alg={}", ivgen.name));
                options.extend(ivgen.hash.iter().map(|hash| format!("{prefix}ivgen-hash-alg={hash}")));
            }
        }
    }
    if preallocate {
        let all = volume.allocation.is_none_or(|bytes| bytes >= volume.capacity);
        options.push(format!("preallocation={}", if all { "falloc" } else { "metadata" }));
    }
    if target.nocow {
        options.push("nocow=on".into());
    }
    if target.format == VolumeFormat::Qcow2 {
        options.push(format!("compat={}", target.compat.as_deref().unwrap_or("1.1")));
        if target.cluster_size > 0 {
            options.push(format!("cluster_size={}", target.cluster_size));
        }
        if let Some(features) = target.features {
            options.extend(features.lazy_refcounts.then(|| "lazy_refcounts".into()));
            options.extend(features.extended_l2.then(|| "extended_l2=on".into()));
        }
    }
    options.join(",")
}

/// The name of the object that holds a volume's key; a comma in the volume's name would end it.
fn key_name(volume: &Volume) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' };
    let name: String = volume.name.chars().map(safe).collect();
    let start = if name.starts_with(|c: char| c.is_ascii_alphabetic()) { "" } else { "v" };
    format!("{start}{name}_encrypt0")
}

fn secret(name: &str, key: Key<'_>) -> [String; 2] {
    ["--object".into(), format!("secret,id={name},file={}", key.0)]
}

/// Makes an empty image.
///
/// # Errors
/// That there is no qemu-img.
pub(crate) fn create(volume: &Volume, preallocate: bool, key: Option<Key<'_>>) -> Result<Program> {
    let name = key_name(volume);
    let mut program = program()?.args(["create", "-f", format(&volume.target)]);
    if let Some(backing) = &volume.backing {
        program = program.args(["-b", &backing.path]);
    }
    if let Some(key) = key {
        program = program.args(secret(&name, key));
    }
    let options = options(volume, preallocate, key.map(|_| name.as_str()));
    if !options.is_empty() {
        program = program.arg("-o").arg(options);
    }
    program = program.arg(&volume.target.path);
    match volume.capacity == 0 && volume.backing.is_some() {
        true => Ok(program),
        false => Ok(program.arg(size(volume))),
    }
}

/// Makes an image of what another holds. An encrypted one is there already, made by [`create`].
///
/// # Errors
/// That there is no qemu-img.
pub(crate) fn convert(
    volume: &Volume,
    from: &Volume,
    preallocate: bool,
    keys: [Option<Key<'_>>; 2],
) -> Result<Program> {
    let mut program = program()?.arg("convert");
    if keys.iter().all(Option::is_none) {
        program = program.args(["-f", from.target.format.as_str(), "-O", volume.target.format.as_str()]);
        let options = options(volume, preallocate, None);
        if !options.is_empty() {
            program = program.arg("-o").arg(options);
        }
        return Ok(program.arg(&from.target.path).arg(&volume.target.path));
    }
    let [source, target] = [(from, "in"), (volume, "out")].map(|(v, id)| described(v, id));
    program = program.args(["-n", "--image-opts", "--target-image-opts"]);
    for (key, id) in keys.into_iter().zip(["in", "out"]) {
        if let Some(key) = key {
            program = program.args(secret(id, key));
        }
    }
    Ok(program.arg(source).arg(target))
}

/// A volume as `--image-opts` has it, its key being the object `id`.
fn described(volume: &Volume, id: &str) -> String {
    // a comma in a value is doubled
    let path = volume.target.path.replace(',', ",,");
    let key = match (&volume.target.encryption, volume.target.format) {
        (None, _) => String::new(),
        (Some(_), VolumeFormat::Raw) => format!("key-secret={id},"),
        (Some(_), _) => format!("encrypt.format=luks,encrypt.key-secret={id},"),
    };
    format!("driver={},{key}file.filename={path}", format(&volume.target))
}

/// Changes how much an image holds, to so many bytes.
///
/// # Errors
/// That there is no qemu-img.
pub(crate) fn resize(volume: &Volume, capacity: u64, shrink: bool, key: Option<Key<'_>>) -> Result<Program> {
    let mut program = program()?.arg("resize");
    if shrink {
        program = program.arg("--shrink");
    }
    program = match key {
        None => program.arg(&volume.target.path),
        Some(key) => program.args(secret("key", key)).args(["--image-opts".into(), described(volume, "key")]),
    };
    Ok(program.arg(capacity.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use virtus_conf::storage::Capacity;

    fn volume(inside: &str) -> Volume {
        let text = format!("<volume><name>v</name>{inside}</volume>");
        let mut volume = Volume::parse(&text, Capacity::UnlessBacked, false).unwrap();
        volume.target.path = "/p/v".into();
        volume
    }

    fn arguments(program: Program) -> String {
        let words: Vec<_> = program.args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
        words.join(" ")
    }

    #[test]
    fn images_are_made_as_libvirt_makes_them() {
        if find_in_path(Path::new("qemu-img")).is_none() {
            return eprintln!("skipped: needs qemu-img");
        }
        let all = volume(
            "<capacity>5000</capacity><backingStore><path>/b</path><format type='vmdk'/></backingStore>\
             <target><format type='qcow2'/><clusterSize unit='KiB'>4</clusterSize><nocow/>\
             <features><lazy_refcounts/><extended_l2/></features></target>",
        );
        assert_eq!(
            arguments(create(&all, false, None).unwrap()),
            "create -f qcow2 -b /b -o backing_fmt=vmdk,nocow=on,compat=1.1,cluster_size=4096,lazy_refcounts,\
             extended_l2=on /p/v 5K"
        );
        let luks = volume(
            "<capacity>1</capacity><target><encryption format='luks'><secret type='passphrase' usage='x'/>\
             <cipher name='aes' size='256' mode='xts' hash='sha1'/><ivgen name='plain' hash='md5'/></encryption></target>",
        );
        assert_eq!(
            arguments(create(&luks, false, Some(Key("/k"))).unwrap()),
            "create -f luks --object secret,id=v_encrypt0,file=/k -o key-secret=v_encrypt0,cipher-alg=aes-256,\
             cipher-mode=xts,hash-alg=sha1,ivgen-alg=plain,ivgen-hash-alg=md5 /p/v 1K"
        );
        let raw = volume("<capacity>1</capacity>");
        assert_eq!(
            arguments(convert(&raw, &raw, false, [None, None]).unwrap()),
            "convert -f raw -O raw /p/v /p/v"
        );
        assert_eq!(
            arguments(convert(&luks, &raw, false, [None, Some(Key("/k"))]).unwrap()),
            "convert -n --image-opts --target-image-opts --object secret,id=out,file=/k \
             driver=raw,file.filename=/p/v driver=luks,key-secret=out,file.filename=/p/v"
        );
        assert_eq!(arguments(resize(&raw, 7, true, None).unwrap()), "resize --shrink /p/v 7");
    }

    #[test]
    fn what_a_format_cannot_have_is_refused() {
        for (inside, preallocate, want) in [
            ("<format type='vmdk'/>", true, "metadata preallocation only available with qcow2"),
            (
                "<format type='vmdk'/><compat>1.1</compat>",
                false,
                "compatibility option only available with qcow2",
            ),
            (
                "<format type='qcow2'/><compat>0.10</compat><features><lazy_refcounts/></features>",
                false,
                "lazy_refcounts not supported with compat level 0.10",
            ),
            (
                "<format type='vmdk'/><encryption format='luks'/>",
                false,
                "volume encryption unsupported with format vmdk",
            ),
            (
                "<format type='qcow2'/><encryption format='qcow'/>",
                false,
                "creation of qcow2 encrypted image is not supported",
            ),
        ] {
            let volume = volume(&format!("<capacity>1</capacity><target>{inside}</target>"));
            let want = format!("unsupported configuration: {want}");
            assert_eq!(check(&volume, preallocate).unwrap_err().message(), want);
        }
    }
}
