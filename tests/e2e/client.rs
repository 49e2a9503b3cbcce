//! The Python binding, as programs use it.

use virtus_tests::{Outcome, World};

pub(crate) fn python_sees_the_same_domains(world: &mut World) -> Outcome {
    let xml = world.guest_xml("alpha", "");
    world.python(&format!(
        r#"
import libvirt
conn = libvirt.open('qemu:///system')
dom = conn.defineXML("""{xml}""")
assert [d.name() for d in conn.listAllDomains()] == ['alpha']
assert conn.lookupByUUIDString(dom.UUIDString()).name() == 'alpha'
assert dom.info() == [libvirt.VIR_DOMAIN_SHUTOFF, 131072, 131072, 1, 0], dom.info()
assert dom.state() == [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_UNKNOWN], dom.state()
assert conn.getLibVersion() >= 9000000 and conn.getType() == 'QEMU' and conn.isAlive()
assert 'qemu' in conn.getCapabilities() and conn.getInfo()[2] > 0
dom.setMetadata(libvirt.VIR_DOMAIN_METADATA_TITLE, 'A title', None, None, libvirt.VIR_DOMAIN_AFFECT_CONFIG)
assert dom.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None) == 'A title'
try:
    conn.lookupByName('nobody')
    raise SystemExit('nobody was found')
except libvirt.libvirtError as e:
    assert e.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN and e.get_error_domain() == libvirt.VIR_FROM_QEMU
    assert e.get_error_message() == "Domain not found: no domain with matching name 'nobody'", e
dom.rename('beta')
assert conn.lookupByName('beta').UUIDString() == dom.UUIDString()
conn.lookupByName('beta').undefine()
assert conn.listAllDomains() == []
"#
    ))?;
    Ok(())
}

pub(crate) fn python_is_told_of_events(world: &mut World) -> Outcome {
    let xml = world.guest_xml("alpha", "");
    world.python(&format!(
        r#"
import libvirt
libvirt.virEventRegisterDefaultImpl()
conn = libvirt.open('qemu:///system')
told = []
conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
    lambda conn, dom, event, detail, opaque: told.append((dom.name(), event, detail)), None)
conn.defineXML("""{xml}""").undefine()
late = []
libvirt.virEventAddTimeout(20000, lambda timer, opaque: late.append(1), None)
while len(told) < 2 and not late:
    libvirt.virEventRunDefaultImpl()
assert told == [('alpha', libvirt.VIR_DOMAIN_EVENT_DEFINED, libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED),
                ('alpha', libvirt.VIR_DOMAIN_EVENT_UNDEFINED, libvirt.VIR_DOMAIN_EVENT_UNDEFINED_REMOVED)], told
"#
    ))?;
    Ok(())
}
