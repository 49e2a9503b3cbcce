//! That reading a definition takes time in proportion to its length, whatever it has much of.
//!
//! What is measured is this thread's time on a CPU, which a busy machine does not lengthen; the least of a few
//! attempts counts. Work that grows with the square takes eight times what is allowed here.

use std::fmt::Write;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use virtus_conf::domain::{FormatOptions, ParseOptions};

use super::parse;
use crate::fake::FakeEnvironment;

/// How many there are of a thing at first, and then.
const FEW: u32 = 125;
const MANY: u32 = 8 * FEW;

const SHOWN: FormatOptions =
    FormatOptions { inactive: true, secure: true, migratable: false, status: false, indent: 0 };

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The least time that reading and printing takes, and how it ends.
fn cost(xml: &str, strict: bool, attempts: u32) -> (Duration, Option<String>) {
    let options = ParseOptions { inactive: true, skip_validate: false, strict };
    let mut least = Duration::MAX;
    let mut end = None;
    for _ in 0..attempts {
        let begun = cpu_time();
        end = match parse(xml, &options, &FakeEnvironment) {
            Ok(domain) => {
                drop(domain.format(&SHOWN));
                None
            }
            Err(e) => Some(e.message().to_owned()),
        };
        least = least.min(cpu_time().saturating_sub(begun));
    }
    (least, end)
}

fn letters(mut i: u32) -> String {
    let mut name = Vec::new();
    loop {
        name.insert(0, char::from(b'a' + u8::try_from(i % 26).unwrap_or(0)));
        match (i / 26).checked_sub(1) {
            Some(rest) => i = rest,
            None => return name.into_iter().collect(),
        }
    }
}

