//! The emulators: found, probed when first asked for, and remembered on disk.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use virtus_base::{Error, ErrorDomain, Result};

use super::{Capabilities, ProbedEmulator, probe};
use crate::emulator::{Emulator, Environment};
use crate::firmware::{self, Firmware};

/// What must be unchanged for remembered capabilities to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    inode: u64,
    changed: (i64, i64),
    kvm: bool,
    /// The form of the remembered file and the table of what is asked.
    form: u32,
}

/// Raised whenever what is asked or kept changes.
const FORM: u32 = 7;

#[derive(Serialize, Deserialize)]
struct Remembered {
    stamp: Stamp,
    capabilities: Capabilities,
}

type Slot = Arc<tokio::sync::Mutex<Option<(Stamp, Arc<ProbedEmulator>)>>>;

/// The emulators of this host. Nothing is probed before it is asked for; those who ask at once share one probe.
#[derive(Debug)]
pub struct Emulators {
    cache: PathBuf,
    nvram: String,
    privileged: bool,
    slots: Mutex<HashMap<PathBuf, Slot>>,
    runtime: tokio::runtime::Handle,
    /// Capabilities that are not to be used.
    unused: Vec<String>,
}

/// Guests' architectures in libvirt's order, with the targets of QEMU whose emulators run them, the best first.
const TARGETS: &[(&str, &[&str])] = &[
    ("alpha", &["alpha"]),
    ("armv6l", &["arm"]),
    ("armv7l", &["arm", "aarch64"]),
    ("armv7b", &["armv7b"]),
    ("aarch64", &["aarch64"]),
    ("cris", &["cris"]),
    ("i686", &["i386", "x86_64"]),
    ("itanium", &["itanium"]),
    ("lm32", &["lm32"]),
    ("loongarch64", &["loongarch64"]),
    ("m68k", &["m68k"]),
    ("microblaze", &["microblaze"]),
    ("microblazeel", &["microblazeel"]),
    ("mips", &["mips"]),
    ("mipsel", &["mipsel"]),
    ("mips64", &["mips64"]),
    ("mips64el", &["mips64el"]),
    ("or32", &["or32"]),
    ("parisc", &["parisc"]),
    ("parisc64", &["parisc64"]),
    ("ppc", &["ppc"]),
    ("ppc64", &["ppc64"]),
    ("ppc64le", &["ppc64le", "ppc64"]),
    ("ppcemb", &["ppcemb"]),
    ("riscv32", &["riscv32"]),
    ("riscv64", &["riscv64"]),
    ("s390", &["s390"]),
    ("s390x", &["s390x"]),
    ("sh4", &["sh4"]),
    ("sh4eb", &["sh4eb"]),
    ("sparc", &["sparc"]),
    ("sparc64", &["sparc64"]),
    ("unicore32", &["unicore32"]),
    ("x86_64", &["x86_64"]),
    ("xtensa", &["xtensa"]),
    ("xtensaeb", &["xtensaeb"]),
];

impl Emulators {
    /// Emulators whose capabilities are remembered under `cache`; `nvram` is where guests' firmware variables are.
    pub fn new(cache: PathBuf, nvram: String, privileged: bool, runtime: tokio::runtime::Handle) -> Self {
        Emulators { cache, nvram, privileged, slots: Mutex::default(), runtime, unused: Vec::new() }
    }

    /// Has no use made of these capabilities.
    #[must_use]
    pub fn without(mut self, unused: Vec<String>) -> Self {
        self.unused = unused;
        self
    }

    /// The binaries there are, each with the architecture of its guests, in libvirt's order.
    pub fn found(&self) -> Vec<(&'static str, PathBuf)> {
        TARGETS.iter().filter_map(|(arch, _)| find(arch).map(|path| (*arch, path))).collect()
    }

    /// The emulator of a path, probed if need be.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` when it cannot be run, `INTERNAL_ERROR` when it cannot be probed.
    pub async fn get(&self, path: &Path) -> Result<Arc<ProbedEmulator>> {
        let stamp = stamp(path)?;
        let slot = self.slot(path);
        let mut slot = slot.lock().await;
        if let Some((_, known)) = slot.as_ref().filter(|(old, _)| *old == stamp) {
            return Ok(known.clone());
        }
        let file = self.file(path);
        let mut capabilities = match recall(&file, &stamp) {
            Some(capabilities) => capabilities,
            None => {
                let capabilities = probe::probe(path).await?;
                remember(&file, &stamp, &capabilities);
                // what QEMU says of itself takes many times the memory of what is kept of it, and that lies
                // scattered among it; read anew, it lies together
                let gathered = self.runtime.spawn_blocking(move || {
                    let text = serde_json::to_vec(&capabilities);
                    drop(capabilities);
                    virtus_host::footprint::give_back();
                    serde_json::from_slice(&text?)
                });
                gathered.await.map_err(std::io::Error::other).and_then(|read| Ok(read?)).map_err(|e| {
                    Error::system(ErrorDomain::QEMU, "cannot keep the emulator's capabilities", &e)
                })?
            }
        };
        capabilities.flags.retain(|flag| !self.unused.contains(flag));
        let probed = Arc::new(ProbedEmulator::new(capabilities));
        *slot = Some((stamp, probed.clone()));
        Ok(probed)
    }

