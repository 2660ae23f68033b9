//! Does a mail end its thread by its own wording: "Thanks!", "Noted.", "We will come back to you"? Pure. Word lists as
//! data, folded as `plain` folds, in the languages people write; when in doubt a mail asks for an answer.

use std::sync::LazyLock;

use regex::Regex;

use super::documents::plain;

/// The tag of a mail that asks for no answer.
pub const CLOSING: &str = "closing";

/// Beginnings of what thanks, agrees or takes note, folded.
const CLOSERS: &str = "thanks|thank you|many thanks|thx|ty|cheers|ok|okay|noted|got it|great|perfect|sounds good|looks good\
    |will do|received|understood|all good|all clear|no worries|see you|excellent|wonderful|much appreciated\
    |fine|agreed|you re welcome|you are welcome\
    |danke|vielen dank|besten dank|herzlichen dank|alles klar|passt|perfekt|in ordnung|super\
    |zur kenntnis genommen|verstanden|erhalten|bis dann|bis bald|gerne|einverstanden\
    |merci|merci beaucoup|bien recu|bien note|d accord|entendu|parfait|c est note|tres bien\
    |gracias|muchas gracias|recibido|de acuerdo|perfecto|vale|entendido|muy bien|anotado\
    |grazie|grazie mille|ricevuto|va bene|perfetto|d accordo|capito|molto bene|ottimo\
    |bedankt|dank je|dank u|dankjewel|hartelijk dank|akkoord|prima|ontvangen|begrepen|genoteerd|helder|top\
    |obrigado|obrigada|muito obrigado|muito obrigada|recebido|combinado|perfeito|anotado|de nada\
    |dziekuje|dziekuje bardzo|dzieki|bardzo dziekuje|otrzymalem|otrzymalam|w porzadku|zgoda|rozumiem|swietnie\
    |jasne";

/// Words that ask for something all the same, folded.
const REQUESTS: &str = "please|need|needs|send|could|can|would|when|what|where|which|how|why|who|call|asap|waiting|wait|advance\
    |but|however|forward|let|missing|still|until\
    |bitte|brauche|brauchen|benotige|benotigen|schicken|senden|konnen|konnten|wann|was|wie|wo|voraus|aber\
    |allerdings|fehlt|noch\
    |plait|besoin|envoyer|envoyez|pouvez|pourriez|quand|avance|mais|attends|merci de\
    |favor|necesito|necesitamos|enviar|envie|puede|puedes|podria|cuando|antemano|pero|preciso|precisamos|pode\
    |poderia|quando|antecipadamente|mas|falta\
    |favore|bisogno|inviare|mandare|puo|puoi|potrebbe|anticipo|pero\
    |graag|alstublieft|nodig|sturen|kunt|kun|kan|wanneer|voorbaat|maar\
    |prosze|potrzebuje|potrzebujemy|wyslac|moze|mozesz|kiedy|ale|czekam|gory";

/// Beginnings of the line that ends a mail before its writer's name, folded.
const SIGN_OFFS: &str = "best|regards|kind regards|best regards|warm regards|yours|sincerely|all the best|mit freundlichen\
    |freundliche grusse|viele grusse|beste grusse|liebe grusse|schone grusse|mfg|gruss|grusse|lg|vg\
    |cordialement|bien cordialement|bien a vous|salutations|saludos|un saludo|atentamente|cordiali saluti\
    |saluti|distinti saluti|met vriendelijke|groeten|groet|mvg|cumprimentos|atenciosamente|com os melhores\
    |pozdrawiam|z powazaniem|sent from|von meinem|gesendet von|envoye de";

/// Beginnings of a line that opens a mail, folded.
const GREETINGS: &str = "hi|hello|dear|hey|good morning|good afternoon|hallo|guten|liebe|lieber|sehr geehrte|sehr geehrter|bonjour\
    |bonsoir|cher|chere|hola|buenos|buenas|estimado|estimada|ciao|buongiorno|gentile|beste|geachte|dag|ola\
    |bom dia|boa tarde|caro|cara|czesc|witam|dzien dobry|szanowny|szanowna";

/// Beginnings of the line above a quoted mail, folded.
const QUOTED: &str = "on|am|le|el|il|op|em|w dniu|from|von|de|da|van|od|original message|ursprungliche nachricht\
    |message d origine";

