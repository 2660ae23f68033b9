//! What threads say about answers: how long a contact usually takes, and whether a mail ends its thread by its own wording.
//!
//! Pure. Reply times are working time of the calendar that judges (the deal owner's): a contact's own working hours are not
//! known, and nights and weekends of the two sides mostly agree.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{documents::plain, working::WorkCalendar};

/// The tag of a mail that asks for no answer: "Thanks!", "Noted."
pub const CLOSING: &str = "closing";

/// What comes later than this answers nothing.
const LATEST: TimeDelta = TimeDelta::days(60);

/// One mail between us and a contact.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    pub thread: &'a str,
    pub at: DateTime<Utc>,
    /// From one of us to the contact; else from the contact.
    pub outbound: bool,
}

/// How long a contact usually takes to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// The median, in minutes of working time.
    pub minutes: i64,
    /// From how many answers.
    pub replies: usize,
}

/// The usual reply time: in each thread, from our last mail to the first one that comes back.
pub fn usual<'a>(letters: impl IntoIterator<Item = Letter<'a>>, calendar: &WorkCalendar) -> Option<Usual> {
    let mut all: Vec<Letter<'a>> = letters.into_iter().collect();
    all.sort_by_key(|l| (l.at, !l.outbound));
    let mut asked: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    let mut times = Vec::new();
    for letter in all {
        if letter.outbound {
            asked.insert(letter.thread, letter.at);
        } else if let Some(at) = asked.remove(letter.thread).filter(|at| letter.at - *at <= LATEST) {
            times.push(calendar.working_minutes_between(at, letter.at));
        }
    }
    times.sort_unstable();
    let middle = times.len().checked_sub(1)? / 2;
    let minutes = if times.len() % 2 == 1 { times[middle] } else { times[middle].midpoint(times[middle + 1]) };
    Some(Usual { minutes, replies: times.len() })
}

/// Beginnings of what thanks, agrees or takes note, folded.
const CLOSERS: &[&str] = &[
    // en
    "thanks",
    "thank you",
    "many thanks",
    "thx",
    "ty",
    "cheers",
    "ok",
    "okay",
    "noted",
    "got it",
    "great",
    "perfect",
    "sounds good",
    "looks good",
    "will do",
    "received",
    "understood",
    "all good",
    "all clear",
    "no worries",
    "see you",
    "excellent",
    "wonderful",
    "much appreciated",
    "fine",
    "agreed",
    "you re welcome",
    "you are welcome",
    // de
    "danke",
    "vielen dank",
    "besten dank",
    "herzlichen dank",
    "alles klar",
    "passt",
    "perfekt",
    "in ordnung",
    "super",
    "zur kenntnis genommen",
    "verstanden",
    "erhalten",
    "bis dann",
    "bis bald",
    "gerne",
    "einverstanden",
    // fr
    "merci",
    "merci beaucoup",
    "bien recu",
    "bien note",
    "d accord",
    "entendu",
    "parfait",
    "c est note",
    "tres bien",
    // es
    "gracias",
    "muchas gracias",
    "recibido",
    "de acuerdo",
    "perfecto",
    "vale",
    "entendido",
    "muy bien",
    "anotado",
    // it
    "grazie",
    "grazie mille",
    "ricevuto",
    "va bene",
    "perfetto",
    "d accordo",
    "capito",
    "molto bene",
    "ottimo",
    // nl
    "bedankt",
    "dank je",
    "dank u",
    "dankjewel",
    "hartelijk dank",
    "akkoord",
    "prima",
    "ontvangen",
    "begrepen",
    "genoteerd",
    "helder",
    "top",
    // pt
    "obrigado",
    "obrigada",
    "muito obrigado",
    "muito obrigada",
    "recebido",
    "combinado",
    "perfeito",
    "anotado",
    "de nada",
    // pl
    "dziekuje",
    "dziekuje bardzo",
    "dzieki",
    "bardzo dziekuje",
    "otrzymalem",
    "otrzymalam",
    "w porzadku",
    "zgoda",
    "rozumiem",
    "swietnie",
    "jasne",
];

