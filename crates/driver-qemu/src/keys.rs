//! Key codes: the sets a client may speak in, translated to QEMU's numbers.

use virtus_api::constants::*;
use virtus_base::Result;

use crate::error::{bad_argument, unsupported};

/// QEMU's number ("qnum") of a key in a set of codes.
///
/// # Errors
/// When the key does not exist in the set, or the set has no table here.
pub(crate) fn qemu_number(codeset: u32, code: u32) -> Result<u32> {
    let missing =
        || bad_argument(format!("cannot translate keycode {code} of codeset {codeset} to qnum keycode"));
    match i32::try_from(codeset).unwrap_or(-1) {
        // it is QEMU's own
        VIR_KEYCODE_SET_QNUM => Ok(code),
        VIR_KEYCODE_SET_XT => (code < 0x80).then_some(code).ok_or_else(missing),
        VIR_KEYCODE_SET_LINUX => linux(code).ok_or_else(missing),
        _ => Err(unsupported(format!("key codes of set {codeset} are not translated"))),
    }
}

/// The number of a Linux input code: the PC keyboard's first set, with 0x80 added for what has an `e0` before it.
fn linux(code: u32) -> Option<u32> {
    match code {
        // Linux took its first codes from that set
        1..=83 | 86..=88 => Some(code),
        _ => EXTENDED.iter().find(|(linux, _)| *linux == code).map(|(_, qnum)| *qnum),
    }
}

/// Keys whose numbers differ, as `linux/input-event-codes.h` and the PC keyboard have them.
const EXTENDED: &[(u32, u32)] = &[
    (85, 0x76),
    (89, 0x73),
    (90, 0x78),
    (91, 0x77),
    (92, 0x79),
    (93, 0x70),
    (94, 0x7b),
    (95, 0x5c),
    (96, 0x9c),
    (97, 0x9d),
    (98, 0xb5),
    (99, 0x54),
    (100, 0xb8),
    (102, 0xc7),
    (103, 0xc8),
    (104, 0xc9),
    (105, 0xcb),
    (106, 0xcd),
    (107, 0xcf),
    (108, 0xd0),
    (109, 0xd1),
    (110, 0xd2),
    (111, 0xd3),
    (113, 0xa0),
    (114, 0xae),
    (115, 0xb0),
    (116, 0xde),
    (117, 0x59),
    (119, 0xc6),
    (121, 0x7e),
    (124, 0x7d),
    (125, 0xdb),
    (126, 0xdc),
    (127, 0xdd),
    (128, 0xe8),
    (139, 0x9e),
    (140, 0xa1),
    (142, 0xdf),
    (143, 0xe3),
    (155, 0xec),
    (156, 0xe6),
    (158, 0xea),
    (159, 0xe9),
    (163, 0x99),
    (164, 0xa2),
    (165, 0x90),
    (166, 0xa4),
    (172, 0xb2),
    (173, 0xe7),
    (183, 0x5d),
    (184, 0x5e),
    (185, 0x5f),
    (217, 0xe5),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_translated() {
        let linux = VIR_KEYCODE_SET_LINUX.cast_unsigned();
        for (code, want) in [(30, 30), (28, 28), (111, 0xd3), (29, 29), (97, 0x9d)] {
            assert_eq!(qemu_number(linux, code).unwrap(), want);
        }
        assert!(qemu_number(linux, 700).is_err());
        assert_eq!(qemu_number(VIR_KEYCODE_SET_QNUM.cast_unsigned(), 0xd3).unwrap(), 0xd3);
    }
}
