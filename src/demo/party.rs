//! The people of the sample company as they appear on mail and in meetings.

use chrono_tz::Tz;

use super::cast::{Client, Firm, Lang, OURS, OWN, OWN_DOMAIN, OWN_ZONE, REPS};

/// Somebody who writes, reads or meets.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub name: String,
    pub given: String,
    pub family: String,
    pub female: bool,
    pub email: String,
    pub title: String,
    /// "Firm | City" of the signature.
    pub firm: String,
    pub phone: String,
    pub lang: Lang,
    pub client: Client,
    pub zone: Tz,
    /// Index in the reps' list, for those who have a mailbox here.
    pub rep: Option<usize>,
}

impl Party {
    /// One of us, by index in [`OURS`].
    pub(super) fn own(index: usize) -> Self {
        let one = &OURS[index];
        Self {
            name: format!("{} {}", one.given, one.family),
            given: one.given.to_owned(),
            family: one.family.to_owned(),
            female: one.female,
            email: format!("{}@{OWN_DOMAIN}", local_part(one.given, one.family)),
            title: one.title.to_owned(),
            firm: format!("{OWN} GmbH | Berlin"),
            phone: one.phone.to_owned(),
            lang: one.lang,
            client: one.client,
            zone: one.zone,
            rep: (index < REPS).then_some(index),
        }
    }

    /// A person of a customer.
    pub(super) fn of(firm: &Firm, person: usize) -> Self {
        let (given, family, female, title) = firm.people[person];
        Self {
            name: format!("{given} {family}"),
            given: given.to_owned(),
            family: family.to_owned(),
            female,
            email: format!("{}@{}", local_part(given, family), firm.domain),
            title: title.to_owned(),
            firm: format!("{} | {}", firm.name, firm.city),
            phone: format!("{} {}", firm.phone.trim_end(), 11 + person * 7),
            lang: firm.lang,
            client: firm.client,
            zone: OURS[firm.owner].zone,
            rep: None,
        }
    }

    /// A stranger, or a machine.
    pub(super) fn other(name: &str, email: &str) -> Self {
        let (given, family) = name.rsplit_once(' ').unwrap_or((name, ""));
        Self {
            name: name.to_owned(),
            given: given.to_owned(),
            family: family.to_owned(),
            female: false,
            email: email.to_owned(),
            title: String::new(),
            firm: String::new(),
            phone: String::new(),
            lang: Lang::En,
            client: Client::Thunderbird,
            zone: OWN_ZONE,
            rep: None,
        }
    }

    pub(super) fn ours(&self) -> bool {
        self.email.ends_with(&format!("@{OWN_DOMAIN}"))
    }
}

/// "juergen.moeller" of "Jürgen Möller".
pub(super) fn local_part(given: &str, family: &str) -> String {
    let mut text = String::new();
    for c in format!("{given}.{family}").to_lowercase().chars() {
        match c {
            'ä' => text.push_str("ae"),
            'ö' => text.push_str("oe"),
            'ü' => text.push_str("ue"),
            'ß' => text.push_str("ss"),
            'á' | 'à' | 'â' => text.push('a'),
            'é' | 'è' | 'ê' => text.push('e'),
            'í' | 'î' => text.push('i'),
            'ó' | 'ô' => text.push('o'),
            'ú' | 'û' => text.push('u'),
            'ñ' => text.push('n'),
            'ç' => text.push('c'),
            'a'..='z' | '0'..='9' | '.' | '-' => text.push(c),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain_ascii() {
        for (given, family, local) in [
            ("Jürgen", "Möller", "juergen.moeller"),
            ("Xoán", "Piñeiro", "xoan.pineiro"),
            ("Declan", "O'Shea", "declan.oshea"),
            ("François", "Lefèvre", "francois.lefevre"),
        ] {
            assert_eq!(local_part(given, family), local);
        }
        for firm in &super::super::cast::FIRMS {
            for person in 0..firm.people.len() {
                let one = Party::of(firm, person);
                assert!(one.email.is_ascii() && one.email.ends_with(".example") && !one.ours(), "{}", one.name);
            }
        }
    }
}
