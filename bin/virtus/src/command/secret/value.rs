//! The value of a secret: `secret-get-value` and `secret-set-value`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use virtus::Opaque;
use virtus::calls::Remote;

use super::{SECRET, secret};
use crate::command::{Command, Opt};
use crate::file;
use crate::grammar::Arguments;
use crate::shell::{OrSay, Outcome, Shell, extra, fail, out};

pub(super) static GET: Command = Command {
    name: "secret-get-value",
    summary: "print the value of a secret, in base64",
    options: &[SECRET, Opt::flag("plain", "print the value as it is")],
    run: get,
    ..Command::PLAIN
};

fn get(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    let secret = secret(shell, arguments)?;
    let value = shell.call(Remote::secret_get_value(secret, 0))?;
    match arguments.has("plain") {
        true => shell.write(&value.0),
        false => out!(shell, "{}", STANDARD.encode(&value.0)),
    }
    Ok(())
}

pub(super) static SET: Command = Command {
    name: "secret-set-value",
    summary: "store the value of a secret",
    about: "Stores the value of a secret, which is read from a file or typed. Others on the host can see what stands \
            on a command line.",
    options: &[
        SECRET,
        Opt::text("file", "the file that has the value").file(),
        Opt::flag("plain", "the file has the value as it is, not in base64"),
        Opt::flag("interactive", "ask for the value"),
        Opt::text("base64", "the value in base64; better have it in a file").also_positional(),
    ],
    run: set,
    ..Command::PLAIN
};

/// As many bytes of a file are read.
const LIMIT: u64 = 1024;

fn set(shell: &mut Shell, arguments: &Arguments) -> Outcome {
    arguments.exclusive("file", "base64")?;
    arguments.exclusive("plain", "base64")?;
    arguments.exclusive("interactive", "base64")?;
    arguments.exclusive("interactive", "plain")?;
    arguments.exclusive("interactive", "file")?;
    let secret = secret(shell, arguments)?;
    let base64 = arguments.text("base64")?.map(str::to_owned);
    let path = arguments.text("file")?;
    let (value, plain) = if let Some(base64) = base64 {
        shell.error("Passing secret value as command-line argument is insecure!");
        (base64.into_bytes(), false)
    } else if let Some(path) = path {
        (file::bytes(path, LIMIT)?, arguments.has("plain"))
    } else if arguments.has("interactive") {
        out!(shell, "Enter new value for secret:");
        shell.flush();
        let Some(typed) = shell.terminal.password() else { fail!("Failed to read secret") };
        (typed.into_bytes(), true)
    } else {
        fail!("Input secret value is missing");
    };
    let value = if plain { value } else { decode(&value) };
    shell.call(Remote::secret_set_value(secret, Opaque(value), 0)).or_say("Failed to set secret value")?;
    extra!(shell, "Secret value set\n");
    Ok(())
}

/// What base64 says, read as GLib reads it: other characters are passed over, and what is left of the last four is
/// dropped.
fn decode(text: &[u8]) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        // stands for nothing, in its place
        b'=' => Some(0),
        _ => None,
    };
    let known: Vec<(u8, u8)> = text.iter().filter_map(|byte| Some((*byte, value(*byte)?))).collect();
    let mut bytes = Vec::with_capacity(known.len() / 4 * 3);
    for four in known.as_chunks::<4>().0 {
        let [(_, a), (_, b), (third, c), (fourth, d)] = *four;
        bytes.push(a << 2 | b >> 4);
        if third != b'=' {
            bytes.push(b << 4 | c >> 2);
        }
        if fourth != b'=' {
            bytes.push(c << 6 | d);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_kindly() {
        assert_eq!(decode(b"c2VjcmV0"), b"secret");
        assert_eq!(decode(b"c2Vj\ncm V0\n"), b"secret");
        assert_eq!(decode(b"YQ=="), b"a");
        assert_eq!(decode(b"c2VjYQ"), b"sec");
        assert_eq!(decode(b"YQ==YWI="), b"aab");
        assert_eq!(decode(b""), b"");
    }
}
