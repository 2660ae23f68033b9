//! Until when somebody is away, as the subject of an out-of-office reply says. Pure, from the subject alone: the text of such
//! mail is never read.
//!
//! Only a stated end counts. A reply that names none ("Automatic reply: Your offer") says that somebody is away now, not until
//! when, and a date in the repeated subject of our own mail ("Automatic reply: Offer valid until 31 March") is none of theirs:
//! the end must follow a word of absence, or stand first behind the mark of the reply. What can be read in two ways (03/04 in
//! English) is not guessed.

use chrono::{Datelike as _, Days, NaiveDate};

/// The last day named follows these: `until 12 March`.
const UNTIL: &str = "\
    until till til through thru bis jusqu'au jusqu'à jusque hasta fino sino tot t/m até ate do t.o.m tom";
/// The same, but only between two dates: `10.03. - 15.03.`.
const RANGE: &str = "- to au al a ao";
/// The first day back follows these: `back on 13 March`.
const BACK: &str = "\
    back return returning returns zurück wieder retour regreso vuelta vuelvo rientro terug volto retorno \
    tillbaka tilbage tilbake wracam";
/// Words of absence.
const ABSENCE: &str = "\
    out ooo oof away absent absence vacation holiday holidays leave unavailable abwesend abwesenheit \
    urlaub ferien verreist nicht absente congé conge congés vacances fuera ausente vacaciones ausencia \
    assente ferie fuori ausência férias afwezig vakantie nieobecny nieobecna urlop urlopie semester \
    ledig bortrest";
/// May stand between such a word and its date.
const FILLERS: &str = "\
    and including incl inclusive inkl einschl einschließlich zum und mit einschliesslich the on of in at \
    work office from am ab den dem da im büro le el al il du de di do dia día en em der op aan med och \
    oficina bureau d dnia dniem";
const WEEKDAYS: &str = "\
    mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday mo di mi do fr \
    sa so montag dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi \
    vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo lunedì martedì \
    mercoledì giovedì venerdì sabato domenica maandag dinsdag woensdag donderdag vrijdag zaterdag zondag \
    segunda terça quarta quinta sexta";
/// Each month's names.
const MONTHS: [&str; 12] = [
    "january jan januar jänner janvier janv enero ene gennaio januari janeiro stycznia",
    "february feb februar février fevrier févr febrero febbraio februari fevereiro lutego",
    "march mar märz maerz mrz mars marzo maart mrt março marca",
    "april apr avril avr abril aprile kwietnia",
    "may mai mayo maggio mei maio maj maja",
    "june jun juni juin junio giugno junho czerwca",
    "july jul juli juillet juil julio luglio julho lipca",
    "august aug août aout agosto augustus augusti sierpnia",
    "september sep sept septembre septiembre settembre setembro września",
    "october oct oktober okt octobre octubre ottobre outubro października",
    "november nov novembre noviembre novembro listopada",
    "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro grudnia",
];
/// Words in whose language a date with slashes may have its month first.
const ENGLISH: &str = "until till til through thru to back return returning returns -";

/// A date without a year is the next one, when it is not further away than this.
const NEAR: i64 = 183;
/// The longest absence that is believed.
const FAR: i64 = 731;

/// The last day of the absence that this subject of a reply of `sent` states.
pub fn until(subject: &str, sent: NaiveDate) -> Option<NaiveDate> {
    let subject = subject.to_lowercase().replace(['’', '´', '`'], "'").replace(['–', '—'], " - ");
    subject.split(": ").flat_map(|c| c.split(" | ")).find_map(|clause| in_clause(&words(clause), sent))
}

/// Words without the punctuation around them; a hyphen between two dates is a word.
fn words(clause: &str) -> Vec<String> {
    let mut all = Vec::new();
    for word in clause.split_whitespace() {
        let word = word.trim_matches(|c: char| "()[]{},;:!?\"'*".contains(c));
        let iso = word.len() == 10 && word.as_bytes()[4] == b'-';
        if iso || word == "-" || !word.starts_with(|c: char| c.is_ascii_digit()) {
            all.push(word.to_owned());
            continue;
        }
        for (i, piece) in word.split('-').enumerate() {
            if i > 0 {
                all.push("-".to_owned());
            }
            all.push(piece.to_owned());
        }
    }
    all.retain(|w| !w.is_empty());
    all
}

fn in_clause(words: &[String], sent: NaiveDate) -> Option<NaiveDate> {
    let is = |list: &str, i: usize| words.get(i).is_some_and(|w| listed(list, w));
    let absent_before = |i: usize| i == 0 || (0..i).any(|j| is(ABSENCE, j));
    for i in 0..words.len() {
        let ranged = is(RANGE, i) && i > 0 && dated(&words[i - 1]);
        let back = is(BACK, i);
        if !(back || (is(UNTIL, i) || ranged) && absent_before(i)) {
            continue;
        }
        let mut at = i + 1;
        while at < words.len() && at <= i + 5 && (is(FILLERS, at) || is(WEEKDAYS, at)) {
            at += 1;
        }
        let months_first = is(ENGLISH, i);
        if let Some(day) = date(&words[at.min(words.len())..], months_first, sent) {
            let last = if back { day.checked_sub_days(Days::new(1))? } else { day };
            if (0..=FAR).contains(&(last - sent).num_days()) {
                return Some(last);
            }
        }
    }
    None
}

fn listed(list: &str, word: &str) -> bool {
    list.split(' ').any(|one| one == word)
}

