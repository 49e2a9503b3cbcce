//! How long filters for many guests take: `cargo bench -p virtus-benches --bench nwfilter [-- GUESTS]`.
//!
//! It makes as many taps as guests (200) in the network namespace it runs in, has the daemon at `LIBVIRT_DEFAULT_URI`
//! bind `clean-traffic` to each, changes a filter that all of them use, and unbinds them. See `benches/README.md` for
//! how to compare daemons.

use std::process::Command;
use std::time::{Duration, Instant};

use virtus::calls::Remote;
use virtus::{Connection, Result};

const GUESTS: u32 = 200;

fn ip(args: &[&str]) -> bool {
    Command::new("ip").args(args).output().is_ok_and(|output| output.status.success())
}

fn tap(number: u32) -> String {
    format!("bench{number}")
}

fn binding(number: u32) -> String {
    let [.., high, low] = number.to_be_bytes();
    format!(
        "<filterbinding><owner><name>guest{number}</name>\
         <uuid>11111111-2222-3333-4444-5555{number:08x}</uuid></owner><portdev name='{}'/>\
         <mac address='52:54:00:00:{high:02x}:{low:02x}'/><filterref filter='clean-traffic'>\
         <parameter name='IP' value='10.1.{high}.{low}'/></filterref></filterbinding>",
        tap(number)
    )
}

fn timed(what: &str, count: u32, work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    let took = start.elapsed();
    let each = took.as_secs_f64() * 1000.0 / f64::from(count.max(1));
    println!("{what:<28} {:>9.1} ms  {each:>8.2} ms each", took.as_secs_f64() * 1000.0);
    Ok(took)
}

fn measure(guests: u32) -> Result<()> {
    let uri = std::env::var("LIBVIRT_DEFAULT_URI").unwrap_or_else(|_| "qemu:///system".to_owned());
    let connection = Connection::open(&uri)?;
    let bind = |number| connection.call(Remote::nwfilter_binding_create_xml(binding(number), 0)).map(drop);
    timed("first binding", 1, || bind(0))?;
    timed("all others, one by one", guests.saturating_sub(1), || (1..guests).try_for_each(bind))?;
    let filter = connection.call(Remote::nwfilter_lookup_by_name("no-ip-multicast".to_owned()))?;
    let mac = connection.call(Remote::nwfilter_lookup_by_name("no-mac-spoofing".to_owned()))?;
    let text = connection.call(Remote::nwfilter_get_xml_desc(mac, 0))?;
    let other = text.replace("priority='500'", "priority='450'");
    timed("a filter of all changes", guests, || {
        connection.call(Remote::nwfilter_define_xml(other)).map(drop)
    })?;
    connection.call(Remote::nwfilter_define_xml(text))?;
    timed("a filter of none changes", 1, || {
        let text = connection.call(Remote::nwfilter_get_xml_desc(filter, 0))?;
        let other = text.replace("priority='500'", "priority='450'");
        connection.call(Remote::nwfilter_define_xml(other))?;
        connection.call(Remote::nwfilter_define_xml(text)).map(drop)
    })?;
    timed("all are unbound", guests, || {
        (0..guests).try_for_each(|number| {
            let found = connection.call(Remote::nwfilter_binding_lookup_by_port_dev(tap(number)))?;
            connection.call(Remote::nwfilter_binding_delete(found))
        })
    })?;
    Ok(())
}

fn main() -> Result<()> {
    let guests = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(GUESTS);
    let made = (0..guests).all(|number| ip(&["tuntap", "add", &tap(number), "mode", "tap"]));
    let measured = if made {
        measure(guests)
    } else {
        println!("skipped: taps cannot be made here");
        Ok(())
    };
    for number in 0..guests {
        ip(&["link", "delete", &tap(number)]);
    }
    measured
}
