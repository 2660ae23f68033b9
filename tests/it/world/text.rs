//! Words of the world: invented names, and filler text that holds no name, no deal code and no word of a deal.

use super::rng::Rng;

const SYLLABLES: &[&str] = &[
    "vel", "mor", "kes", "tri", "zan", "dul", "pho", "rix", "bem", "quo", "lar", "syn", "tav", "jor", "nim", "wex",
    "gra", "huf", "olb", "ist", "ank", "cyl", "dro", "fen",
];

const GIVEN: &[&str] = &["Kim", "Jana", "Olu", "Per", "Rosa", "Sami", "Tove", "Uwe", "Vera", "Wim", "Yara", "Zoe"];

const SENTENCES: &[&str] = &[
    "Thank you for the quick answer.",
    "Could you send the papers again?",
    "We will look at it on Monday and come back to you.",
    "The figures look fine to us.",
    "Please find the details below.",
    "I have talked to my colleagues about it.",
    "Let us speak on the phone when it suits you.",
    "Is there anything else you need from our side?",
    "We are a little late with this, sorry.",
    "That works for us, many thanks.",
];

const SUBJECTS: &[&str] = &["Our talk", "The papers", "A question", "Next week", "Figures", "Details", "Your visit"];

/// An invented word of three syllables; with `n` in it, so that no two are alike.
pub fn word(rng: &mut Rng, n: usize) -> String {
    let mut out = String::new();
    for _ in 0..3 {
        out.push_str(rng.pick::<&str>(SYLLABLES));
    }
    // A number in letters, so that words stay words.
    let mut rest = n;
    loop {
        out.push(char::from(b'a' + u8::try_from(rest % 26).expect("below 26")));
        rest /= 26;
        if rest == 0 {
            break;
        }
    }
    out
}

pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().collect::<String>() + chars.as_str())
}

pub fn given(rng: &mut Rng) -> &'static str {
    rng.pick::<&str>(GIVEN)
}

pub fn sentences(rng: &mut Rng) -> String {
    let n = rng.between(1, 4);
    (0..n).map(|_| *rng.pick(SENTENCES)).collect::<Vec<_>>().join(" ")
}

/// Do these sentences only thank and agree? They do not where one asks or tells something; `None` for what lies between,
/// and for texts that are not of these sentences.
pub fn is_closing(text: &str) -> Option<bool> {
    const THANKS: &[&str] = &["Thank you for the quick answer.", "That works for us, many thanks."];
    const ASKS: &[&str] = &[
        "Could you send the papers again?",
        "Please find the details below.",
        "Is there anything else you need from our side?",
    ];
    if ASKS.iter().any(|s| text.contains(s)) {
        return Some(false);
    }
    let thanks = THANKS.iter().any(|s| text.contains(s));
    let known = SENTENCES.iter().any(|s| text.starts_with(s));
    match (thanks, known) {
        (_, false) | (true, true) => None,
        (false, true) if text.starts_with("We will look at it on Monday") => None,
        (false, true) => Some(false),
    }
}

pub fn subject(rng: &mut Rng) -> &'static str {
    rng.pick::<&str>(SUBJECTS)
}
