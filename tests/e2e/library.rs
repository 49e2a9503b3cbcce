//! Programs that were made for libvirt's C library, on ours: bindings, tools, and C itself.
//!
//! Each runs twice where that makes sense: with the host in memory in its own process, and with the daemon.

use std::collections::BTreeSet;
use std::path::Path;

use virtus_tests::{Library, Outcome, World, ensure};

use crate::client;

/// The host in memory, in the program's process and in the daemon.
const TEST_URIS: [&str; 2] = ["test:///default", "test+unix:///default"];

pub(crate) fn python_binding(world: &mut World) -> Outcome {
    let library = Library::find()?;
    for script in [client::same_domains(world), client::events(world), EVERYTHING.to_owned()] {
        library.run(&["/usr/bin/python3", "-c", &script])?;
    }
    Ok(())
}

/// All modules of the binding, and what each needs of the library.
const EVERYTHING: &str = r#"
import libvirt, libvirt_qemu, libvirt_lxc, libvirtaio
for uri in ('test:///default', 'test+unix:///default'):
    conn = libvirt.open(uri)
    assert [d.name() for d in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)] == ['test']
    assert conn.listNetworks() == ['default'] and conn.listStoragePools() == ['default-pool']
    assert 'eth1' in conn.listInterfaces() and 'computer' in conn.listDevices(None)
    pool = conn.storagePoolLookupByName('default-pool')
    vol = pool.createXML('<volume><name>of-python</name><capacity>1024</capacity></volume>')
    assert vol.info()[1] == 1024 and pool.listVolumes() == ['of-python']
    vol.delete()
    dom = conn.lookupByName('test')
    stats = conn.getAllDomainStats()
    assert any(d.name() == 'test' and s['state.state'] == 1 for d, s in stats), stats
    snapshot = dom.snapshotCreateXML('<domainsnapshot><name>s</name></domainsnapshot>')
    assert dom.snapshotListNames() == ['s'] and snapshot.getDomain().name() == 'test'
    snapshot.delete()
    try:
        libvirt_qemu.qemuMonitorCommand(dom, '{}', 0)
        raise SystemExit('the host in memory has a monitor')
    except libvirt.libvirtError as e:
        assert e.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT, e
    conn.close()
"#;

/// The Python binding as its makers publish it, made with our headers, pkg-config files and description of the API.
pub(crate) fn python_binding_from_its_source(world: &mut World) -> Outcome {
    let library = Library::find()?;
    let source = std::env::var("VIRTUS_LIBVIRT_PYTHON")?;
    let (home, found) = (world.home().to_string_lossy().into_owned(), library.pkgconfig(world)?);
    library.run(&["tar", "xf", &source, "-C", &home, "--strip-components=1"])?;
    let build = format!(
        "cd {home} && export PKG_CONFIG_PATH={found} LIBRARY_PATH={} CFLAGS=-Wno-deprecated-declarations && \
         /usr/bin/python3 setup.py -q build --build-lib made",
        library.directory().display()
    );
    library.run(&["sh", "-c", &build])?;
    let path = format!("PYTHONPATH={home}/made");
    for script in [client::same_domains(world), EVERYTHING.to_owned()] {
        let script = format!("{script}\nassert libvirt.__file__.startswith('{home}'), libvirt.__file__");
        library.run(&["env", &path, "/usr/bin/python3", "-c", &script])?;
    }
    // its makers' own tests
    let tests = format!("cd {home} && {path}:{home}/tests /usr/bin/python3 -m unittest discover -s tests");
    library.run(&["sh", "-c", &tests]).map(drop)
}

pub(crate) fn perl_binding(_: &mut World) -> Outcome {
    let library = Library::find()?;
    for uri in TEST_URIS {
        library.run(&["perl", "-e", &PERL.replace("URI", uri)])?;
    }
    Ok(())
}

const PERL: &str = r#"
use strict; use warnings; use Sys::Virt;
my $conn = Sys::Virt->new(uri => 'URI');
my @names = map { $_->get_name } $conn->list_all_domains(Sys::Virt::Domain::LIST_ACTIVE);
"@names" eq 'test' or die "@names";
my $net = $conn->get_network_by_name('default');
$net->is_active or die 'the network is not active';
my $dom = $conn->define_domain('<domain type="test"><name>perl</name><memory>8192</memory>'
    . '<os><type>hvm</type></os></domain>');
