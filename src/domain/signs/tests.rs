//! Subjects and fields as people and programs write them.

use dealtrail_sdk::mime;

use super::*;

fn mail(subject: &str, fields: &str) -> Message {
    let text = format!("From: eve@buyer.example\r\nTo: ana@acme.example\r\nSubject: {subject}\r\n{fields}\r\n");
    mime::header(text.as_bytes())
}

#[test]
fn subjects_alone_make_no_machine() {
    for subject in [
        "Auto: Angebot für den neuen Wagen",
        "Auto Antwort vom Händler",
        "Auto response rate of the new ECU",
        "Automatic reply settings for our shop",
        "Automatische Antworten im Kundenportal",
        "On vacation from 3 to 14 August, please send the contract before",
        "On holiday rentals: your quote",
        "Out of office furniture: the offer you asked for",
        "Out of the office next week, can we sign on Friday?",
        "Out of office until Monday, can we sign on 3 December?",
        "OOO: our object-oriented ontology project",
        "Abwesend: wer vertritt Sie im Termin?",
        "Abwesenheit: Vertretung beim Vertragsabschluss",
        "Absence du bureau de poste, livraison reportée",
        "Fuera de la oficina: reunión en su almacén",
        "Fuori sede: incontro presso di voi",
        "Afwezigheidsplanner: offerte",
        "Autosvaret i portalen",
        "Re: Auto: Angebot",
        "",
    ] {
        assert!(!is_automatic(&mail(subject, "")), "{subject}");
    }
}

#[test]
fn what_programs_write_over_their_replies() {
    for subject in [
        "Automatic reply: Your offer",
        "AUTOMATIC REPLY: Your offer",
        "Automatic reply",
        "Auto-Reply - Your offer",
        "Out of Office: Your offer",
        "Out of Office",
        "Out of the office (until Monday)",
        "Out of office until 9 December 2026",
        "Out of Office AutoReply: Your offer",
        "Abwesenheitsnotiz",
        "Abwesenheitsnotiz: Ihr Angebot",
        "Automatische Antwort: Ihr Angebot",
        "Réponse automatique : Votre offre",
        "Respuesta automática: Su oferta",
        "Risposta automatica: la vostra offerta",
        "Automatisch antwoord: Uw offerte",
        "自动回复: 报价",
        "自动回复：报价",
        "不在通知",
    ] {
        assert!(is_automatic(&mail(subject, "")), "{subject}");
    }
}

#[test]
fn a_subject_of_absence_counts_with_a_field_of_machines() {
    for (subject, fields, want) in [
        ("Auto: Angebot", "X-Auto-Response-Suppress: All\r\n", true),
        ("Auto: Angebot", "Precedence: bulk\r\n", true),
        ("Auto: Angebot", "X-Loop: eve@buyer.example\r\n", true),
        ("On vacation until Monday", "Precedence: junk\r\n", true),
        ("Abwesenheit: bis Montag", "X-Auto-Response-Suppress: OOF\r\n", true),
        // a newsletter's subject may begin so too
        ("On vacation with 20 % off", "Precedence: bulk\r\nList-Id: <deals.travel.example>\r\n", false),
        // the fields alone say too little: Exchange writes the first on mail that people write
        ("Your offer", "X-Auto-Response-Suppress: All\r\n", false),
        ("Your offer", "Precedence: bulk\r\n", false),
        // a field that says it all needs no subject
        ("Your offer", "Auto-Submitted: auto-replied\r\n", true),
        ("Your offer", "Return-Path: <>\r\n", true),
    ] {
        assert_eq!(is_automatic(&mail(subject, fields)), want, "{subject} / {fields}");
    }
}
