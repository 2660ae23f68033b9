//! Addresses and domains, folded so that equal means same: case, subaddress and IDNA.

use std::collections::{BTreeMap, BTreeSet};

/// Part of an address behind the last `@`.
pub fn domain(address: &str) -> Option<&str> {
    address.rsplit_once('@').map(|(_, d)| d).filter(|d| !d.is_empty())
}

/// Lower-case, trimmed, IDNA ASCII form, without a trailing dot.
pub fn fold_domain(text: &str) -> String {
    let text = text.trim().trim_end_matches('.').trim_start_matches('@');
    idna::domain_to_ascii(text).unwrap_or_else(|_| text.to_lowercase())
}

/// The form in which addresses are compared: lower case, IDNA, without the subaddress (`ana+news@` is `ana@`). The
/// separator is `+`, or the one configured for the domain. None when it is no address.
pub fn fold(text: &str, subaddress: &BTreeMap<String, char>) -> Option<String> {
    let text = text.trim().trim_start_matches('<').trim_end_matches('>');
    let (local, domain) = text.rsplit_once('@')?;
    if is_folded(local) && is_folded(domain) && !domain.ends_with('.') && !subaddress.contains_key(domain) {
        return Some(text.to_owned());
    }
    let domain = fold_domain(domain);
    let local = local.trim().trim_matches('"').to_lowercase();
    if local.is_empty() || domain.is_empty() || local.contains(char::is_whitespace) {
        return None;
    }
    let separator = subaddress.get(&domain).copied().unwrap_or('+');
    let base = local.split_once(separator).map_or(local.as_str(), |(base, _)| base);
    let base = if base.is_empty() { &local } else { base };
    Some(format!("{base}@{domain}"))
}

/// What folding would leave as it is, as most addresses are written: nothing but small letters, digits, dots and dashes.
fn is_folded(part: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    !part.is_empty() && part.bytes().all(plain) && !part.contains("xn--")
}

/// True when `domain` is `parent` or below it.
pub fn is_below(domain: &str, parent: &str) -> bool {
    domain == parent || domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

/// The part a person registers: `mail.acme.co.uk` -> `acme.co.uk`. The domain itself when it is a public suffix.
pub fn registrable(domain: &str) -> &str {
    psl::domain_str(domain).unwrap_or(domain)
}

/// May a company be found by this domain? Not by a public suffix and not by a free-mail domain.
pub fn usable_domain(domain: &str, free_mail: &BTreeSet<String>) -> bool {
    let public = psl::suffix_str(domain).is_some_and(|s| s == domain);
    domain.contains('.') && !public && !free_mail.contains(domain) && !FREE_MAIL.contains(&domain)
}

/// A domain and its parents down to the registrable one: the places where a company may be listed.
pub fn with_parents(domain: &str) -> Vec<&str> {
    let stop = registrable(domain);
    let mut all = vec![domain];
    let mut at = domain;
    while at != stop {
        match at.split_once('.') {
            Some((_, rest)) => at = rest,
            None => break,
        }
        all.push(at);
    }
    all
}

/// Domains where anybody gets a mailbox.
pub const FREE_MAIL: &[&str] = &[
    "126.com",
    "163.com",
    "aim.com",
    "aol.com",
    "aol.de",
    "arcor.de",
    "att.net",
    "bellsouth.net",
    "bigpond.com",
    "bluewin.ch",
    "bol.com.br",
    "btinternet.com",
    "charter.net",
    "comcast.net",
    "cox.net",
    "daum.net",
    "email.com",
    "fastmail.com",
    "fastmail.fm",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hanmail.net",
    "hey.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.de",
    "hotmail.es",
    "hotmail.fr",
    "hotmail.it",
    "hushmail.com",
    "icloud.com",
    "inbox.lv",
    "laposte.net",
    "libero.it",
    "list.ru",
    "live.co.uk",
    "live.com",
    "live.de",
    "live.fr",
    "live.nl",
    "mac.com",
    "mail.com",
    "mail.de",
    "mail.ru",
    "mailbox.org",
    "mailfence.com",
    "me.com",
    "msn.com",
    "naver.com",
    "o2.pl",
    "online.de",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "outlook.es",
    "outlook.fr",
    "pm.me",
    "posteo.de",
    "proton.me",
    "protonmail.ch",
    "protonmail.com",
    "qq.com",
    "rambler.ru",
    "rediffmail.com",
    "rocketmail.com",
    "sbcglobal.net",
    "seznam.cz",
    "sfr.fr",
    "shaw.ca",
    "sina.com",
    "sky.com",
    "t-online.de",
    "terra.com.br",
    "tiscali.it",
    "tutanota.com",
    "tutanota.de",
    "uol.com.br",
    "verizon.net",
    "virgilio.it",
    "virginmedia.com",
    "vodafone.de",
    "wanadoo.fr",
    "web.de",
    "wp.pl",
    "yahoo.ca",
    "yahoo.co.in",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.com.br",
    "yahoo.de",
    "yahoo.es",
    "yahoo.fr",
    "yahoo.it",
    "yandex.com",
    "yandex.ru",
    "ymail.com",
    "ziggo.nl",
    "zoho.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding() {
        let sub = BTreeMap::from([("x.example".to_owned(), '-')]);
        let cases = [
            ("Ana.Lopez@Acme.Example", Some("ana.lopez@acme.example")),
            (" <bob+news@acme.example> ", Some("bob@acme.example")),
            ("bob-news@x.example", Some("bob@x.example")),
            ("bob+news@x.example", Some("bob+news@x.example")),
            ("j@Müller.example", Some("j@xn--mller-kva.example")),
            ("+@acme.example", Some("+@acme.example")),
            ("nobody", None),
            ("@acme.example", None),
        ];
        for (given, want) in cases {
            assert_eq!(fold(given, &sub).as_deref(), want, "{given}");
        }
    }

    #[test]
    fn domains_of_companies() {
        let free = BTreeSet::from(["mail.example".to_owned()]);
        assert!(usable_domain("acme.example", &free));
        assert!(usable_domain("eu.acme.co.uk", &free));
        for no in ["co.uk", "com", "gmail.com", "mail.example", "localhost"] {
            assert!(!usable_domain(no, &free), "{no}");
        }
        assert_eq!(with_parents("a.b.acme.co.uk"), ["a.b.acme.co.uk", "b.acme.co.uk", "acme.co.uk"]);
        assert!(is_below("eu.acme.example", "acme.example"));
        assert!(!is_below("notacme.example", "acme.example"));
    }
}
