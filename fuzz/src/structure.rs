//! The words of an IMAP answer and the BODYSTRUCTURE in it: bounded in number and depth, and every part has a section of
//! its own.

use std::collections::HashSet;

use dealtrail_imap::inside::{Token, parts, read};

pub fn check(bytes: &[u8]) {
    let tokens = read(bytes);
    assert!(read(bytes) == tokens, "a second reading gives the same");
    for item in &tokens.items {
        structures(item, 0);
    }
}

fn structures(token: &Token<'_>, depth: usize) {
    assert!(depth <= 110, "deeper than the reader of words allows");
    let Some(items) = token.list() else { return };
    if depth < 3
        && let Some(parts) = parts(token)
    {
        assert!((1..=500).contains(&parts.len()), "{} parts", parts.len());
        let sections: HashSet<&str> = parts.iter().map(|p| p.section.as_str()).collect();
        assert_eq!(sections.len(), parts.len(), "two parts have one section");
        for part in &parts {
            crate::one_line(part.name.as_deref().unwrap_or_default());
        }
    }
    items.iter().for_each(|item| structures(item, depth + 1));
}
