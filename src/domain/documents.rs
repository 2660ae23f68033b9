//! Which attachments are quotes, orders or contracts, by their names.

use dealtrail_sdk::record::Part;

use super::address;

/// Words that name a document, in the languages people write them; added to by the configuration.
const QUOTE: &[&str] = &[
    "quote",
    "quotation",
    "proposal",
    "offer",
    "estimate",
    "angebot",
    "kostenvoranschlag",
    "offerte",
    "devis",
    "proposition commerciale",
    "presupuesto",
    "cotizacion",
    "oferta",
    "preventivo",
    "offerta",
    "orcamento",
    "proposta",
];
const ORDER: &[&str] = &[
    "purchase order",
    "order",
    "po",
    "bestellung",
    "auftrag",
    "auftragsbestaetigung",
    "bon de commande",
    "commande",
    "pedido",
    "orden de compra",
    "ordine",
    "bestelling",
    "inkooporder",
];
const CONTRACT: &[&str] =
    &["contract", "agreement", "msa", "vertrag", "rahmenvertrag", "contrat", "contrato", "contratto", "overeenkomst"];

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
}

/// The tags `quote`, `order`, `contract` that the names of the attachments earn.
pub fn tags(parts: &[Part], documents: &Documents) -> Vec<String> {
    let names: Vec<String> = parts
        .iter()
        .filter(|p| !p.media_type.starts_with("image/") && p.media_type != "text/calendar")
        .filter_map(|p| p.name.as_deref())
        .map(plain)
        .collect();
    let kinds = [
        ("quote", QUOTE, &documents.quote),
        ("order", ORDER, &documents.order),
        ("contract", CONTRACT, &documents.contract),
    ];
    kinds
        .into_iter()
        .filter(|(_, built_in, own)| {
            let words = || built_in.iter().map(|w| (*w).to_owned()).chain(own.iter().map(|w| plain(w)));
            names.iter().any(|name| words().any(|w| names_it(name, w.trim())))
        })
        .map(|(tag, _, _)| tag.to_owned())
        .collect()
}

/// Lower case, accents dropped, everything but letters and digits turned into single blanks, digits apart from letters.
fn plain(name: &str) -> String {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    let mut text = String::from(" ");
    for c in name.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        let last = text.chars().next_back().unwrap_or(' ');
        if c.is_alphanumeric() {
            if last.is_alphabetic() && c.is_ascii_digit() {
                text.push(' ');
            }
            text.push(c);
        } else if last != ' ' {
            text.push(' ');
        }
    }
    text.push(' ');
    text
}

fn names_it(name: &str, word: &str) -> bool {
    !word.is_empty() && name.contains(&format!(" {word} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_documents() {
        let own = Documents { quote: vec!["Offertanfrage".to_owned()], ..Documents::default() };
        let cases: &[(&str, &[&str])] = &[
            ("Angebot-2026-114.pdf", &["quote"]),
            ("Quote_2231 v2.pdf", &["quote"]),
            ("PO4500123.pdf", &["order"]),
            ("Bon de commande n°7.pdf", &["order"]),
            ("Rahmenvertrag (final).docx", &["contract"]),
            ("Cotización.xlsx", &["quote"]),
            ("offertanfrage.pdf", &["quote"]),
            ("portfolio.pdf", &[]),
            ("poster.pdf", &[]),
            ("minutes.docx", &[]),
        ];
        for (name, want) in cases {
            let part = Part {
                section: "2".into(),
                media_type: "application/pdf".into(),
                charset: None,
                encoding: None,
                name: Some((*name).to_owned()),
                size: 1,
                attachment: true,
                method: None,
                alternative: false,
            };
            assert_eq!(&tags(&[part], &own), want, "{name}");
        }
    }
}
