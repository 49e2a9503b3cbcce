//! Peers that do not keep to the protocol: a clean error or a closed connection, and nobody else notices.

use virtus_tests::{Outcome, Peer, World, ensure};

const REMOTE: u32 = 0x2000_8086;
const GET_LIB_VERSION: u32 = 157;
const LOOKUP_BY_NAME: u32 = 23;

fn refused(what: &str, peer: &mut Peer, text: &str) -> Outcome {
    let (status, body) = peer.answer().map_err(|e| format!("{what}: {e}"))?;
    let shown = String::from_utf8_lossy(&body);
    ensure!(status == 1 && shown.contains(text), "{what} was answered with {status}, {shown}");
    Ok(())
}

/// The connection still serves: what came before did no harm.
fn serves(what: &str, peer: &mut Peer) -> Outcome {
    peer.call(GET_LIB_VERSION, &[]);
    let (status, body) = peer.answer().map_err(|e| format!("after {what}: {e}"))?;
    ensure!(status == 0 && body.len() == 8, "after {what} a good call was answered with {status}, {body:?}");
    Ok(())
}

pub(crate) fn broken_packets_are_refused_or_closed(world: &mut World) -> Outcome {
    let mut peer = Peer::connect()?;
    peer.call(GET_LIB_VERSION, &[]);
    refused("a call before anything else", &mut peer, "authentication required")?;

    let mut peer = Peer::connect()?;
    peer.open()?;
    let undecodable = "Unable to decode message payload";
    let cases: &[(&str, [u32; 6], &[u8], &str)] = &[
        ("an unknown procedure", [REMOTE, 1, 9999, 0, 1, 0], &[], "unknown procedure: 9999"),
        ("a negative procedure", [REMOTE, 1, u32::MAX, 0, 1, 0], &[], "unknown procedure: -1"),
        ("an unknown program", [0x1234_5678, 1, 1, 0, 1, 0], &[], "Cannot find program 305419896 version 1"),
        ("another version", [REMOTE, 2, 1, 0, 1, 0], &[], "Cannot find program 536903814 version 2"),
        ("an error as a call", [REMOTE, 1, GET_LIB_VERSION, 0, 1, 1], &[], "Unexpected message status 1"),
        ("a lying length", [REMOTE, 1, LOOKUP_BY_NAME, 0, 1, 0], &[0xff; 4], undecodable),
        ("no arguments", [REMOTE, 1, LOOKUP_BY_NAME, 0, 1, 0], &[], undecodable),
        ("half a text", [REMOTE, 1, LOOKUP_BY_NAME, 0, 1, 0], &[0, 0, 0, 8, b'a'], undecodable),
    ];
    for (what, head, body, text) in cases {
        peer.packet(*head, body);
        refused(what, &mut peer, text)?;
        serves(what, &mut peer)?;
    }
    for length in [u32::MAX, 40 << 20] {
        let mut peer = Peer::connect()?;
        peer.send(&length.to_be_bytes());
        ensure!(peer.closed(), "a packet of {length} bytes is not waited for");
    }
    world.virsh(&["list"])?;
    ensure!(!world.daemon_crashed()?, "the daemon lives");
    Ok(())
}

pub(crate) fn silent_and_greedy_peers_bother_nobody(world: &mut World) -> Outcome {
    // fewer than may be unauthenticated at a time, so that others still get in
    let half_open: Vec<Peer> = (0..15)
        .map(|_| {
            let mut peer = Peer::connect()?;
            peer.send(&[0, 0]);
            Ok(peer)
        })
        .collect::<Outcome<_>>()?;
    // asks for much and reads nothing
    let mut greedy = Peer::connect()?;
    greedy.open()?;
    let _taken = (0..20_000).take_while(|_| greedy.call(7, &[])).count();
    let before = resident(world.daemon_pid()?)?;
    for _ in 0..5 {
        world.virsh(&["list", "--all"])?;
    }
    ensure!(before < 200_000, "the daemon holds {before} KiB for a client that does not read");
    drop((half_open, greedy));
    world.virsh(&["list"])?;
    ensure!(!world.daemon_crashed()?, "the daemon lives");
    Ok(())
}

/// Resident memory, in KiB.
fn resident(pid: u32) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