/// Part of a date: it begins with a digit or is a month.
fn dated(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) || month(word).is_some()
}

fn month(word: &str) -> Option<u32> {
    let word = word.trim_end_matches('.');
    MONTHS.iter().position(|names| listed(names, word)).and_then(|i| u32::try_from(i + 1).ok())
}

/// The date at the start of these words.
fn date(words: &[String], months_first: bool, sent: NaiveDate) -> Option<NaiveDate> {
    let first = words.first()?;
    for separator in ['-', '.', '/'] {
        let numbers: Option<Vec<u32>> =
            first.split(separator).filter(|p| !p.is_empty()).map(|p| p.parse().ok()).collect();
        match numbers.as_deref() {
            Some([y, m, d]) if *y >= 1000 => return build(Some(*y), *m, *d, sent),
            Some([a, b, rest @ ..]) if separator != '-' && rest.len() <= 1 => {
                let unsure = separator == '/' && months_first && *a <= 12 && *b <= 12 && a != b;
                let (d, m) = if *b > 12 && separator == '/' { (*b, *a) } else { (*a, *b) };
                return if unsure { None } else { build(rest.first().copied(), m, d, sent) };
            }
            _ => {}
        }
    }
    let rest: Vec<&String> = words[1..].iter().filter(|w| !["of", "de", "di"].contains(&w.as_str())).take(2).collect();
    let second = rest.first()?;
    let year = rest.get(1).and_then(|w| w.trim_end_matches('.').parse().ok()).filter(|y| *y >= 1000);
    match (month(first), month(second)) {
        (None, Some(m)) => build(year, m, day(first)?, sent),
        (Some(m), None) => build(year, m, day(second)?, sent),
        _ => None,
    }
}

/// `12`, `12.`, `12th`, `1er`.
fn day(word: &str) -> Option<u32> {
    let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let rest = word[end..].trim_end_matches('.');
    if ["", "st", "nd", "rd", "th", "er", "e", "º", "°"].contains(&rest) { word[..end].parse().ok() } else { None }
}

fn build(year: Option<u32>, month: u32, day: u32, sent: NaiveDate) -> Option<NaiveDate> {
    let on = |year: i32| NaiveDate::from_ymd_opt(year, month, day);
    if let Some(year) = year {
        return on(i32::try_from(if year < 100 { 2000 + year } else { year }).ok()?);
    }
    let next = [sent.year(), sent.year() + 1].into_iter().filter_map(on).find(|d| *d >= sent)?;
    ((next - sent).num_days() <= NEAR).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stated_ends() {
        let sent = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        for (subject, want) in [
            ("Out of office until 12 March", Some((2026, 3, 12))),
            ("Out of Office until Thursday, March 12th, 2026", Some((2026, 3, 12))),
            ("Out of office: back on 13 March", Some((2026, 3, 12))),
            ("I am on vacation through 2026-03-12", Some((2026, 3, 12))),
            ("Away from 9 to 12 March", Some((2026, 3, 12))),
            ("OOO 9-12 March", Some((2026, 3, 12))),
            ("Automatic reply: Out of office until 3/25/2026", Some((2026, 3, 25))),
            ("On leave until 5 January", None),
            ("On leave until 5 January 2027", Some((2027, 1, 5))),
            ("Abwesend bis 12.03.", Some((2026, 3, 12))),
            ("Abwesend: bis einschließlich 12.3.2026", Some((2026, 3, 12))),
            ("Abwesenheitsnotiz: Urlaub vom 09.03.-12.03.26", Some((2026, 3, 12))),
            ("Ich bin nicht im Büro bis zum 12. März", Some((2026, 3, 12))),
            ("Im Urlaub, wieder da ab 13.03.", Some((2026, 3, 12))),
            ("Absent jusqu'au 12 mars", Some((2026, 3, 12))),
            ("Absente jusqu’au jeudi 12/03 inclus", Some((2026, 3, 12))),
            ("En congé, de retour le 1er avril", Some((2026, 3, 31))),
            ("Fuera de la oficina hasta el 12 de marzo de 2026", Some((2026, 3, 12))),
            ("Fuori ufficio fino al 12 marzo", Some((2026, 3, 12))),
            ("Afwezig t/m 12 maart", Some((2026, 3, 12))),
            ("Ausente até 12/03", Some((2026, 3, 12))),
            ("Nieobecny do 12 marca", Some((2026, 3, 12))),
            // no end, not theirs, or not to be read in one way
            ("Automatic reply: Your offer", None),
            ("Automatic reply: Offer valid until 31 March", None),
            ("Abwesenheitsnotiz: Angebot gültig bis 31.03.", None),
            ("Réponse automatique : Offre valable jusqu'au 31 mars", None),
            ("Out of office - 12 March", None),
            ("Out of office until 03/04/2026", None),
            ("Out of office until further notice", None),
            ("Out of office until 1 March", None),
            ("Out of office until 31 February", None),
            ("Out of office until", None),
            ("until -", None),
            ("", None),
        ] {
            let want = want.map(|(y, m, d)| NaiveDate::from_ymd_opt(y, m, d).unwrap());
            assert_eq!(until(subject, sent), want, "{subject}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_never_looks_back(subject in "(out|bis|until|-|[0-9./\\-]{1,12}|m[aä]rz|\\PC| |: ){0,12}") {
            let sent = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
            if let Some(day) = until(&subject, sent) {
                proptest::prop_assert!(day >= sent && (day - sent).num_days() <= FAR);
            }
        }
    }
}