/// Words that ask for something all the same, folded.
const REQUESTS: &[&str] = &[
    // en
    "please",
    "need",
    "needs",
    "send",
    "could",
    "can",
    "would",
    "when",
    "what",
    "where",
    "which",
    "how",
    "why",
    "who",
    "call",
    "asap",
    "waiting",
    "wait",
    "advance",
    "but",
    "however",
    "forward",
    "let",
    "missing",
    "still",
    "until",
    // de
    "bitte",
    "brauche",
    "brauchen",
    "benotige",
    "benotigen",
    "schicken",
    "senden",
    "konnen",
    "konnten",
    "wann",
    "was",
    "wie",
    "wo",
    "voraus",
    "aber",
    "allerdings",
    "fehlt",
    "noch",
    // fr
    "plait",
    "besoin",
    "envoyer",
    "envoyez",
    "pouvez",
    "pourriez",
    "quand",
    "avance",
    "mais",
    "attends",
    "merci de",
    // es, pt
    "favor",
    "necesito",
    "necesitamos",
    "enviar",
    "envie",
    "puede",
    "puedes",
    "podria",
    "cuando",
    "antemano",
    "pero",
    "preciso",
    "precisamos",
    "pode",
    "poderia",
    "quando",
    "antecipadamente",
    "mas",
    "falta",
    // it
    "favore",
    "bisogno",
    "inviare",
    "mandare",
    "puo",
    "puoi",
    "potrebbe",
    "anticipo",
    "pero",
    // nl
    "graag",
    "alstublieft",
    "nodig",
    "sturen",
    "kunt",
    "kun",
    "kan",
    "wanneer",
    "voorbaat",
    "maar",
    // pl
    "prosze",
    "potrzebuje",
    "potrzebujemy",
    "wyslac",
    "moze",
    "mozesz",
    "kiedy",
    "ale",
    "czekam",
    "gory",
];

/// Beginnings of the line that ends a mail before its writer's name, folded.
const SIGN_OFFS: &[&str] = &[
    "best",
    "regards",
    "kind regards",
    "best regards",
    "warm regards",
    "yours",
    "sincerely",
    "all the best",
    "mit freundlichen",
    "freundliche grusse",
    "viele grusse",
    "beste grusse",
    "liebe grusse",
    "schone grusse",
    "mfg",
    "gruss",
    "grusse",
    "lg",
    "vg",
    "cordialement",
    "bien cordialement",
    "bien a vous",
    "salutations",
    "saludos",
    "un saludo",
    "atentamente",
    "cordiali saluti",
    "saluti",
    "distinti saluti",
    "met vriendelijke",
    "groeten",
    "groet",
    "mvg",
    "cumprimentos",
    "atenciosamente",
    "com os melhores",
    "pozdrawiam",
    "z powazaniem",
    "sent from",
    "von meinem",
    "gesendet von",
    "envoye de",
];

/// Beginnings of a line that opens a mail, folded.
const GREETINGS: &[&str] = &[
    "hi",
    "hello",
    "dear",
    "hey",
    "good morning",
    "good afternoon",
    "hallo",
    "guten",
    "liebe",
    "lieber",
    "sehr geehrte",
    "sehr geehrter",
    "bonjour",
    "bonsoir",
    "cher",
    "chere",
    "hola",
    "buenos",
    "buenas",
    "estimado",
    "estimada",
    "ciao",
    "buongiorno",
    "gentile",
    "beste",
    "geachte",
    "dag",
    "ola",
    "bom dia",
    "boa tarde",
    "caro",
    "cara",
    "czesc",
    "witam",
    "dzien dobry",
    "szanowny",
    "szanowna",
];

/// Beginnings of the line above a quoted mail, folded.
const QUOTED: &[&str] = &[
    "on",
    "am",
    "le",
    "el",
    "il",
    "op",
    "em",
    "w dniu",
    "from",
    "von",
    "de",
    "da",
    "van",
    "od",
    "original message",
    "ursprungliche nachricht",
    "message d origine",
];