/// Where the many things stand.
#[derive(Clone, Copy)]
enum Place {
    Devices,
    Domain,
    /// Inside this element of the domain.
    In(&'static str),
    /// Inside this element of the devices.
    Device(&'static str),
}
use Place::{Device, Devices, Domain, In};

type Shape = (&'static str, Place, fn(u32, u32) -> String);

/// What there may be much of: its name, its place, and the text of one, by its number and how many there are.
#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    ("virtio disks", Devices, |i, _| format!("<disk type='file'><source file='/{i}'/><target dev='vd{}' bus='virtio'/></disk>", letters(i))),
    ("virtio disks backwards", Devices, |i, n| format!("<disk type='file'><source file='/{i}'/><target dev='vd{}' bus='virtio'/></disk>", letters(n - i))),
    ("usb disks", Devices, |i, _| format!("<disk type='file'><source file='/{i}'/><target dev='sd{}' bus='usb'/></disk>", letters(i))),
    ("scsi disks", Devices, |i, _| format!("<disk type='file'><source file='/{i}'/><target dev='sd{}' bus='scsi'/></disk>", letters(i))),
    ("scsi disks with addresses", Devices, |i, _| format!("<disk type='file'><source file='/{i}'/><target dev='sd{}' bus='scsi'/><address type='drive' controller='0' bus='0' target='{}' unit='{}'/></disk>", letters(i), i % 200, i / 200)),
    ("sata disks", Devices, |i, _| format!("<disk type='file'><source file='/{i}'/><target dev='sd{}' bus='sata'/></disk>", letters(i))),
    ("disks of a throttle group", Devices, |i, _| format!("<disk type='file'><source file='/{i}'/><target dev='vd{}' bus='virtio'/><iotune><group_name>g{i}</group_name></iotune></disk>", letters(i))),
    ("disks with one name", Devices, |i, _| format!("<disk type='file'><source file='/{i}'/><target dev='vda' bus='virtio'/></disk>")),
    ("boot orders", Devices, |i, _| format!("<disk type='file'><source file='/{i}'/><target dev='sd{}' bus='usb'/><boot order='{}'/></disk>", letters(i), i + 1)),
    ("interfaces", Devices, |_, _| "<interface type='user'/>".to_owned()),
    ("interfaces with addresses", Devices, |i, _| format!("<interface type='user'><model type='virtio'/><address type='pci' domain='0' bus='{}' slot='{}' function='{}'/></interface>", i / 248, i / 8 % 31 + 1, i % 8)),
    ("interfaces on usb", Devices, |_, _| "<interface type='user'><model type='usb-net'/></interface>".to_owned()),
    ("scsi controllers", Devices, |_, _| "<controller type='scsi'/>".to_owned()),
    ("scsi controllers with indexes", Devices, |i, n| format!("<controller type='scsi' index='{}'/>", n - i)),
    ("usb controllers", Devices, |_, _| "<controller type='usb' model='ich9-ehci1'/>".to_owned()),
    ("usb companions", Devices, |i, _| format!("<controller type='usb' index='{}' model='ich9-uhci{}'/>", i / 3, i % 3 + 1)),
    ("pci bridges", Devices, |_, _| "<controller type='pci' model='pci-bridge'/>".to_owned()),
    ("controllers of virtio serial", Devices, |_, _| "<controller type='virtio-serial'/>".to_owned()),
    ("channels", Devices, |i, _| format!("<channel type='unix'><target type='virtio' name='c{i}'/></channel>")),
    ("channels on a controller each", Devices, |i, _| format!("<channel type='unix'><target type='virtio' name='c{i}'/><address type='virtio-serial' controller='{i}' bus='0' port='1'/></channel>")),
    ("consoles", Devices, |_, _| "<console type='pty'><target type='virtio'/></console>".to_owned()),
    ("serial ports", Devices, |_, _| "<serial type='pty'><target type='usb-serial'/></serial>".to_owned()),
    ("parallel ports", Devices, |_, _| "<parallel type='pty'/>".to_owned()),
    ("usb tablets", Devices, |_, _| "<input type='tablet' bus='usb'/>".to_owned()),
    ("virtio keyboards", Devices, |_, _| "<input type='keyboard' bus='virtio'/>".to_owned()),
    ("usb hubs", Devices, |_, _| "<hub type='usb'/>".to_owned()),
    ("smartcards", Devices, |_, _| "<smartcard mode='host'/>".to_owned()),
    ("redirected devices", Devices, |_, _| "<redirdev bus='usb' type='spicevmc'/>".to_owned()),
    ("scsi devices of the host", Devices, |i, _| format!("<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='{}' unit='{}'/></source></hostdev>", i / 200, i % 200)),
    ("pci devices of the host", Devices, |i, _| format!("<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x{:04x}' bus='0x{:02x}' slot='0x01' function='0x0'/></source></hostdev>", i / 256, i % 256)),
    ("usb devices of the host", Devices, |i, _| format!("<hostdev mode='subsystem' type='usb'><source><address bus='{}' device='{}'/></source></hostdev>", i / 100 + 1, i % 100 + 1)),
    ("mediated devices", Devices, |i, _| format!("<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='8f7a3c1e-5d2b-4e6f-9a10-0c0fffe{i:05x}'/></source></hostdev>")),
    ("filesystems", Devices, |i, _| format!("<filesystem type='mount'><source dir='/{i}'/><target dir='t{i}'/></filesystem>")),
    ("displays", Devices, |_, _| "<graphics type='vnc' port='-1' autoport='yes'/>".to_owned()),
    ("addresses of a display", Device("graphics type='vnc'"), |i, _| format!("<listen type='address' address='10.0.{}.{}'/>", i / 256, i % 256)),
    ("video cards", Devices, |_, _| "<video><model type='qxl'/></video>".to_owned()),
    ("primary video cards", Devices, |_, _| "<video><model type='vga' primary='yes'/></video>".to_owned()),
    ("sound cards", Devices, |_, _| "<sound model='ich9'/>".to_owned()),
    ("audio", Devices, |i, _| format!("<audio id='{}' type='none'/><sound model='usb'><audio id='{}'/></sound>", i + 1, i + 1)),
    ("sources of randomness", Devices, |_, _| "<rng model='virtio'><backend model='random'/></rng>".to_owned()),
    ("panic devices", Devices, |_, _| "<panic model='isa'/>".to_owned()),
    ("watchdogs", Devices, |_, _| "<watchdog model='i6300esb'/>".to_owned()),
    ("shared memory", Devices, |i, _| format!("<shmem name='s{i}'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>")),
    ("memory devices", Devices, |_, _| "<memory model='dimm'><target><size unit='KiB'>1</size></target></memory>".to_owned()),
    ("memory devices with slots", Devices, |i, _| format!("<memory model='dimm'><target><size unit='KiB'>1</size></target><address type='dimm' slot='{i}' base='0x{:x}'/></memory>", i * 4096)),
    ("leases", Devices, |i, _| format!("<lease><lockspace>a</lockspace><key>k{i}</key><target path='/{i}'/></lease>")),
    ("aliases", Devices, |i, _| format!("<input type='tablet' bus='usb'><alias name='ua-{i}'/></input>")),
    ("vsocks", Devices, |_, _| "<vsock><cid auto='yes'/></vsock>".to_owned()),
    ("crypto devices", Devices, |_, _| "<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>".to_owned()),
    ("rules of redirection", Device("redirfilter"), |i, _| format!("<usbdev vendor='0x{:04x}' allow='yes'/>", i % 65536)),
    ("hosts of a disk", Device("disk type='network'><target dev='vda'/><source protocol='rbd' name='a/b'"), |i, _| format!("<host name='h{i}'/>")),
    ("cookies", Device("disk type='network'><target dev='vda'/><source protocol='http' name='a'><host name='h'/><cookies"), |i, _| format!("<cookie name='c{i}'>v</cookie>")),
    ("slices", Device("disk type='file'><target dev='vda'/><source file='/a'><slices"), |i, _| format!("<slice type='storage' offset='{i}' size='1'/>")),
    ("seclabels of a disk", Device("disk type='file'><target dev='vda'/><source file='/a'"), |i, _| format!("<seclabel model='m{i}' relabel='no'/>")),
    ("iothreads of a disk", Device("disk type='file'><target dev='vda'/><source file='/a'/><driver name='qemu'><iothreads"), |i, _| format!("<iothread id='{}'/>", i + 1)),
    ("routes of an interface", Device("interface type='user'"), |i, _| format!("<ip family='ipv4' address='10.0.{}.{}' prefix='8'/>", i / 256, i % 256)),
    ("forwarded ports", Device("interface type='user'><backend type='passt'/><portForward proto='tcp'"), |i, _| format!("<range start='{}'/>", i + 1)),
    ("tags of a VLAN", Device("interface type='bridge'><source bridge='b'/><vlan trunk='yes'"), |i, _| format!("<tag id='{}'/>", i % 4095)),
    ("parameters of a filter", Device("interface type='user'><filterref filter='f'"), |i, _| format!("<parameter name='P{i}' value='v'/>")),
    ("metadata", In("metadata"), |i, _| format!("<m{i}:a xmlns:m{i}='urn:{i}'><m{i}:b/></m{i}:a>")),
    ("metadata inside one", In("metadata><m:a xmlns:m='urn:m'"), |i, _| format!("<m:b n='{i}'>text</m:b>\n")),
    ("security labels", Domain, |i, _| format!("<seclabel type='static' model='m{i}'><label>l</label></seclabel>")),
    ("tables", In("sysinfo type='smbios'><oemStrings"), |i, _| format!("<entry>{i}</entry>")),
    ("base boards", In("sysinfo type='smbios'"), |i, _| format!("<baseBoard><entry name='serial'>{i}</entry></baseBoard>")),
    ("fw_cfg", In("sysinfo type='fwcfg'"), |i, _| format!("<entry name='opt/a/{i}'>v</entry>")),
    ("cells", In("vcpu>4096</vcpu><cpu><numa"), |i, _| format!("<cell id='{i}' cpus='{i}' memory='1024'/>")),
    ("distances", In("cpu><numa><cell id='0' cpus='0' memory='1024'><distances"), |i, _| format!("<sibling id='{i}' value='10'/>")),
    ("features of the CPU", In("cpu><model>qemu64</model"), |i, _| format!("<feature name='f{i}' policy='disable'/>")),
    ("one feature of the CPU", In("cpu><model>qemu64</model"), |_, _| "<feature name='f' policy='disable'/>".to_owned()),
    ("pinned vCPUs", In("vcpu>4096</vcpu><cputune"), |i, _| format!("<vcpupin vcpu='{i}' cpuset='{}'/>", i % 64)),
    ("schedulers of vCPUs", In("vcpu>4096</vcpu><cputune"), |i, _| format!("<vcpusched vcpus='{i}' scheduler='fifo' priority='1'/>")),
    ("pinned I/O threads", In("iothreads>4096</iothreads><cputune"), |i, _| format!("<iothreadpin iothread='{}' cpuset='0'/>", i + 1)),
    ("schedulers of I/O threads", In("iothreads>4096</iothreads><cputune"), |i, _| format!("<iothreadsched iothreads='{}' scheduler='batch'/>", i + 1)),
    ("cache tunes", In("vcpu>4096</vcpu><cputune"), |i, _| format!("<cachetune vcpus='{i}'><cache id='0' level='3' type='both' size='1' unit='MiB'/></cachetune>")),
    ("memory tunes", In("vcpu>4096</vcpu><cputune"), |i, _| format!("<memorytune vcpus='{i}'><node id='0' bandwidth='10'/></memorytune>")),
    ("vCPUs one by one", In("vcpu>4096</vcpu><vcpus"), |i, _| format!("<vcpu id='{i}' enabled='yes' hotpluggable='no'/>")),
    ("I/O threads", In("iothreadids"), |i, _| format!("<iothread id='{}'/>", i + 1)),
    ("nodes of memory", In("vcpu>2</vcpu><cpu><numa><cell id='0' cpus='0-1' memory='65536'/></numa></cpu><numatune"), |i, _| format!("<memnode cellid='{i}' mode='strict' nodeset='0'/>")),
    ("huge pages", In("memoryBacking><hugepages"), |i, _| format!("<page size='{}' nodeset='{i}'/>", 1024 * (i + 1))),
    ("devices of blkiotune", In("blkiotune"), |i, _| format!("<device><path>/dev/{i}</path><weight>200</weight></device>")),
    ("throttle groups", In("throttlegroups"), |i, _| format!("<throttlegroup><group_name>g{i}</group_name><total_bytes_sec>1</total_bytes_sec></throttlegroup>")),
    ("timers", In("clock offset='utc'"), |_, _| "<timer name='rtc' tickpolicy='delay'/>".to_owned()),
    ("boot devices", In("os><type>hvm</type"), |_, _| "<boot dev='hd'/>".to_owned()),
    ("tables of ACPI", In("os><type>hvm</type><acpi"), |i, _| format!("<table type='slic'>/{i}</table>")),
    ("perf events", In("perf"), |_, _| "<event name='cmt' enabled='no'/>".to_owned()),
    ("maps of users", In("idmap"), |i, _| format!("<uid start='{i}' target='{i}' count='1'/>")),
    ("QEMU's arguments", In("q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'"), |i, _| format!("<q:arg value='{i}'/><q:env name='e{i}' value='v'/>")),
    ("QEMU's capabilities", In("q:capabilities xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'"), |i, _| format!("<q:add capability='c{i}'/>")),
    ("overrides", In("q:override xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'"), |i, _| format!("<q:device alias='d{i}'><q:frontend><q:property name='p' type='string' value='v'/></q:frontend></q:device>")),
    ("unknown elements", Domain, |i, _| format!("<unknown{i}/>")),
    ("unknown devices", Devices, |_, _| "<unknown/>".to_owned()),
    ("resources", Domain, |_, _| "<resource><partition>/a</partition></resource>".to_owned()),
];

fn document((_, place, one): &Shape, n: u32) -> String {
    let mut list = String::new();
    for i in 0..n {
        let _ = write!(list, "{}", one(i, n));
    }
    let inside = |path: &str| {
        let open = format!("<{path}>");
        let mut end = String::new();
        // the elements that the path leaves open
        let mut stack: Vec<&str> = Vec::new();
        for tag in open.split('<').skip(1) {
            let name = tag.split([' ', '>']).next().unwrap_or_default();
            match name.strip_prefix('/') {
                Some(_) => drop(stack.pop()),
                None if tag.contains("/>") => {}
                None => stack.push(name),
            }
        }
        while let Some(name) = stack.pop() {
            let _ = write!(end, "</{name}>");
        }
        format!("{open}{list}{end}")
    };
    let (devices, domain) = match place {
        Devices => (list, String::new()),
        Domain => (String::new(), list),
        In(path) => (String::new(), inside(path)),
        Device(path) => (inside(path), String::new()),
    };
    let os = if domain.starts_with("<os>") { "" } else { "<os><type machine='pc'>hvm</type></os>" };
    format!(
        "<domain type='qemu'><name>g</name><memory>65536</memory>{os}{domain}<devices>{devices}</devices></domain>"
    )
}

#[test]
fn time_grows_as_the_document_does() {
    let mut slow = Vec::new();
    for shape in SHAPES {
        for strict in [false, true] {
            let (few, _) = cost(&document(shape, FEW), strict, 2);
            let (many, end) = cost(&document(shape, MANY), strict, 1);
            let factor = many.as_secs_f64() / few.as_secs_f64();
            if std::env::var_os("SHOW").is_some() {
                println!(
                    "{factor:6.1} {few:>12?} {many:>12?} {} {strict} {:?}",
                    shape.0,
                    end.map(|e| e.chars().take(90).collect::<String>())
                );
            }
            // eight times as much, and something for caches; the square of it would be 64
            if factor > 24.0 && many > Duration::from_millis(10) {
                slow.push(format!(
                    "{} (strict: {strict}) took {factor:.0} times as long: {few:?}, {many:?}",
                    shape.0
                ));
            }
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
