//! `cargo xtask libvirt`: builds the C library, and installs it where one likes.
//!
//! rustc builds an archive with all functions. What goes beside it is written by `virtus-capi-package`; `cc` links, for
//! only a linker that nobody else gives a version script can give symbols their nodes. The small libraries are a few
//! jumps each.

use std::ffi::{OsStr, OsString};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::output;

/// The options, for the help text.
pub(crate) const HELP: &str = "\
cargo xtask libvirt [--debug] [--prefix DIR [--libdir DIR] [--includedir DIR]]
                       build libvirt.so.0, libvirt.a, headers and pkg-config files into target/libvirt;
                       with a prefix install them there, under $DESTDIR if that is set";

/// Version that file names carry, as libvirt has it.
const VERSION: &str = "0.11003.0";
/// The libraries, the one that the others need first.
const LIBRARIES: &[&str] = &["libvirt", "libvirt-qemu", "libvirt-lxc", "libvirt-admin"];

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    debug: bool,
    prefix: Option<PathBuf>,
    libdir: Option<PathBuf>,
    includedir: Option<PathBuf>,
}

/// Does what the arguments say.
pub(crate) fn run(root: &Path, arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let options = Options::read(arguments)?;
    let built = root.join("target/libvirt");
    build(root, &built, options.debug)?;
    match &options.prefix {
        None => println!("{}", built.display()),
        Some(prefix) => {
            let destdir = std::env::var_os("DESTDIR").unwrap_or_default();
            install(&built, &options, prefix, Path::new(&destdir))?;
        }
    }
    Ok(())
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = OsString>) -> Result<Self> {
        let mut options = Options::default();
        while let Some(argument) = arguments.next() {
            let mut path = || match arguments.next() {
                Some(path) => Ok(Some(PathBuf::from(path))),
                None => Err(Error::other(format!("{} takes a directory\n{HELP}", argument.display()))),
            };
            match argument.to_str() {
                Some("--debug") => options.debug = true,
                Some("--prefix") => options.prefix = path()?,
                Some("--libdir") => options.libdir = path()?,
                Some("--includedir") => options.includedir = path()?,
                _ => return Err(Error::other(format!("no such option: {}\n{HELP}", argument.display()))),
            }
        }
        match options.prefix.as_ref().is_some_and(|prefix| prefix.is_absolute()) {
            false if options != (Options { debug: options.debug, ..Options::default() }) => {
                Err(Error::other(format!("--prefix takes an absolute path\n{HELP}")))
            }
            _ => Ok(options),
        }
    }
}

/// Builds into `built`: libraries, and `include`.
fn build(root: &Path, built: &Path, debug: bool) -> Result<()> {
    std::fs::create_dir_all(built)?;
    cargo(
        root,
        &[&["run", "--quiet", "-p", "virtus-capi-package", "--"][..], &[&built.to_string_lossy()]].concat(),
    )?;
    let profile: &[&str] = if debug { &[] } else { &["--release"] };
    let messages = cargo(
        root,
        &[&["rustc", "-p", "virtus-capi", "--crate-type", "staticlib", "--message-format=json"], profile]
            .concat(),
    )?;
    let archive = archive(&messages)?;
    std::fs::copy(&archive, built.join("libvirt.a"))?;
    link_all(built)
}

/// Where cargo has put the archive.
fn archive(messages: &[u8]) -> Result<PathBuf> {
    let messages = String::from_utf8_lossy(messages);
    let mut artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = artifacts.find_map(|message| {
        let files = message.get("filenames")?.as_array()?;
        let ours = message.get("target")?.get("name")?.as_str()? == "virtus_capi";
        let archive = files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".a"));
        archive.filter(|_| ours).map(PathBuf::from)
    });
    found.ok_or_else(|| Error::other("cargo built no archive"))
}

