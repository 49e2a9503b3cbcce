//! The project's C library, under programs that know nothing of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Answer, Outcome, World, ensure, runner, world};

/// The library as it was built for the tests.
#[derive(Debug)]
pub struct Library {
    directory: PathBuf,
}

impl Library {
    /// The one of `VIRTUS_LIBVIRT`, or of `target/libvirt`, built when it is not there.
    ///
    /// # Errors
    /// That it cannot be built.
    pub fn find() -> Outcome<Self> {
        Ok(Library { directory: runner::library()? })
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Runs a program on it, for an answer that may be a refusal. All symbols are looked for before it begins.
    ///
    /// # Errors
    /// When it cannot be run, or does not end.
    pub fn try_run(&self, command: &[&str]) -> Outcome<Answer> {
        let mut with = Command::new("timeout");
        with.arg("120").args(command).env("LD_LIBRARY_PATH", &self.directory).env("LD_BIND_NOW", "1");
        world::program(&mut with)
    }

    /// The same for a program that must succeed; its output.
    ///
    /// # Errors
    /// What it complains of.
    pub fn run(&self, command: &[&str]) -> Outcome<String> {
        let answer = self.try_run(command)?;
        ensure!(answer.ok, "{}: {}{}", command.join(" "), answer.out, answer.err);
        Ok(answer.out)
    }

    /// Compiles a program of `tests/e2e/c` with the library's own headers; `options` come last.
    ///
    /// # Errors
    /// What the compiler says.
    pub fn compile(&self, world: &World, program: &str, options: &[&str]) -> Outcome<String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/c").join(program).with_extension("c");
        let made = world.home().join(program).to_string_lossy().into_owned();
        let mut compiler = Command::new("cc");
        compiler
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations", "-o", &made])
            .arg("-I")
            .arg(self.directory.join("include"))
            .arg(source)
            .args(options);
        let said = world::program(&mut compiler)?;
        ensure!(said.ok, "{program} cannot be compiled: {}", said.err);
        Ok(made)
    }

    /// The option that links with the shared library.
    #[must_use]
    pub fn shared(&self) -> String {
        self.directory.join("libvirt.so").to_string_lossy().into_owned()
    }

    /// The option that links with the static library.
    #[must_use]
    pub fn archive(&self) -> String {
        self.directory.join("libvirt.a").to_string_lossy().into_owned()
    }

    /// Writes pkg-config files that lead to the library where it was built, and says in which directory.
    ///
    /// # Errors
    /// What the file system says.
    pub fn pkgconfig(&self, world: &World) -> Outcome<String> {
        let built = self.directory.to_string_lossy();
        for name in ["libvirt", "libvirt-qemu", "libvirt-lxc", "libvirt-admin"] {
            let text = std::fs::read_to_string(self.directory.join(format!("{name}.pc.in")))?
                .replace("@prefix@", &built)
                .replace("@libdir@", &built)
                .replace("@includedir@", &format!("{built}/include"))
                .replace("@apidir@", &built);
            world.file(&format!("{name}.pc"), &text)?;
        }
        Ok(world.home().to_string_lossy().into_owned())
    }
}
