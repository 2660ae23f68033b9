//! Turns what somebody wants to say into a mail's words: greeting, sentences, closing, signature, subject.
//!
//! The sentences themselves are tables (`say_en`, `say_de`, `say_fr`, `say_es`); here is only how they are put together.

use chrono::NaiveDate;

use super::cast::Lang;
use super::dice::Dice;
use super::world::Party;
use super::{say_de, say_en, say_es, say_fr};

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    // the customer
    Inquiry,
    Interested,
    Times,
    Question,
    AcceptDemo,
    PleaseQuote,
    Terms,
    ToContract,
    Legal,
    Order,
    Decline,
    Closing,
    Update,
    /// Could belong to any deal.
    Vague,
    /// Names a competitor.
    Compared,
    // we
    Outreach,
    FirstReply,
    Answer,
    FollowUp,
    DemoPlan,
    Confirm,
    Quote,
    Contract,
    Welcome,
    Regret,
    Nudge,
    VagueAnswer,
    Minutes,
}

impl Say {
    /// Written by the customer.
    pub(super) fn inbound(self) -> bool {
        use Say::{
            AcceptDemo, Closing, Compared, Decline, Inquiry, Interested, Legal, Order, PleaseQuote, Question, Terms,
            Times, ToContract, Update, Vague,
        };
        matches!(
            self,
            Inquiry
                | Interested
                | Times
                | Question
                | AcceptDemo
                | PleaseQuote
                | Terms
                | ToContract
                | Legal
                | Order
                | Decline
                | Closing
                | Update
                | Vague
                | Compared
        )
    }

    /// Follows right from something said before: no small talk in front.
    fn curt(self) -> bool {
        matches!(self, Self::Confirm | Self::Closing | Self::VagueAnswer | Self::Minutes | Self::Order | Self::Inquiry)
    }
}

/// What stands in for the places in a sentence.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub product: String,
    pub site: String,
    pub points: String,
    pub amount: String,
}

pub(super) fn fill(text: &str, facts: &Facts) -> String {
    text.replace("{product}", &facts.product)
        .replace("{site}", &facts.site)
        .replace("{n}", &facts.points)
        .replace("{amount}", &facts.amount)
}

pub(super) fn lines(lang: Lang, say: Say) -> &'static [&'static str] {
    match lang {
        Lang::En => say_en::lines(say),
        Lang::De => say_de::lines(say),
        Lang::Fr => say_fr::lines(say),
        Lang::Es => say_es::lines(say),
    }
}

/// The whole text of a mail, without what it quotes.
pub(super) fn body(dice: &mut Dice, lang: Lang, say: Say, facts: &Facts, from: &Party, to: &Party) -> String {
    let (open, close) = match lang {
        Lang::En => (say_en::OPEN, say_en::CLOSE),
        Lang::De => (say_de::OPEN, say_de::CLOSE),
        Lang::Fr => (say_fr::OPEN, say_fr::CLOSE),
        Lang::Es => (say_es::OPEN, say_es::CLOSE),
    };
    let said = fill(dice.pick::<&str>(lines(lang, say)), facts);
    let first = if say.curt() || dice.chance(55) { None } else { Some(*dice.pick(open)) };
    let close = *dice.pick(close);
    let mut text = greeting(lang, to);
    text.push_str("\n\n");
    match first {
        Some(first) => {
            text.push_str(&case(lang, first));
            text.push('\n');
            text.push_str(&upper(&said));
        }
        None => text.push_str(&case(lang, &said)),
    }
    text.push_str("\n\n");
    text.push_str(close);
    text.push('\n');
    text.push_str(&from.name);
    text.push_str(&signature(from));
    text
}

/// German goes on in lower case after the greeting's comma; so do French and Spanish here, English does not.
fn case(lang: Lang, text: &str) -> String {
    if lang == Lang::En { upper(text) } else { text.to_owned() }
}