    /// As [`Emulators::get`], for callers that cannot wait asynchronously.
    ///
    /// # Errors
    /// The same.
    pub fn get_blocking(&self, path: &Path) -> Result<Arc<ProbedEmulator>> {
        let slot = self.slot(path);
        if let Ok(known) = slot.try_lock()
            && let Some((old, emulator)) = known.as_ref()
            && stamp(path)? == *old
        {
            return Ok(emulator.clone());
        }
        // a thread of its own may wait, wherever this one runs
        std::thread::scope(|scope| {
            scope
                .spawn(|| self.runtime.block_on(self.get(path)))
                .join()
                .unwrap_or_else(|_| Err(Error::internal(ErrorDomain::QEMU, "probing an emulator failed")))
        })
    }

    fn slot(&self, path: &Path) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(|e| e.into_inner());
        slots.entry(path.to_owned()).or_default().clone()
    }

    fn file(&self, path: &Path) -> PathBuf {
        let name = path.display().to_string().replace('/', "-");
        self.cache.join("virtus-capabilities").join(format!("{}.json", name.trim_start_matches('-')))
    }
}

fn find(arch: &str) -> Option<PathBuf> {
    let (_, targets) = TARGETS.iter().find(|(name, _)| *name == arch)?;
    let mut names: Vec<String> = targets.iter().map(|target| format!("qemu-system-{target}")).collect();
    if arch == std::env::consts::ARCH {
        names.extend(["qemu-kvm".to_owned(), "kvm".to_owned()]);
    }
    names.iter().find_map(|name| virtus_host::program::find_in_path(Path::new(name))).or_else(|| {
        let libexec = PathBuf::from("/usr/libexec/qemu-kvm");
        (arch == std::env::consts::ARCH && libexec.exists()).then_some(libexec)
    })
}

fn stamp(path: &Path) -> Result<Stamp> {
    let told = |e: &std::io::Error| {
        Error::system(ErrorDomain::QEMU, format!("Cannot check QEMU binary {}", path.display()), e)
    };
    let metadata = std::fs::metadata(path).map_err(|e| told(&e))?;
    if !metadata.is_file() || metadata.mode() & 0o111 == 0 {
        let refused = std::io::Error::from_raw_os_error(rustix::io::Errno::ACCESS.raw_os_error());
        let what = format!("QEMU binary {} is not executable", path.display());
        return Err(Error::system(ErrorDomain::QEMU, what, &refused));
    }
    let kvm =
        rustix::fs::access("/dev/kvm", rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK).is_ok();
    Ok(Stamp {
        size: metadata.size(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        kvm,
        form: FORM,
    })
}

fn recall(file: &Path, stamp: &Stamp) -> Option<Capabilities> {
    let text = std::fs::read(file).ok()?;
    let remembered: Remembered = serde_json::from_slice(&text).ok()?;
    (remembered.stamp == *stamp).then_some(remembered.capabilities)
}

/// Writes what was found out; without it the next daemon asks again.
fn remember(file: &Path, stamp: &Stamp, capabilities: &Capabilities) {
    let remembered = Remembered { stamp: stamp.clone(), capabilities: capabilities.clone() };
    let write = || -> std::io::Result<()> {
        if let Some(dir) = file.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let new = file.with_extension("new");
        std::fs::write(&new, serde_json::to_vec(&remembered)?)?;
        std::fs::rename(&new, file)
    };
    if let Err(e) = write() {
        tracing::debug!("cannot remember capabilities in {}: {e}", file.display());
    }
}

impl Environment for Emulators {
    fn host_arch(&self) -> &str {
        std::env::consts::ARCH
    }

    fn default_emulator(&self, arch: &str) -> Option<String> {
        find(arch).map(|path| path.display().to_string())
    }

    fn emulator(&self, path: &str) -> Result<Arc<dyn Emulator>> {
        self.get_blocking(Path::new(path)).map(|probed| probed as Arc<dyn Emulator>)
    }

    fn nvram_dir(&self) -> &str {
        &self.nvram
    }

    fn privileged(&self) -> bool {
        self.privileged
    }

    fn firmware(&self) -> Vec<Firmware> {
        let mut directories = vec!["/usr/share/qemu/firmware".into(), "/etc/qemu/firmware".into()];
        if !self.privileged {
            let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
            let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
            directories.extend(config.map(|config| config.join("qemu/firmware")));
        }
        firmware::installed(&directories)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_emulator_is_probed_once_and_remembered() {
        let Some(path) = find("x86_64") else {
            eprintln!("skipped: needs qemu-system-x86_64");
            return;
        };
        let dir = std::env::temp_dir().join(format!("virtus-caps-{}", std::process::id()));
        let emulators =
            Emulators::new(dir.clone(), "/nvram".into(), false, tokio::runtime::Handle::current());
        let probed = emulators.get(&path).await.unwrap();
        for flag in ["tcg", "virtio-scsi-pci", "pcie-root-port", "query-cpu-model-expansion"] {
            assert!(probed.has(flag), "{flag}");
        }
        assert!(!probed.has("no-such-thing"));
        let machine = probed.machine(virtus_conf::domain::VirtType::Qemu, "q35").unwrap();
        assert!(machine.name.starts_with("pc-q35-"), "{machine:?}");
        assert_eq!(
            recall(&emulators.file(&path), &stamp(&path).unwrap()).as_ref(),
            Some(&probed.capabilities)
        );
        std::fs::remove_dir_all(dir).unwrap();
    }
}
