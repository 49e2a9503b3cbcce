//! What the headers say of structs and constants is what the library goes by: a C compiler compares.

#![allow(clippy::expect_used)]

use std::fmt::Write;
use std::process::Command;

use virtus::constants::{Value, constants};
use virtus_capi_package::headers;

#[test]
fn c_sees_the_structs_and_constants_as_the_library_does() {
    let Ok(compiler) = Command::new("cc").arg("--version").output() else {
        println!("skipped, needs the program 'cc'");
        return;
    };
    assert!(compiler.status.success());
    let directory = tempfile::tempdir().expect("a directory");
    let include = directory.path().join("libvirt");
    std::fs::create_dir(&include).expect("a directory");
    for header in headers::all() {
        std::fs::write(include.join(&header.file), header.text).expect("a header");
    }
    let source = directory.path().join("layout.c");
    std::fs::write(&source, assertions()).expect("a source");
    let options =
        ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations", "-fsyntax-only", "-I"];
    let said = Command::new("cc").args(options).arg(directory.path()).arg(&source).output().expect("cc");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

fn assertions() -> String {
    let mut text = String::from(
        "#define VIR_ENUM_SENTINELS\n#include <libvirt/libvirt.h>\n#include <libvirt/libvirt-qemu.h>\n\
         #include <libvirt/libvirt-lxc.h>\n#include <libvirt/libvirt-admin.h>\n",
    );
    let mut count = 0;
    for structure in virtus_capi::structs() {
        let (size, offsets) = structure.layout.expect("a struct has a layout");
        let [name, ..] = headers::names(structure.name);
        let _ = writeln!(text, "_Static_assert(sizeof({name}) == {size}, \"\");");
        for ((field, _), offset) in structure.members.iter().zip(offsets) {
            let field = field.trim_start_matches("r#");
            let _ = writeln!(text, "_Static_assert(offsetof({name}, {field}) == {offset}, \"\");");
        }
        count += 1;
    }
    assert!(count > 3);
    for constant in constants() {
        let name = constant.name;
        let _ = match constant.value {
            Value::Number(number) => writeln!(text, "_Static_assert({name} == {number}LL, \"\");"),
            // a text that is put together with another one is a literal
            Value::Text(value) => {
                writeln!(text, "_Static_assert(sizeof(\"\" {name}) == {}, \"\");", value.len() + 1)
            }
        };
    }
    text
}
