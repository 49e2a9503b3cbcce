//! pkg-config files.

use virtus::constants::LIBVIR_VERSION_NUMBER;

use crate::libraries::Library;

/// The file's text; `@prefix@`, `@libdir@`, `@includedir@` and `@apidir@` are put in by who installs.
pub fn text(library: &Library) -> String {
    let name = library.name;
    let link = name.strip_prefix("lib").unwrap_or(name);
    // bindings look for the small ones here as well
    let described: &[&str] =
        if library.is_stub() { &[name] } else { &["libvirt", "libvirt-qemu", "libvirt-lxc"] };
    let api: String = described
        .iter()
        .map(|name| format!("{}_api=@apidir@/{name}-api.xml\n", name.replace('-', "_")))
        .collect();
    let (needs, private) = match library.is_stub() {
        true => ("Requires: libvirt\n", ""),
        // what the static library takes from the system
        false => ("", "Libs.private: -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc\n"),
    };
    format!(
        "prefix=@prefix@\n\
         exec_prefix=${{prefix}}\n\
         libdir=@libdir@\n\
         includedir=@includedir@\n\
         \n\
         {api}\
         \n\
         Name: {name}\n\
         Version: {}\n\
         Description: {}\n\
         {needs}Libs: -L${{libdir}} -l{link}\n\
         {private}Cflags: -I${{includedir}}\n",
        version(),
        library.description,
    )
}

/// libvirt's version that this is one of, as text.
pub fn version() -> String {
    let number = LIBVIR_VERSION_NUMBER;
    format!("{}.{}.{}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libraries;

    #[test]
    fn small_libraries_need_the_large_one() {
        let [large, small, ..] = libraries::ALL else { unreachable!() };
        assert!(text(large).contains("Version: 11.3.0\n"));
        assert!(text(large).contains("Libs: -L${libdir} -lvirt\n"));
        assert!(text(small).contains("Requires: libvirt\nLibs: -L${libdir} -lvirt-qemu\n"));
    }
}
