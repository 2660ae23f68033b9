//! Which mails carry a quote, an order or a contract: by the names of their attachments, else by a subject that says so
//! beside an attached document. Contents of attachments are never read. Word lists as data, added to by the configuration.

use dealtrail_sdk::record::Part;

use super::address;

/// Words that name a document, in the languages people write them, folded as [`plain`] folds. A leading `-` stands for
/// any beginning: `-angebot` is also the end of "Preisangebot".
const QUOTE: &str = "quote|quotes|quotation|quotations|proposal|proposals|offer|offers|estimate|estimates\
    |-angebot|-angebote|kostenvoranschlag|kostenschatzung|-offerte|-offertes|prijsopgave|prijsvoorstel\
    |-voorstel\
    |devis|proposition commerciale|offre|offre de prix|chiffrage\
    |presupuesto|cotizacion|propuesta|oferta|preventivo|preventivi|offerta|proposta|proposta commerciale\
    |orcamento|cotacao\
    |wycena|kosztorys|propozycja";
const ORDER: &str = "purchase order|order|orders|po\
    |-bestellung|-bestellungen|-auftrag|-auftragsbestatigung|-auftragsbestaetigung|bestellbestatigung\
    |bestellbestaetigung|-bestelling|-inkooporder|-opdracht|opdrachtbevestiging\
    |bon de commande|commande|commandes\
    |pedido|pedidos|orden de compra|ordine|ordini|ordine d acquisto|encomenda|ordem de compra\
    |nota de encomenda\
    |zamowienie|zamowienia|zlecenie";
const CONTRACT: &str = "-contract|contracts|agreement|agreements|msa|nda\
    |-vertrag|-vertrage|-vertraege|-vereinbarung|-overeenkomst\
    |contrat|contrats|convention\
    |contrato|contratos|acuerdo|contratto|contratti|accordo|acordo\
    |umowa|umowy|kontrakt";

/// Words of everyday language: in a subject they name a document only before a number ("PO 4500123").
const UNSURE: &str = "po|order|orders|estimate|estimates|agreement|agreements|-auftrag|-opdracht|-voorstel|propozycja\
    |convention|commande|commandes|-vereinbarung|acuerdo|accordo|acordo|zlecenie|-contract";

/// Between such a word and its number: "PO no. 4500123".
const NUMBER_WORDS: &[&str] = &["no", "nr", "number", "num", "nummer", "numero", "n", "ref", "numer"];

/// Starts of the subjects of answers and forwards, folded.
const ANSWERS: &[&str] =
    &["re", "aw", "fw", "fwd", "wg", "sv", "vs", "antw", "tr", "rv", "rif", "res", "enc", "odp", "pd"];

/// Patterns and portals of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    pub quote: Vec<String>,
    pub order: Vec<String>,
    pub contract: Vec<String>,
    /// Folded addresses that send documents by machine.
    pub portals: Vec<String>,
}

impl Documents {
    pub fn is_portal(&self, sender: &str) -> bool {
        self.portals.iter().any(|p| p == sender || (!p.contains('@') && address::domain(sender) == Some(p)))
    }

    fn own(&self, tag: &str) -> &[String] {
        match tag {
            "quote" => &self.quote,
            "order" => &self.order,
            _ => &self.contract,
        }
    }
}

const KINDS: &[(&str, &str)] = &[("quote", QUOTE), ("order", ORDER), ("contract", CONTRACT)];

/// The tags `quote`, `order`, `contract` that a mail earns by what is attached to it. The names speak first; where no
/// name says anything, a subject does, unless it only repeats the subject of the mail it answers.
pub fn tags(subject: Option<&str>, parts: &[Part], documents: &Documents) -> Vec<String> {
    let attached: Vec<&Part> = parts
        .iter()
        .filter(|p| !p.media_type.starts_with("image/") && p.media_type != "text/calendar" && p.name.is_some())
        .collect();
    if attached.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = attached.iter().filter_map(|p| p.name.as_deref()).map(plain).collect();
    let named = |tag: &str, built_in: &str| {
        let own: Vec<String> = documents.own(tag).iter().map(|w| plain(w).trim().to_owned()).collect();
        names
            .iter()
            .any(|name| built_in.split('|').any(|w| says(name, w, false)) || own.iter().any(|w| says(name, w, false)))
    };
    let by_name: Vec<String> =
        KINDS.iter().filter(|(tag, words)| named(tag, words)).map(|(tag, _)| (*tag).to_owned()).collect();
    if !by_name.is_empty() {
        return by_name;
    }
    let subject = subject.map(plain).filter(|s| !is_answer(s));
    let Some(subject) = subject.filter(|_| attached.iter().any(|p| is_document(p))) else { return Vec::new() };
    let said = |tag: &str, built_in: &str| {
        built_in.split('|').any(|w| says(&subject, w, UNSURE.split('|').any(|u| u == w)))
            || documents.own(tag).iter().any(|w| says(&subject, plain(w).trim(), false))
    };
    KINDS.iter().filter(|(tag, words)| said(tag, words)).map(|(tag, _)| (*tag).to_owned()).collect()
}

