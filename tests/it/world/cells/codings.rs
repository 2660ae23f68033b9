//! Encodings: subjects and texts as mail programs of several languages write them.

use super::{
    super::build::Builder,
    super::mail::{Body, Coding},
    super::post::decided,
};

scenes![encodings];

fn encodings(b: &mut Builder) {
    let forms = [
        (Coding::Utf8Quoted, "Rückfrage zum Zeitplan der Anlage – Größe und Menge"),
        (Coding::Utf8Base64, "Żółta łódź płynie, 日程について, ça va"),
        (Coding::Latin1Quoted, "Prüfung der Unterlagen für die Maßnahme in Köln"),
        (Coding::Latin1Raw, "Études à réaliser avant l'été"),
        (Coding::Japanese, "Re: 見積書"),
        (Coding::Japanese, "会議の件"),
        (Coding::Utf8Quoted, "A_subject = with ? signs, \"quotes\" and ünder_scores"),
    ];
    let (company, _, kim) = b.account();
    let rep = b.rep();
    let deal = b.deal(&company, rep);
    let ana = b.user(rep);
    for (coding, subject) in forms {
        let age = b.age();
        let at = b.ago(age);
        let mut draft = b.draft(&kim, &[&ana], at);
        draft.coding = coding;
        draft.subject = subject.into();
        if coding == Coding::Japanese {
            draft.text = format!("{} 日程について", draft.text);
        }
        draft.body = b.rng.pick(&[Body::Text, Body::Html, Body::Both]).clone();
        b.send(&draft, &decided(&deal, &["only_deal"]));
    }
}