/// Says that the writer will come back by themselves, or needs nothing more, folded.
const RETURNS: &[&str] = &[
    // en
    "we will come back to you",
    "we ll come back to you",
    "i will come back to you",
    "i ll come back to you",
    "we will get back to you",
    "i will get back to you",
    "we ll get back to you",
    "i ll get back to you",
    "we will be in touch",
    "we ll be in touch",
    "i will be in touch",
    "i ll be in touch",
    "that is all we need",
    "that s all we need",
    "that is all i need",
    "that s all i need",
    "nothing else needed",
    "no further questions",
    // de
    "wir kommen auf sie zu",
    "ich komme auf sie zu",
    "wir melden uns",
    "ich melde mich",
    "mehr brauchen wir",
    "mehr brauche ich",
    "keine weiteren fragen",
    // fr
    "nous reviendrons vers vous",
    "nous revenons vers vous",
    "je reviens vers vous",
    "je reviendrai vers vous",
    "c est tout ce qu il nous faut",
    "c est tout ce qu il me faut",
    // es, it, pt
    "le escribiremos",
    "les escribiremos",
    "nos pondremos en contacto",
    "me pondre en contacto",
    "no necesitamos mas",
    "no necesito mas",
    "vi ricontatteremo",
    "ci faremo sentire",
    "mi faro sentire",
    "non ci serve altro",
    "entraremos em contato",
    "entraremos em contacto",
    "voltaremos a contactar",
    "nao precisamos de mais nada",
    // nl
    "wij komen erop terug",
    "we komen erop terug",
    "ik kom erop terug",
    "wij nemen contact op",
    "we nemen contact op",
    "ik neem contact op",
    "meer hebben we niet nodig",
    // pl
    "odezwiemy sie",
    "odezwe sie",
    "bedziemy w kontakcie",
    "niczego wiecej nie potrzebujemy",
];

/// At most so many words besides those that say that the writer will come back.
const MOST_WORDS: usize = 12;
/// At most so many lines are looked at.
const MOST_LINES: usize = 12;

/// Does this mail end its thread by its own wording? Short; thanks, agrees or says that its writer will come back; asks for
/// nothing. What is quoted below, the greeting and the signature are left aside.
pub fn closes(text: &str) -> bool {
    let written = own_words(text);
    if written.contains(['?', '？']) {
        return false;
    }
    let mut folded = plain(&written);
    let returns = RETURNS.iter().any(|phrase| folded.contains(&format!(" {phrase} ")));
    let starts = CLOSERS.iter().chain(RETURNS).any(|closer| folded.starts_with(&format!(" {closer} ")));
    if !starts {
        return false;
    }
    for phrase in RETURNS.iter().filter(|_| returns) {
        folded = folded.replace(&format!(" {phrase} "), " ");
    }
    folded.split_whitespace().count() <= MOST_WORDS
        && !REQUESTS.iter().any(|word| folded.contains(&format!(" {word} ")))
}

/// Sets or takes the tag of a mail that asks for no answer, as its text says.
pub fn retag(tags: &mut Vec<String>, text: Option<&str>) {
    tags.retain(|tag| tag != CLOSING);
    if text.is_some_and(closes) {
        tags.push(CLOSING.to_owned());
        tags.sort();
    }
}

/// What its writer wrote: no quotation, no greeting, no signature.
fn own_words(text: &str) -> String {
    let begins = |line: &str, starts: &[&str]| {
        let folded = plain(line);
        starts.iter().any(|s| folded.starts_with(&format!(" {s} ")))
    };
    let mut own: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        let above_quotation = line.ends_with(':') && begins(line, QUOTED) || line.starts_with("-----");
        if line == "--" || line.starts_with("__") || above_quotation {
            break;
        }
        if line.is_empty() || line.starts_with('>') {
            continue;
        }
        if own.is_empty() && begins(line, GREETINGS) && plain(line).split_whitespace().count() <= 5 && !ends(line) {
            continue;
        }
        let sign_off = begins(line, SIGN_OFFS) && plain(line).split_whitespace().count() <= 5;
        if sign_off && !own.is_empty() {
            break;
        }
        own.push(line);
        if own.len() > MOST_LINES {
            break;
        }
    }
    own.join("\n")
}