/// A file that a quote could be: no mail, no card, no signature.
fn is_document(part: &Part) -> bool {
    let name = part.name.as_deref().unwrap_or_default().to_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    matches!(ending, "pdf" | "doc" | "docx" | "odt" | "rtf" | "xls" | "xlsx" | "ods" | "ppt" | "pptx" | "pages" | "zip")
        || matches!(part.media_type.as_str(), "application/pdf" | "application/msword")
}

fn is_answer(subject: &str) -> bool {
    let first = subject.split_whitespace().next().unwrap_or_default();
    ANSWERS.contains(&first)
}

/// Letters as they are compared everywhere: lower case, accents dropped, everything but letters and digits turned into
/// single blanks, digits apart from letters before them; a blank at both ends.
pub(super) fn plain(name: &str) -> String {
    use unicode_normalization::char::{decompose_canonical, is_combining_mark};
    let mut folded = Folded { text: String::with_capacity(name.len() + 2), last: ' ' };
    folded.text.push(' ');
    for c in name.chars() {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            // marks are dropped, so their order does not matter and each letter can be taken apart by itself
            decompose_canonical(c, |part| {
                if !is_combining_mark(part) {
                    part.to_lowercase().for_each(|c| folded.push(c));
                }
            });
        }
    }
    if folded.last != ' ' {
        folded.text.push(' ');
    }
    folded.text
}

struct Folded {
    text: String,
    /// The last letter of the text.
    last: char,
}

impl Folded {
    /// One more letter, in lower case and without marks.
    fn push(&mut self, c: char) {
        // letters that only look like one with an accent
        let c = match c {
            'ł' => 'l',
            'ø' => 'o',
            'đ' => 'd',
            other => other,
        };
        if c.is_alphanumeric() {
            if c.is_ascii_digit() && self.last.is_alphabetic() {
                self.text.push(' ');
            }
            self.text.push(c);
            self.last = c;
        } else if self.last != ' ' {
            self.text.push(' ');
            self.last = ' ';
        }
    }
}

