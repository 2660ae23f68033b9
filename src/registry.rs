//! The connectors there are, one line each. The only file that names one.

use dealtrail_sdk::Kind;

/// In the order in which they are offered to people.
pub static KINDS: &[&Kind] = &[
    &dealtrail_imap::KIND,
    &dealtrail_maildir::KIND,
    &dealtrail_mbox::KIND,
    &dealtrail_caldav::KIND,
    &dealtrail_ics::KIND,
    &dealtrail_csv::KIND,
];

/// The connector with this name, as `connector = "..."` gives it.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|k| k.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_settings_are_unique_and_explained() {
        let names: BTreeSet<&str> = KINDS.iter().map(|k| k.name).collect();
        assert_eq!(names.len(), KINDS.len());
        for kind in KINDS {
            assert!(self::kind(kind.name).is_some_and(|k| std::ptr::eq(k, *kind)));
            let fields: BTreeSet<&str> = kind.settings.iter().map(|f| f.name).collect();
            assert_eq!(fields.len(), kind.settings.len(), "{}", kind.name);
            assert!(kind.settings.iter().all(|f| !f.help.is_empty()), "{}", kind.name);
        }
    }
}