$dom->create; $dom->get_info->{state} == Sys::Virt::Domain::STATE_RUNNING or die 'it does not run';
my $stats = ($conn->get_all_domain_stats(Sys::Virt::Domain::STATS_STATE, [$dom]))[0];
$stats->{data}->{'state.state'} == 1 or die 'no statistics';
$dom->destroy; $dom->undefine;
eval { $conn->get_domain_by_name('nobody') };
ref($@) eq 'Sys::Virt::Error' && $@->code == Sys::Virt::Error::ERR_NO_DOMAIN or die "not refused: $@";
"#;

pub(crate) fn glib_binding(_: &mut World) -> Outcome {
    let library = Library::find()?;
    for uri in TEST_URIS {
        library.run(&["/usr/bin/python3", "-c", &GLIB.replace("URI", uri)])?;
    }
    Ok(())
}

/// libvirt-glib's own event loop, and its objects.
const GLIB: &str = r#"
import gi
gi.require_version('LibvirtGLib', '1.0'); gi.require_version('LibvirtGObject', '1.0')
from gi.repository import GLib, LibvirtGLib, LibvirtGObject
LibvirtGLib.event_register()
conn = LibvirtGObject.Connection.new('URI')
conn.open(None); conn.fetch_domains(None); conn.fetch_storage_pools(None)
domain = conn.find_domain_by_name('test')
assert [d.get_name() for d in conn.get_domains()] == ['test'] and domain.get_info().nrVirtCpu == 2
assert [p.get_name() for p in conn.get_storage_pools()] == ['default-pool']
loop, told = GLib.MainLoop(), []
domain.connect('suspended', lambda *a: (told.append('suspended'), loop.quit()))
domain.suspend()
GLib.timeout_add_seconds(20, loop.quit)
loop.run()
assert told == ['suspended'], told
"#;

pub(crate) fn ruby_binding(_: &mut World) -> Outcome {
    let library = Library::find()?;
    for uri in TEST_URIS {
        let script = format!(
            "require 'libvirt'; conn = Libvirt::open('{uri}')\n\
             raise 'domains' unless conn.lookup_domain_by_name('test').info.nr_virt_cpu == 2\n\
             raise 'networks' unless conn.list_networks == ['default']\n\
             begin; conn.lookup_domain_by_name('nobody'); raise 'found'\n\
             rescue Libvirt::RetrieveError => e; raise e unless e.libvirt_code == 42; end"
        );
        library.run(&["ruby", "-e", &script])?;
    }
    Ok(())
}

pub(crate) fn virt_install(world: &mut World) -> Outcome {
    let library = Library::find()?;
    let install = |uri: &str, more: &[&str]| -> Outcome<String> {
        let common = ["virt-install", "--connect", uri, "--name", "installed", "--import"];
        let machine = ["--osinfo", "detect=off,require=off", "--graphics", "none", "--noautoconsole"];
        library.run(&[&common[..], &machine, more].concat())
    };
    install("test:///default", &["--memory", "64", "--disk", "none"])?;
    let disk = world.home().join("disk.qcow2");
    let disk = format!("path={},size=1,format=qcow2", disk.display());
    let xml =
        install("qemu:///system", &["--memory", "128", "--disk", &disk, "--print-xml", "--network", "none"])?;
    ensure!(xml.contains("<name>installed</name>") && xml.contains("disk.qcow2"), "{xml}");
    world.define("alpha")?;
    library.run(&[
        "virt-xml",
        "--connect",
        "qemu:///system",
        "alpha",
        "--edit",
        "--memory",
        "256",
        "--define",
    ])?;
    let now = world.virsh(&["dumpxml", "--inactive", "alpha"])?;
    ensure!(now.contains("<memory unit='KiB'>262144</memory>"), "{now}");
    Ok(())
}

pub(crate) fn virt_viewer(_: &mut World) -> Outcome {
    // without a display it can only be loaded, with all its symbols
    Library::find()?.run(&["virt-viewer", "--version"]).map(drop)
}

