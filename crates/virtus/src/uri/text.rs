//! The text of a URI (RFC 3986), read and written.

use super::Uri;

/// Takes a text apart; `None` when it is no URI reference.
pub(super) fn parse(text: &str) -> Option<Uri> {
    let (text, fragment) = split(text, '#');
    let (text, query) = split(text, '?');
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        // the first part of a path without a scheme has no colon
        Some((before, _)) if !before.contains('/') => return None,
        _ => (None, text),
    };
    let mut uri = Uri {
        scheme: scheme.map(str::to_owned),
        fragment: match fragment {
            Some(fragment) => Some(checked(fragment, |b| is_path(b) || b == b'?')?),
            None => None,
        },
        ..Uri::default()
    };
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            authorities(authority, &mut uri)?;
            path
        }
        None => rest,
    };
    if !path.is_empty() {
        uri.path = Some(checked(path, is_path)?);
    }
    if let Some(query) = query {
        checked(query, |b| is_path(b) || matches!(b, b'?' | b'[' | b']'))?;
        uri.parameters = parameters(query)?;
        uri.query = Some(query.to_owned());
    }
    Some(uri)
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn is_name(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
}

fn is_path(byte: u8) -> bool {
    is_name(byte) || matches!(byte, b':' | b'@' | b'/')
}

fn authorities(text: &str, uri: &mut Uri) -> Option<()> {
    let (user, host) = match text.split_once('@') {
        Some((user, host)) => (Some(checked(user, |b| is_name(b) || b == b':')?), host),
        None => (None, text),
    };
    let (server, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let plain = |b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'%') || is_unreserved(b);
            (address.bytes().all(plain).then(|| address.to_owned())?, port)
        }
        None => {
            let (server, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            (checked(server, is_name)?, port)
        }
    };
    uri.port = match port.strip_prefix(':') {
        Some("") | None if port.len() < 2 => 0,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    uri.user = user;
    uri.server = (!server.is_empty()).then_some(server);
    if uri.server.is_none() {
        uri.port = 0;
    }
    Some(())
}

/// The parameters of a query, decoded. One without a name is passed over, as CGI programs do.
fn parameters(query: &str) -> Option<Vec<(String, String)>> {
    let separator = if query.contains('&') { '&' } else { ';' };
    query
        .split(separator)
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| Some((decoded(name)?, decoded(value)?)))
        .collect()
}

/// The text decoded, if every byte of it is one of those or a good escape.
fn checked(text: &str, good: impl Fn(u8) -> bool) -> Option<String> {
    text.bytes().all(|b| good(b) || b == b'%').then(|| decoded(text))?
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok().filter(|b| *b != 0)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Writes what `good` does not take as escapes.
fn escape(text: &str, f: &mut std::fmt::Formatter<'_>, good: impl Fn(u8) -> bool) -> std::fmt::Result {
    text.bytes().try_for_each(|byte| match good(byte) {
        true => write!(f, "{}", char::from(byte)),
        false => write!(f, "%{byte:02X}"),
    })
}

pub(super) fn write(uri: &Uri, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    if let Some(scheme) = &uri.scheme {
        write!(f, "{scheme}://")?;
        if let Some(user) = &uri.user {
            escape(user, f, is_name)?;
            f.write_str("@")?;
        }
        match &uri.server {
            Some(server) if server.contains(':') => write!(f, "[{server}]")?,
            Some(server) => escape(server, f, is_name)?,
            None => {}
        }
        if uri.port != 0 {
            write!(f, ":{}", uri.port)?;
        }
    }
    if let Some(path) = &uri.path {
        escape(path, f, is_path)?;
    }
    if let Some(query) = &uri.query {
        write!(f, "?{query}")?;
    }
    for (index, (name, value)) in uri.parameters.iter().enumerate().filter(|_| uri.query.is_none()) {
        f.write_str(if index == 0 { "?" } else { "&" })?;
        escape(name, f, is_unreserved)?;
        f.write_str("=")?;
        escape(value, f, is_unreserved)?;
    }
    if let Some(fragment) = &uri.fragment {
        f.write_str("#")?;
        escape(fragment, f, is_path)?;
    }
    Ok(())
}
