//! What copies of one mail say where they differ, whichever was read first: lists put their name before a subject, gateways add
//! a warning or a footer, so the shorter is what was written. Pure.

/// Of two texts one that says nothing says nothing; else the shorter one counts.
pub fn says_less(one: &str, other: &str) -> bool {
    let of = |text: &str| (text.trim().is_empty(), text.chars().count());
    (of(one), one) < (of(other), other)
}

/// The subject of two copies.
pub fn subject(one: Option<String>, other: Option<String>) -> Option<String> {
    [one, other].into_iter().flatten().min_by(|a, b| (a.chars().count(), a).cmp(&(b.chars().count(), b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_texts_one_counts() {
        for (one, other, want) in [
            ("Hello", "Hello\n--\nA list", true),
            ("Hello\n--\nA list", "Hello", false),
            // nothing is less than something only in length
            ("", "Hello", false),
            (" \n", "Hello", false),
            ("Hello", "", true),
            // characters count, not bytes
            ("\u{e9}\u{e9}", "abc", true),
            ("abc", "abd", true),
            ("same", "same", false),
        ] {
            assert_eq!(says_less(one, other), want, "{one:?} and {other:?}");
        }
    }

    #[test]
    fn of_two_subjects_one_counts() {
        let (plain, listed) = (Some("Offer".to_owned()), Some("[sales] Offer".to_owned()));
        for (one, other, want) in
            [(&plain, &listed, &plain), (&listed, &plain, &plain), (&None, &listed, &listed), (&None, &None, &None)]
        {
            assert_eq!(subject(one.clone(), other.clone()), *want);
        }
    }
}