fn upper(text: &str) -> String {
    let mut chars = text.chars();
    // An inverted question mark is followed by its own capital.
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

pub(super) fn greeting(lang: Lang, to: &Party) -> String {
    match (lang, to.female) {
        (Lang::En, _) => format!("Hi {},", to.given),
        (Lang::De, true) => format!("Guten Tag Frau {},", to.family),
        (Lang::De, false) => format!("Guten Tag Herr {},", to.family),
        (Lang::Fr, true) => format!("Bonjour Madame {},", to.family),
        (Lang::Fr, false) => format!("Bonjour Monsieur {},", to.family),
        (Lang::Es, _) => format!("Hola {}:", to.given),
    }
}

fn signature(from: &Party) -> String {
    let mut text = String::from("\n-- \n");
    for line in [&from.title, &from.firm, &from.phone] {
        if !line.is_empty() {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The subject of a new thread.
pub(super) fn subject(lang: Lang, say: Say, facts: &Facts) -> String {
    let [en, de, fr, es] = match say {
        Say::Inquiry | Say::Interested => [
            "Inquiry {product}: {site}",
            "Anfrage {product}: {site}",
            "Demande {product} : {site}",
            "Consulta {product}: {site}",
        ],
        Say::Outreach => [
            "{product} and your plans for {site}",
            "{product} und Ihr Vorhaben {site}",
            "{product} et vos projets pour {site}",
            "{product} y sus planes para {site}",
        ],
        Say::DemoPlan | Say::AcceptDemo => [
            "Demo {product}: agenda",
            "Vorführung {product}: Ablauf",
            "Démonstration {product} : déroulé",
            "Demostración {product}: agenda",
        ],
        Say::Question => [
            "Technical question on {product}",
            "Technische Frage zu {product}",
            "Question technique sur {product}",
            "Pregunta técnica sobre {product}",
        ],
        Say::PleaseQuote | Say::Quote | Say::Terms | Say::Compared => {
            ["Quote {site}", "Angebot {site}", "Devis {site}", "Oferta {site}"]
        }
        Say::Contract | Say::ToContract | Say::Legal | Say::Order => {
            ["Contract {site}", "Vertrag {site}", "Contrat {site}", "Contrato {site}"]
        }
        Say::Vague | Say::VagueAnswer => ["A question", "Rückfrage", "Une question", "Una pregunta"],
        Say::FollowUp => [
            "Our conversation about {site}",
            "Unser Gespräch zu {site}",
            "Notre échange sur {site}",
            "Nuestra conversación sobre {site}",
        ],
        Say::Nudge => ["Following up: {site}", "Nachfrage {site}", "Relance : {site}", "Seguimiento: {site}"],
        Say::Minutes => ["Minutes of our call", "Protokoll unseres Gesprächs", "Compte rendu", "Acta de la llamada"],
        _ => {
            ["{site}: where we stand", "{site}: aktueller Stand", "{site} : où nous en sommes", "{site}: estado actual"]
        }
    };
    let text = match lang {
        Lang::En => en,
        Lang::De => de,
        Lang::Fr => fr,
        Lang::Es => es,
    };
    fill(text, facts)
}

/// What answers stand under: the usual prefix of the language.
pub(super) fn answered(lang: Lang, subject: &str) -> String {
    let bare = subject.trim_start_matches("Re: ").trim_start_matches("AW: ").trim_start_matches("RE: ");
    match lang {
        Lang::De => format!("AW: {bare}"),
        _ => format!("Re: {bare}"),
    }
}

/// "Out of office": subject and text, with the last day of absence.
pub(super) fn away(lang: Lang, subject: &str, until: NaiveDate) -> (String, String) {
    let (prefix, text) = match lang {
        Lang::En => (
            "Automatic reply: ",
            format!(
                "I am out of the office until {} and will read your message after my return.\n",
                until.format("%-d %B %Y")
            ),
        ),
        Lang::De => (
            "Automatische Antwort: ",
            format!(
                "Guten Tag,\n\nich bin bis einschließlich {} nicht im Haus. Ihre Nachricht wird nicht weitergeleitet.\n",
                until.format("%d.%m.%Y")
            ),
        ),
        Lang::Fr => (
            "Réponse automatique : ",
            format!(
                "Bonjour,\n\nje suis absent jusqu'au {} inclus et vous répondrai à mon retour.\n",
                until.format("%d/%m/%Y")
            ),
        ),
        Lang::Es => (
            "Respuesta automática: ",
            format!(
                "Hola:\n\nEstoy fuera de la oficina hasta el {} y le responderé a mi vuelta.\n",
                until.format("%d/%m/%Y")
            ),
        ),
    };
    (format!("{prefix}{subject}"), text)
}

/// "48.500 EUR" or "$48,500", as the language writes it.
pub(super) fn money(lang: Lang, amount: i64, currency: &str) -> String {
    let digits = amount.to_string();
    let mut grouped = String::new();
    for (n, c) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(match lang {
                Lang::En => ',',
                Lang::Fr => ' ',
                _ => '.',
            });
        }
        grouped.push(c);
    }
    if currency == "USD" { format!("${grouped}") } else { format!("{grouped} {currency}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped() {
        assert_eq!(money(Lang::De, 186_000, "EUR"), "186.000 EUR");
        assert_eq!(money(Lang::En, 1_210_500, "USD"), "$1,210,500");
        assert_eq!(money(Lang::En, 950, "EUR"), "950 EUR");
    }

    #[test]
    fn vague_mail_names_no_deal() {
        for lang in [Lang::En, Lang::De, Lang::Fr, Lang::Es] {
            for say in [Say::Vague, Say::VagueAnswer] {
                assert!(lines(lang, say).iter().all(|l| !l.contains('{')), "{lang:?}");
            }
        }
    }

    #[test]
    fn only_known_places_are_left_open() {
        let facts = Facts { product: String::new(), site: String::new(), points: String::new(), amount: String::new() };
        for lang in [Lang::En, Lang::De, Lang::Fr, Lang::Es] {
            for say in [Say::Inquiry, Say::Quote, Say::Question, Say::Answer, Say::Order, Say::Nudge, Say::Minutes] {
                for line in lines(lang, say) {
                    assert!(!fill(line, &facts).contains('{'), "{lang:?} {line}");
                }
            }
        }
    }
}
