//! What goes beside the C library, written from the declarations of its functions.
//!
//! `virtus-capi-package DIR` writes into a directory: `include/libvirt/` with the headers, `NAME.map` and
//! `NAME-api.xml` for each library, the
//! aliases and stubs by which the small libraries use the state of the large one, and `NAME.pc.in`. `cargo xtask
//! libvirt` calls it, links and installs; nothing of this is kept in the repository.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use virtus_capi_package::{api_xml, headers, libraries, pkgconfig, stubs, symbols};

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("virtus-capi-package DIR    write the headers and what the libraries are linked with");
        return ExitCode::from(2);
    };
    match write(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("virtus-capi-package: {}: {e}", directory.display());
            ExitCode::FAILURE
        }
    }
}

fn write(directory: &Path) -> std::io::Result<()> {
    let include = directory.join("include/libvirt");
    std::fs::create_dir_all(&include)?;
    for header in headers::all() {
        std::fs::write(include.join(header.file), header.text)?;
    }
    for library in libraries::ALL {
        let file = |ending: &str| directory.join(format!("{}{ending}", library.name));
        std::fs::write(file(".map"), symbols::map(library))?;
        std::fs::write(file("-api.xml"), api_xml::text(library))?;
        std::fs::write(file(".pc.in"), pkgconfig::text(library))?;
        if library.is_stub() {
            std::fs::write(file(".s"), stubs::assembler(library, std::env::consts::ARCH)?)?;
        } else {
            std::fs::write(file(".aliases"), stubs::aliases())?;
        }
    }
    Ok(())
}