/// Ends like a sentence, not like a greeting.
fn ends(line: &str) -> bool {
    line.ends_with(['.', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(text: &str) -> DateTime<Utc> {
        let (day, time) = text.split_once(' ').unwrap_or((text, "12:00"));
        format!("2026-{day}T{time}:00Z").parse().expect("a time")
    }

    /// `>` is ours, `<` is theirs.
    fn usually(rows: &[(&'static str, &str, char)]) -> Option<Usual> {
        let letters = rows.iter().map(|(thread, at, way)| Letter { thread, at: t(at), outbound: *way == '>' });
        usual(letters.collect::<Vec<_>>(), &WorkCalendar::default())
    }

    #[test]
    fn usual_reply_times() {
        let known = |minutes, replies| Some(Usual { minutes, replies });
        let one = ("a", "11-03 10:00", '>');
        let cases: Vec<(&str, Vec<(&'static str, &str, char)>, Option<Usual>)> = vec![
            ("never", vec![one], None),
            ("once", vec![one, ("a", "11-03 11:30", '<')], known(90, 1)),
            ("over a night", vec![("a", "11-03 16:00", '>'), ("a", "11-04 10:00", '<')], known(120, 1)),
            ("over a weekend", vec![("a", "11-06 16:00", '>'), ("a", "11-09 09:30", '<')], known(90, 1)),
            ("after a reminder", vec![one, ("a", "11-05 10:00", '>'), ("a", "11-05 10:10", '<')], known(10, 1)),
            ("twice in a row", vec![one, ("a", "11-03 10:10", '<'), ("a", "11-03 15:00", '<')], known(10, 1)),
            ("they wrote first", vec![("a", "11-03 09:00", '<'), one], None),
            ("another thread", vec![one, ("b", "11-03 11:30", '<')], None),
            ("much too late", vec![("a", "08-03 10:00", '>'), ("a", "11-03 11:30", '<')], None),
            (
                "the middle of three",
                vec![
                    ("a", "11-03 10:00", '>'),
                    ("a", "11-03 10:30", '<'),
                    ("b", "11-03 10:00", '>'),
                    ("b", "11-03 12:00", '<'),
                    ("c", "11-03 10:00", '>'),
                    ("c", "11-10 12:00", '<'),
                ],
                known(120, 3),
            ),
            (
                "between the two in the middle",
                vec![
                    ("a", "11-03 10:00", '>'),
                    ("a", "11-03 10:30", '<'),
                    ("b", "11-03 10:00", '>'),
                    ("b", "11-03 11:30", '<'),
                ],
                known(60, 2),
            ),
        ];
        for (name, rows, want) in cases {
            assert_eq!(usually(&rows), want, "{name}");
            let back: Vec<_> = rows.into_iter().rev().collect();
            assert_eq!(usually(&back), want, "{name}, read backwards");
        }
    }

    #[test]
    fn what_ends_a_thread() {
        let closing = [
            "Thanks!",
            "Thank you very much for the update, Ana.",
            "Hi Ana,\n\nnoted.\n\nBest regards\nTom",
            "Ok.",
            "Perfect, see you Thursday.\n\nTom Berg\n--\nNorthwind Ltd, please consider the environment",
            "Got it, thanks\n\nOn Tue, 3 Nov 2026 Ana Lopez wrote:\n> Could you send the figures?",
            "Vielen Dank für die Info!\n\nViele Grüße\nTom",
            "Alles klar",
            "Sehr geehrte Frau Lopez,\nbesten Dank.\nMit freundlichen Grüßen\nTom Berg",
            "Bonjour Ana,\nbien reçu, merci.\nCordialement",
            "Muchas gracias, Ana",
            "Grazie mille.",
            "Bedankt!",
            "Obrigado, recebido.",
            "Dziękuję!",
            "Hello Ana,\n\nthanks, that is all we need for now. We will come back to you.\n\nKind regards\nKaren",
            "Thank you, noted. We will be in touch once we have decided internally.",
            "Guten Tag,\ndanke, mehr brauchen wir im Moment nicht. Wir kommen auf Sie zu.\nViele Grüße",
            "vielen Dank, ist notiert. Wir melden uns, sobald wir intern entschieden haben.",
            "gracias, por ahora no necesitamos más. Le escribiremos nosotros.",
            "merci, c'est tout ce qu'il nous faut pour l'instant. Nous reviendrons vers vous.",
            "We'll get back to you next week.",
            "Danke\n\nAm 03.11.2026 um 10:00 schrieb Ana Lopez:\nKönnten Sie die Zahlen schicken?",
        ];
        for text in closing {
            assert!(closes(text), "{text}");
        }
        let open = [
            "",
            "Hi Ana,",
            "Thanks! Could you send the contract?",
            "Thanks, please send the contract.",
            "We will get back to you, but please send the contract first.",
            "Once we have your figures we will come back to you.",
            "Thanks, but we still need the figures.",
            "Thank you in advance.",
            "Merci de nous envoyer le devis.",
            "Danke im Voraus.",
            "Gracias, necesito el precio.",
            "OK?",
            "We have decided to go on with the pilot.",
            "Thanks for the quote. We looked at it with the plant manager yesterday and found two points that differ.",
            "The figures are attached. Thanks",
        ];
        for text in open {
            assert!(!closes(text), "{text}");
        }
    }
}
