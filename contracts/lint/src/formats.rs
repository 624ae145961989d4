//! The formats that JSON Schema names, checked as Spectral's validator does. An unknown format
//! accepts everything.

use tollgate_contracts_model::pattern;
use tollgate_report::Day;

/// Whether a text has a format.
pub(crate) fn holds_for_text(format: &str, text: &str) -> bool {
    match format {
        "date" => is_date(text),
        "time" => is_time(text),
        "date-time" => text
            .split_once(['T', 't', ' '])
            .is_some_and(|(date, time)| is_date(date) && is_time(time)),
        "duration" => is_duration(text),
        "email" => is_email(text),
        "hostname" => is_hostname(text),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "uri" => is_uri(text),
        "url" => is_url(text),
        "uri-reference" => text.chars().all(is_uri_letter) && percent_is_hex(text),
        "uri-template" => {
            !text.contains(|letter: char| letter.is_whitespace() || "\"'<>\\^`|".contains(letter))
        }
        "uuid" => is_uuid(text.strip_prefix("urn:uuid:").unwrap_or(text)),
        "json-pointer" => text.is_empty() || (text.starts_with('/') && tildes_escape(text)),
        "relative-json-pointer" => text.starts_with(|letter: char| letter.is_ascii_digit()),
        "regex" => pattern::compile(text, "").is_ok(),
        "byte" => is_base64(text),
        _ => true,
    }
}

/// Whether a number has a format.
pub(crate) fn holds_for_number(format: &str, number: f64) -> bool {
    match format {
        "int32" => number.fract() == 0.0 && number.abs() <= 2_147_483_648.0,
        "int64" => number.fract() == 0.0,
        _ => true,
    }
}

fn digits(text: &str, n: usize) -> Option<u32> {
    let is_number = text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// RFC 3339, `full-date`.
fn is_date(text: &str) -> bool {
    Day::from_date(text).is_some()
}

/// RFC 3339, `full-time`: with its zone.
fn is_time(text: &str) -> bool {
    let (clock, zone) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => text.split_at(at),
        None => return false,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':').map(|part| digits(part, 2));
    let (Some(Some(hour)), Some(Some(minute)), Some(Some(second)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let fraction_is_digits =
        !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let zone_is_good = zone.eq_ignore_ascii_case("z") || {
        let offset: String = zone[1..].chars().filter(|letter| *letter != ':').collect();
        digits(&offset, 4).is_some_and(|offset| offset / 100 < 24 && offset % 100 < 60)
            || digits(&offset, 2).is_some_and(|hours| hours < 24)
    };
    fraction_is_digits && zone_is_good && hour < 24 && minute < 60 && second <= 60
}

/// RFC 3339, appendix A.
fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else {
        return false;
    };
    if let Some(weeks) = rest.strip_suffix('W') {
        return !weeks.is_empty() && weeks.bytes().all(|byte| byte.is_ascii_digit());
    }
    let (days, time) = match rest.split_once('T') {
        Some((days, time)) => (days, Some(time)),
        None => (rest, None),
    };
    let days = units(days, "YMD");
    match time {
        Some(time) => days.is_some() && units(time, "HMS").is_some_and(|n| n > 0),
        None => days.is_some_and(|n| n > 0),
    }
}

/// How many numbers with units a text has, in the order of the units.
fn units(text: &str, order: &str) -> Option<usize> {
    let mut rest = text;
    let mut left = order;
    let mut n_units = 0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let unit = rest[end..].chars().next()?;
        let at = left.find(unit)?;
        if end == 0 {
            return None;
        }
        left = &left[at + 1..];
        rest = &rest[end + 1..];
        n_units += 1;
    }
    Some(n_units)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_hostname(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else {
        return false;
    };
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.chars().all(|letter| {
                letter.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(letter)
            })
    };
    name.split('.').all(is_atom) && host.contains('.') && host.split('.').all(is_label)
}

fn is_uri_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(letter)
}

fn percent_is_hex(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// RFC 3986, with a scheme.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let scheme_is_good = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    // Brackets stand around an address of IPv6 only.
    let (host, tail) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let brackets_are_good = !tail.contains(['[', ']'])
        && (!host.contains(['[', ']']) || (host.contains('[') && host.contains(']')));
    let one_fragment = rest.matches('#').count() <= 1;
    scheme_is_good
        && rest.chars().all(is_uri_letter)
        && percent_is_hex(rest)
        && brackets_are_good
        && one_fragment
}

fn is_url(text: &str) -> bool {
    let rest = ["https://", "http://", "ftp://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        host.contains('.') && !text.contains(char::is_whitespace)
    })
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12]
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn tildes_escape(text: &str) -> bool {
    text.split('~')
        .skip(1)
        .all(|rest| rest.starts_with(['0', '1']))
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

#[cfg(test)]
mod tests {
    use super::holds_for_text;

    #[test]
    fn formats_hold_for_the_examples_of_their_standards() {
        let good = [
            ("date", "2024-02-29"),
            ("date-time", "2024-02-29T23:59:60Z"),
            ("date-time", "2011-04-14T16:00:49.5-08:00"),
            ("time", "12:00:00+01:00"),
            ("duration", "P1DT12H"),
            ("duration", "P3W"),
            ("email", "a.b@example.org"),
            ("uri", "urn:isbn:1"),
            ("uri", "https://[::1]/a?b#c"),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000"),
            ("byte", "aGk="),
            ("unheard-of", "anything"),
        ];
        for (format, text) in good {
            assert!(holds_for_text(format, text), "{format} {text}");
        }
        let bad = [
            ("date", "2023-02-29"),
            ("date-time", "2024-02-29T23:59:59"),
            ("time", "25:00:00Z"),
            ("duration", "P"),
            ("duration", "PT"),
            ("email", "a@b"),
            ("uri", "/relative"),
            ("uri", "https://a b"),
            ("uri", ""),
            ("uuid", "123"),
            ("byte", "a"),
            ("ipv4", "1.2.3.400"),
        ];
        for (format, text) in bad {
            assert!(!holds_for_text(format, text), "{format} {text}");
        }
    }
}