fn link_all(built: &Path) -> Result<()> {
    let at = |name: &str| built.join(name);
    let aliases = std::fs::read_to_string(at("libvirt.aliases"))?;
    for library in LIBRARIES {
        let file = at(&format!("{library}.so.{VERSION}"));
        let mut link = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        link.arg("-shared")
            .arg("-o")
            .arg(&file)
            .arg(format!("-Wl,-soname,{library}.so.0"))
            .arg(joined("-Wl,--version-script=", &at(&format!("{library}.map"))));
        if *library == "libvirt" {
            link.args(aliases.lines().map(|alias| format!("-Wl,{alias}")))
                .arg("-Wl,--whole-archive")
                .arg(at("libvirt.a"))
                .arg("-Wl,--no-whole-archive")
                // handles and callbacks may be in use until the process ends
                .arg("-Wl,--gc-sections,-z,nodelete")
                .args(["-lgcc_s", "-lm", "-lc"]);
        } else {
            link.arg("-nostartfiles").arg(at(&format!("{library}.s"))).arg(at("libvirt.so.0"));
        }
        link.arg("-Wl,-z,defs,-z,relro,-z,now,-z,noexecstack");
        output(&mut link)?;
        symlink(&file, &at(&format!("{library}.so.0")))?;
        symlink(&file, &at(&format!("{library}.so")))?;
    }
    Ok(())
}

/// Copies what was built to where it is to be.
fn install(built: &Path, options: &Options, prefix: &Path, destdir: &Path) -> Result<()> {
    let absolute = |path: &Option<PathBuf>, default: &str| {
        prefix.join(path.clone().unwrap_or_else(|| PathBuf::from(default)))
    };
    let (libdir, includedir) = (absolute(&options.libdir, "lib"), absolute(&options.includedir, "include"));
    // what is absolute would otherwise replace DESTDIR
    let there = |path: &Path| match destdir.as_os_str().is_empty() {
        true => path.to_path_buf(),
        false => destdir.join(path.strip_prefix("/").unwrap_or(path)),
    };
    let (lib, include) = (there(&libdir), there(&includedir).join("libvirt"));
    let pkgconfig = lib.join("pkgconfig");
    let apidir = prefix.join("share/libvirt/api");
    let api = there(&apidir);
    for directory in [&lib, &include, &pkgconfig, &api] {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::copy(built.join("libvirt.a"), lib.join("libvirt.a"))?;
    for header in std::fs::read_dir(built.join("include/libvirt"))? {
        let header = header?;
        std::fs::copy(header.path(), include.join(header.file_name()))?;
    }
    for library in LIBRARIES {
        let file = lib.join(format!("{library}.so.{VERSION}"));
        std::fs::copy(built.join(format!("{library}.so.{VERSION}")), &file)?;
        symlink(&file, &lib.join(format!("{library}.so.0")))?;
        symlink(&file, &lib.join(format!("{library}.so")))?;
        let text = std::fs::read_to_string(built.join(format!("{library}.pc.in")))?
            .replace("@prefix@", &prefix.to_string_lossy())
            .replace("@libdir@", &libdir.to_string_lossy())
            .replace("@includedir@", &includedir.to_string_lossy())
            .replace("@apidir@", &apidir.to_string_lossy());
        let described = format!("{library}-api.xml");
        std::fs::copy(built.join(&described), api.join(&described))?;
        std::fs::write(pkgconfig.join(format!("{library}.pc")), text)?;
    }
    println!("{}\n{}", lib.display(), include.display());
    Ok(())
}

/// A link to the file beside it.
fn symlink(file: &Path, link: &Path) -> Result<()> {
    match std::fs::remove_file(link) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    std::os::unix::fs::symlink(file.file_name().unwrap_or_default(), link)
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut joined = OsString::from(option);
    joined.push(path);
    joined
}

fn cargo(root: &Path, arguments: &[impl AsRef<OsStr>]) -> Result<Vec<u8>> {
    output(
        Command::new(env!("CARGO")).args(arguments).current_dir(root).stderr(std::process::Stdio::inherit()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options> {
        Options::read(arguments.iter().map(OsString::from))
    }

    #[test]
    fn options_are_read_and_wrong_ones_refused() {
        assert_eq!(read(&[]).unwrap(), Options::default());
        assert!(read(&["--debug"]).unwrap().debug);
        assert_eq!(read(&["--prefix", "/usr"]).unwrap().prefix, Some(PathBuf::from("/usr")));
        for wrong in [&["--prefix", "usr"][..], &["--prefix"], &["--libdir", "lib"], &["--fast"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_archive_is_found_among_cargos_messages() {
        let messages = br#"{"reason":"compiler-artifact","target":{"name":"libc"},"filenames":["/t/libc.a"]}
{"reason":"compiler-artifact","target":{"name":"virtus_capi"},"filenames":["/t/x.rlib","/t/libvirtus_capi.a"]}
"#;
        assert_eq!(archive(messages).unwrap(), PathBuf::from("/t/libvirtus_capi.a"));
        assert!(archive(b"").is_err());
    }
}
