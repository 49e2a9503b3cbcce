//! How the small libraries use the state of the large one.
//!
//! `libvirt.so.0` has all functions. Those of the small libraries are not seen there under their own names, but under
//! an alias that only ours know; the small libraries consist of jumps to these.

use std::fmt::Write;
use std::io;

use crate::libraries::{self, Library};

/// What aliases begin with.
pub const PREFIX: &str = "virtus_";

/// The linker's options that make the aliases, one a line.
pub fn aliases() -> String {
    let stubs = libraries::ALL.iter().filter(|library| library.is_stub());
    stubs.flat_map(Library::exports).fold(String::new(), |mut all, export| {
        let _ = writeln!(all, "--defsym={PREFIX}{name}={name}", name = export.name);
        all
    })
}

/// The jumps of a small library.
///
/// # Errors
/// For a kind of machine that is not known.
pub fn assembler(library: &Library, machine: &str) -> io::Result<String> {
    let jump: fn(&str) -> String = match machine {
        "x86_64" => |to| format!("    endbr64\n    jmp {to}@PLT\n"),
        "aarch64" => |to| format!("    hint #34\n    b {to}\n"),
        _ => return Err(io::Error::new(io::ErrorKind::Unsupported, format!("no stubs for {machine}"))),
    };
    let mut text = String::from("    .text\n");
    for export in library.exports() {
        let name = export.name;
        let _ = write!(text, "    .globl {name}\n    .type {name}, %function\n    .balign 16\n{name}:\n");
        text.push_str(&jump(&format!("{PREFIX}{name}")));
        let _ = writeln!(text, "    .size {name}, . - {name}");
    }
    text.push_str("    .section .note.GNU-stack, \"\", %progbits\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_that_are_not_known_are_refused() {
        assert!(assembler(&libraries::ALL[1], "pdp11").is_err());
        assert!(assembler(&libraries::ALL[1], "aarch64").is_ok());
    }
}