pub(crate) fn c_programs(world: &mut World) -> Outcome {
    let library = Library::find()?;
    let shared = library.shared();
    for program in ["objects", "errors", "threads", "default-loop", "own-loop"] {
        let made = library.compile(world, program, &[&shared, "-lpthread"])?;
        for uri in TEST_URIS {
            library.run(&["env", "FREED=1", &made, uri]).map_err(|e| format!("{program} {uri}: {e}"))?;
        }
    }
    Ok(())
}

/// The libraries themselves have every symbol under its node, and no others.
pub(crate) fn symbols(_: &mut World) -> Outcome {
    const FACTS: &str = include_str!("../../crates/capi-package/tests/data/functions.txt");
    let library = Library::find()?;
    for name in ["libvirt", "libvirt-qemu", "libvirt-lxc", "libvirt-admin"] {
        let of = |line: &'static str| -> Option<String> {
            let (fact, prototype) = line.strip_prefix(name)?.strip_prefix(' ')?.split_once(".h ")?;
            let symbol = prototype.split('(').next()?.rsplit([' ', '*']).next()?;
            Some(format!("{symbol}@@{}", fact.split(' ').next()?))
        };
        let wanted: BTreeSet<String> = FACTS.lines().filter_map(of).collect();
        let file = library.directory().join(format!("{name}.so.0")).to_string_lossy().into_owned();
        let listed = library.run(&["nm", "-D", "--defined-only", "--with-symbol-versions", &file])?;
        let symbols = listed.lines().filter_map(|line| line.split(' ').nth(2));
        let public = |symbol: &&str| !symbol.contains("VIRTUS_PRIVATE") && symbol.contains("@@");
        let there: BTreeSet<String> = symbols.filter(public).map(str::to_owned).collect();
        let missing: Vec<_> = wanted.difference(&there).collect();
        let more: Vec<_> = there.difference(&wanted).collect();
        ensure!(
            !wanted.is_empty() && missing.is_empty() && more.is_empty(),
            "{name}: -{missing:?} +{more:?}"
        );
    }
    Ok(())
}

pub(crate) fn administration(world: &mut World) -> Outcome {
    let library = Library::find()?;
    let admin = library.directory().join("libvirt-admin.so").to_string_lossy().into_owned();
    let made = library.compile(world, "admin", &[&library.shared(), &admin])?;
    library.run(&[&made]).map(drop)
}

pub(crate) fn a_program_that_needs_no_shared_library(world: &mut World) -> Outcome {
    let library = Library::find()?;
    let made =
        library.compile(world, "objects", &[&library.archive(), "-lgcc_s", "-lm", "-lpthread", "-ldl"])?;
    let needs = library.run(&["ldd", &made])?;
    ensure!(!needs.contains("libvirt"), "{needs}");
    library.run(&["env", "FREED=1", &made]).map(drop)
}

pub(crate) fn nothing_is_lost_or_touched_wrongly(world: &mut World) -> Outcome {
    let library = Library::find()?;
    let shared = library.shared();
    for program in ["objects", "errors", "default-loop"] {
        let made = library.compile(world, program, &["-g", &shared, "-lpthread"])?;
        let valgrind = ["env", "FREED=1", "valgrind", "-q", "--error-exitcode=9", "--leak-check=full"];
        let lost = ["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", &made];
        library.run(&[&valgrind[..], &lost].concat())?;
    }
    Ok(())
}

/// Headers that are read alone, in C and C++, by those who want every warning.
pub(crate) fn headers_stand_alone(world: &mut World) -> Outcome {
    let library = Library::find()?;
    let include = library.directory().join("include");
    let includes = format!("-I{}", include.display());
    for header in std::fs::read_dir(include.join("libvirt"))? {
        let name = header?.file_name().to_string_lossy().into_owned();
        let source =
            world.file("alone.c", &format!("#include <libvirt/{name}>\nint main(void) {{ return 0; }}\n"))?;
        let warnings = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only", &includes];
        for language in [&["cc", "-std=c99"][..], &["cc", "-xc++", "-std=c++11"]] {
            // C++ is not on every machine
            let cpp = Path::new("/usr/bin/c++").exists();
            if language.contains(&"-xc++") && !cpp {
                continue;
            }
            library.run(&[language, &warnings, &[source.as_str()]].concat())?;
        }
    }
    Ok(())
}