/// Does a folded text hold the word; where asked for, only before a number?
fn says(text: &str, word: &str, before_number: bool) -> bool {
    let (any_beginning, word) = match word.strip_prefix('-') {
        Some(end) => (true, end),
        None => (false, word),
    };
    if word.is_empty() {
        return false;
    }
    let numbered = |rest: &str| {
        let mut words = rest.split_whitespace().skip_while(|w| NUMBER_WORDS.contains(w));
        words.next().is_some_and(|w| w.starts_with(|c: char| c.is_ascii_digit()))
    };
    let whole = |(at, _): (usize, &str)| {
        let rest = &text[at + word.len()..];
        let begins = any_beginning || text[..at].ends_with(' ');
        begins && rest.starts_with(' ') && (!before_number || numbered(rest))
    };
    // from the end, where one that stands in another begins later
    text.rmatch_indices(word).any(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, media_type: &str) -> Part {
        Part {
            section: "2".into(),
            media_type: media_type.into(),
            charset: None,
            encoding: None,
            name: Some(name.to_owned()),
            size: 1,
            attachment: true,
            method: None,
            alternative: false,
        }
    }

    #[test]
    fn names_of_documents() {
        let own = Documents { quote: vec!["Offertanfrage".to_owned()], ..Documents::default() };
        let cases: &[(&str, &[&str])] = &[
            ("Quote_2231 v2.pdf", &["quote"]),
            ("Quotation 7.pdf", &["quote"]),
            ("proposal-final.docx", &["quote"]),
            ("Our offer.pdf", &["quote"]),
            ("estimate.xlsx", &["quote"]),
            ("Angebot-2026-114.pdf", &["quote"]),
            ("Preisangebot.pdf", &["quote"]),
            ("Kostenvoranschlag.pdf", &["quote"]),
            ("Devis n°12.pdf", &["quote"]),
            ("Proposition commerciale.pdf", &["quote"]),
            ("Offre.pdf", &["quote"]),
            ("Cotización.xlsx", &["quote"]),
            ("Presupuesto 14.pdf", &["quote"]),
            ("preventivo.pdf", &["quote"]),
            ("Offerta_3.pdf", &["quote"]),
            ("Offerte 2026.pdf", &["quote"]),
            ("Orçamento.pdf", &["quote"]),
            ("Cotação.pdf", &["quote"]),
            ("Oferta handlowa.pdf", &["quote"]),
            ("Wycena_Łódź.pdf", &["quote"]),
            ("offertanfrage.pdf", &["quote"]),
            ("PO4500123.pdf", &["order"]),
            ("Purchase Order.pdf", &["order"]),
            ("Auftragsbestätigung.pdf", &["order"]),
            ("Auftragsbestaetigung.pdf", &["order"]),
            ("Bestellung 77.pdf", &["order"]),
            ("Bon de commande n°7.pdf", &["order"]),
            ("Pedido 9.pdf", &["order"]),
            ("Ordine d'acquisto.pdf", &["order"]),
            ("Inkooporder.pdf", &["order"]),
            ("Encomenda 5.pdf", &["order"]),
            ("Zamówienie 8.pdf", &["order"]),
            ("Rahmenvertrag (final).docx", &["contract"]),
            ("Service contract.pdf", &["contract"]),
            ("Contrat.pdf", &["contract"]),
            ("Contratto quadro.pdf", &["contract"]),
            ("Koopovereenkomst.pdf", &["contract"]),
            ("Umowa.pdf", &["contract"]),
            ("portfolio.pdf", &[]),
            ("poster.pdf", &[]),
            ("minutes.docx", &[]),
            ("border.pdf", &[]),
            ("Beitrag.pdf", &[]),
        ];
        for (name, want) in cases {
            assert_eq!(&tags(None, &[part(name, "application/pdf")], &own), want, "{name}");
        }
        assert_eq!(tags(None, &[part("quote.png", "image/png")], &own), Vec::<String>::new());
    }

    #[test]
    fn a_subject_speaks_beside_a_nameless_document() {
        let own = Documents { order: vec!["Abruf".to_owned()], ..Documents::default() };
        let pdf = || part("scan0017.pdf", "application/pdf");
        let cases: &[(&str, Part, &[&str])] = &[
            ("Quotation 2231", pdf(), &["quote"]),
            ("Ihr Angebot vom Montag", pdf(), &["quote"]),
            ("Devis pour la ligne 3", pdf(), &["quote"]),
            ("Our offer for hall 2", pdf(), &["quote"]),
            ("Purchase order for the pumps", pdf(), &["order"]),
            ("PO 4500123", pdf(), &["order"]),
            ("PO no. 4500123", pdf(), &["order"]),
            ("Order 77", pdf(), &["order"]),
            ("Abruf März", pdf(), &["order"]),
            ("Rahmenvertrag", pdf(), &["contract"]),
            // everyday words, answers, and mails without a document
            ("All in order", pdf(), &[]),
            ("Un po' di novità", pdf(), &[]),
            ("We reached an agreement", pdf(), &[]),
            ("Re: Quotation 2231", pdf(), &[]),
            ("AW: Angebot", pdf(), &[]),
            ("Quotation 2231", part("logo.png", "image/png"), &[]),
            ("Quotation 2231", part("invite.ics", "text/calendar"), &[]),
            ("Quotation 2231", part("Tom.vcf", "text/vcard"), &[]),
            // the name knows better
            ("Quotation 2231", part("Bestellung.pdf", "application/pdf"), &["order"]),
        ];
        for (subject, attached, want) in cases {
            assert_eq!(&tags(Some(subject), std::slice::from_ref(attached), &own), want, "{subject}");
        }
        assert_eq!(tags(Some("Quotation 2231"), &[], &own), Vec::<String>::new());
    }
}