/// Says that the writer will come back by themselves, or needs nothing more, folded.
const RETURNS: &str = "we will come back to you|we ll come back to you|i will come back to you|i ll come back to you\
    |we will get back to you|i will get back to you|we ll get back to you|i ll get back to you\
    |we will be in touch|we ll be in touch|i will be in touch|i ll be in touch|that is all we need\
    |that s all we need|that is all i need|that s all i need|nothing else needed|no further questions\
    |wir kommen auf sie zu|ich komme auf sie zu|wir melden uns|ich melde mich|mehr brauchen wir\
    |mehr brauche ich|keine weiteren fragen\
    |nous reviendrons vers vous|nous revenons vers vous|je reviens vers vous|je reviendrai vers vous\
    |c est tout ce qu il nous faut|c est tout ce qu il me faut\
    |le escribiremos|les escribiremos|nos pondremos en contacto|me pondre en contacto|no necesitamos mas\
    |no necesito mas|vi ricontatteremo|ci faremo sentire|mi faro sentire|non ci serve altro\
    |entraremos em contato|entraremos em contacto|voltaremos a contactar|nao precisamos de mais nada\
    |wij komen erop terug|we komen erop terug|ik kom erop terug|wij nemen contact op|we nemen contact op\
    |ik neem contact op|meer hebben we niet nodig\
    |odezwiemy sie|odezwe sie|bedziemy w kontakcie|niczego wiecej nie potrzebujemy";

/// At most so many words besides those that say that the writer will come back.
const MOST_WORDS: usize = 12;
/// No beginning is longer, in bytes; a shorter line may break one off.
const LONGEST: usize = 40;
/// At most so many lines are looked at.
const MOST_LINES: usize = 12;

static CLOSES: LazyLock<Regex> = LazyLock::new(|| begins_with(&format!("{CLOSERS}|{RETURNS}")));
static REQUESTED: LazyLock<Regex> = LazyLock::new(|| holds(REQUESTS));
static RETURNED: LazyLock<Regex> = LazyLock::new(|| holds(RETURNS));
static SIGNED_OFF: LazyLock<Regex> = LazyLock::new(|| begins_with(SIGN_OFFS));
static GREETED: LazyLock<Regex> = LazyLock::new(|| begins_with(GREETINGS));
static INTRODUCED: LazyLock<Regex> = LazyLock::new(|| begins_with(QUOTED));

/// Finds a folded text that begins with one of these.
fn begins_with(phrases: &str) -> Regex {
    Regex::new(&format!("^ (?:{phrases}) ")).expect("the lists hold letters and spaces")
}

/// Finds one of these anywhere in a folded text.
fn holds(phrases: &str) -> Regex {
    Regex::new(&format!(" (?:{phrases}) ")).expect("the lists hold letters and spaces")
}

/// Does this mail end its thread by its own wording? Short; thanks, agrees or says that its writer will come back; asks for
/// nothing. What is quoted below, the greeting and the signature are left aside.
pub fn closes(text: &str) -> bool {
    let Some(written) = own_words(text) else { return false };
    if written.contains(['?', '？']) {
        return false;
    }
    let mut folded = plain(&written);
    if !CLOSES.is_match(&folded) {
        return false;
    }
    while let Some(said) = RETURNED.find(&folded).map(|m| m.range()) {
        folded.replace_range(said, " ");
    }
    folded.split_whitespace().count() <= MOST_WORDS && !REQUESTED.is_match(&folded)
}

/// Sets or takes the tag of a mail that asks for no answer, as its text says.
pub fn retag(tags: &mut Vec<String>, text: Option<&str>) {
    tags.retain(|tag| tag != CLOSING);
    if text.is_some_and(closes) {
        tags.push(CLOSING.to_owned());
        tags.sort();
    }
}

/// What its writer wrote: no quotation, no greeting, no signature. None as soon as it is plain that it begins otherwise than what
/// closes: most mails are read no further than their first line.
fn own_words(text: &str) -> Option<String> {
    let mut own: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        let folded = plain(line);
        let above_quotation = line.ends_with(':') && INTRODUCED.is_match(&folded) || line.starts_with("-----");
        if line == "--" || line.starts_with("__") || above_quotation {
            break;
        }
        if line.is_empty() || line.starts_with('>') {
            continue;
        }
        let short = folded.split_whitespace().take(6).count() <= 5;
        if own.is_empty() && short && GREETED.is_match(&folded) && !ends(line) {
            continue;
        }
        if !own.is_empty() && short && SIGNED_OFF.is_match(&folded) {
            break;
        }
        if own.is_empty() && folded.len() > LONGEST && !CLOSES.is_match(&folded) {
            return None;
        }
        own.push(line);
        if own.len() > MOST_LINES {
            break;
        }
    }
    Some(own.join("\n"))
}

/// Ends like a sentence, not like a greeting.
fn ends(line: &str) -> bool {
    line.ends_with(['.', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_long_enough_holds_any_beginning() {
        let longest = CLOSERS.split('|').chain(RETURNS.split('|')).map(|words| format!(" {words} ").len()).max();
        assert!(longest <= Some(LONGEST), "{longest:?}");
        assert!(closes("Keine\nweiteren\nFragen"), "a beginning may go over lines");
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
