//! Mail folders: what their usual names mean, which of them are read, and how their names are written on the wire.
//!
//! Shared by every mail connector. Pure. Names are decoded and their levels separated by `/`.

use serde::Deserialize;

use crate::FolderRole;

/// Usual names, lower case, by what the folder is for: mail programs name them in their user's language.
const NAMES: &[(FolderRole, &str)] = &[
    (FolderRole::Inbox, "inbox"),
    (
        FolderRole::Sent,
        "sent|sent items|sent mail|sent messages|sent-mail|sentmail|gesendet|gesendete elemente|\
         gesendete objekte|gesendete nachrichten|gesendete e-mails|envoyés|envoyes|messages envoyés|\
         éléments envoyés|enviados|elementos enviados|mensajes enviados|enviadas|itens enviados|\
         mensagens enviadas|inviati|inviata|posta inviata|elementi inviati|verzonden|verzonden items|\
         verzonden berichten|skickat|skickade|sendt|sendte elementer|lähetetyt|wysłane|elementy wysłane|\
         odeslané|odeslaná pošta|отправленные|gönderilenler|送信済み|送信済みアイテム|送信済みメール|已发送|已发送邮件|寄件備份|보낸 편지함",
    ),
    (
        FolderRole::Drafts,
        "drafts|draft|entwürfe|entwurf|brouillons|brouillon|borradores|rascunhos|bozze|concepten|utkast|\
         kladder|luonnokset|wersje robocze|szkice|koncepty|черновики|taslaklar|下書き|草稿|草稿箱|임시 보관함|templates|\
         vorlagen",
    ),
    (
        FolderRole::Trash,
        "trash|bin|deleted|deleted items|deleted messages|deleted mail|papierkorb|gelöscht|\
         gelöschte elemente|gelöschte objekte|gelöschte nachrichten|corbeille|éléments supprimés|\
         messages supprimés|papelera|elementos eliminados|lixeira|lixo|itens excluídos|itens eliminados|\
         cestino|posta eliminata|elementi eliminati|prullenbak|verwijderde items|papperskorgen|borttaget|\
         papirkurv|slettede elementer|slettet post|roskakori|poistetut|kosz|elementy usunięte|koš|\
         odstraněná pošta|удаленные|удалённые|корзина|çöp kutusu|silinmiş öğeler|ゴミ箱|ごみ箱|削除済みアイテム|已删除|已删除邮件|\
         垃圾桶|휴지통",
    ),
    (
        FolderRole::Junk,
        "junk|junk e-mail|junk email|junk mail|spam|bulk mail|bulk|unerwünscht|unerwünschte werbung|\
         spamverdacht|spam-verdacht|indésirables|courrier indésirable|pourriel|correo no deseado|no deseado|\
         lixo eletrônico|lixo electrónico|posta indesiderata|ongewenste e-mail|ongewenst|skräppost|skräp|\
         søppelpost|uønsket e-mail|uønsket e-post|roskaposti|wiadomości-śmieci|niechciane|nevyžádaná pošta|\
         нежелательная почта|спам|gereksiz|önemsiz e-posta|迷惑メール|垃圾邮件|垃圾郵件|스팸|스팸함|정크 메일",
    ),
    (
        FolderRole::Archive,
        "archive|archives|archiv|archivo|arquivo|archivio|archief|arkiv|arkisto|archiwum|архив|arşiv|アーカイブ|\
         归档|存档",
    ),
    (
        FolderRole::All,
        "all mail|alle nachrichten|tous les messages|todos|tutti i messaggi|todos os e-mails|alle e-mails|\
         вся почта|すべてのメール|所有邮件",
    ),
];

/// The top level that some servers put every folder under, in lower case.
const PREFIXES: &[&str] = &["inbox", "[gmail]", "[google mail]", "[googlemail]"];

/// What a folder is for, by its usual name where the server says nothing. `name` is decoded, its levels separated by
/// `/`. A folder inside the trash is trash; a folder that merely bears such a name further down is not.
pub fn role_by_name(name: &str) -> Option<FolderRole> {
    let name = name.to_lowercase();
    let mut levels = name.split('/').map(str::trim).filter(|l| !l.is_empty());
    let first = levels.next()?;
    let second = levels.next();
    let (level, below) = match second {
        Some(second) if PREFIXES.contains(&first) => (second, true),
        other => (first, other.is_some()),
    };
    let role = NAMES.iter().find(|(_, names)| names.split('|').any(|n| n == level)).map(|(role, _)| *role)?;
    // `All mail` is one folder of Gmail; elsewhere it is a person's own
    match role {
        FolderRole::All if !first.starts_with('[') => None,
        FolderRole::Inbox if below => None,
        role => Some(role),
    }
}

/// The setting `folders = { include = [...], exclude = [...] }`.
///
/// Without it every folder is read but drafts, spam and trash. `exclude` takes away more, with all that lies below.
/// `include` names exactly what is read, even drafts, spam or trash. Names are compared without regard to case; `*`
/// stands for any characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FolderChoice {
    pub include: Vec<String>,
    pub exclude: Vec<String>,
}

impl FolderChoice {
    /// Whether a folder is read. `name` is decoded, its levels separated by `/`.
    pub fn reads(&self, name: &str, role: Option<FolderRole>) -> bool {
        let name = name.to_lowercase();
        let own = name.strip_prefix("inbox/").unwrap_or(&name);
        let named = |pattern: &String| {
            let pattern = pattern.trim().trim_end_matches('/').to_lowercase();
            glob(&pattern, &name) || glob(&pattern, own)
        };
        let below = |pattern: &String| {
            let pattern = pattern.trim().trim_end_matches('/').to_lowercase();
            // the whole mailbox may lie below INBOX: excluding INBOX means that folder alone
            pattern != "inbox" && {
                let deep = format!("{pattern}/*");
                glob(&deep, &name) || glob(&deep, own)
            }
        };
        if self.exclude.iter().any(|p| named(p) || below(p)) {
            return false;
        }
        if !self.include.is_empty() {
            return self.include.iter().any(named);
        }
        !matches!(role, Some(FolderRole::Drafts | FolderRole::Trash | FolderRole::Junk))
    }
}

/// `*` stands for any characters; linear but for the last star, so that no pattern can hang.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            p = at + 1;
            t = from + 1;
            star = Some((at, t));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Decodes modified UTF-7 (RFC 3501 section 5.1.3). `None` when the text is not well-formed, so that a caller can show
/// the name as it is: servers differ in what they write.
pub fn decode_utf7(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('-')? + at;
        let code = &rest[at + 1..end];
        if code.is_empty() {
            out.push('&')
        } else {
            out.push_str(&utf16(code)?)
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Some(out)
}

/// Base64 with `,` for `/`, without padding, of UTF-16BE.
fn utf16(code: &str) -> Option<String> {
    let (mut bits, mut count) = (0u32, 0u32);
    let mut units = Vec::new();
    for byte in code.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b',' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0x003F_FFFF;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push((bits >> count) as u16);
        }
    }
    if count >= 6 || bits & ((1 << count) - 1) != 0 {
        return None;
    }
    // databases refuse NUL
    String::from_utf16(&units).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_have_roles() {
        for (name, role) in [
            ("INBOX", Some(FolderRole::Inbox)),
            ("Sent", Some(FolderRole::Sent)),
            ("INBOX/Sent", Some(FolderRole::Sent)),
            ("Gesendete Objekte", Some(FolderRole::Sent)),
            ("ENTWÜRFE", Some(FolderRole::Drafts)),
            ("[Gmail]/Spam", Some(FolderRole::Junk)),
            ("[Gmail]/All Mail", Some(FolderRole::All)),
            ("All mail", None),
            ("Deleted Items/2024", Some(FolderRole::Trash)),
            ("Archive/2024/05", Some(FolderRole::Archive)),
            ("Customers/Archive", None),
            ("Отправленные", Some(FolderRole::Sent)),
            ("Inbox/Customers", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(role_by_name(name), role, "{name}");
        }
    }

    #[test]
    fn choice_of_folders() {
        let choice = |include: &[&str], exclude: &[&str]| FolderChoice {
            include: include.iter().map(ToString::to_string).collect(),
            exclude: exclude.iter().map(ToString::to_string).collect(),
        };
        let reads = |c: &FolderChoice, name: &str| c.reads(name, role_by_name(name));
        let default = choice(&[], &[]);
        assert!(reads(&default, "INBOX") && reads(&default, "Sent") && reads(&default, "Customers/Acme"));
        assert!(!reads(&default, "Drafts") && !reads(&default, "Junk") && !reads(&default, "Trash/2020"));

        let less = choice(&[], &["customers", "News*"]);
        assert!(reads(&less, "INBOX") && !reads(&less, "Customers/Acme") && !reads(&less, "Newsletters"));
        assert!(!reads(&less, "Trash"), "exclude adds to the default");
        assert!(!reads(&less, "INBOX/Customers"));
        assert!(reads(&choice(&[], &["INBOX"]), "INBOX/Customers"));

        let exact = choice(&["inbox", "Trash", "Customers/*"], &["Customers/Internal"]);
        assert!(reads(&exact, "INBOX") && reads(&exact, "Trash") && reads(&exact, "customers/acme/2024"));
        assert!(!reads(&exact, "Sent") && !reads(&exact, "Customers") && !reads(&exact, "Customers/Internal/x"));
        assert!(reads(&choice(&["*"], &[]), "Junk"));
    }

    #[test]
    fn choice_refuses_unknown_keys() {
        assert!(serde_json::from_str::<FolderChoice>(r#"{"exclud":["x"]}"#).is_err());
        let some: FolderChoice = serde_json::from_str(r#"{"exclude":["x"]}"#).expect("a choice");
        assert_eq!(some.exclude, ["x"]);
    }

    #[test]
    fn globs() {
        for (pattern, text, holds) in [
            ("", "", true),
            ("*", "anything", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("*b*b*", "xbyybz", true),
            ("a", "ab", false),
        ] {
            assert_eq!(glob(pattern, text), holds, "{pattern} {text}");
        }
        assert!(!glob(&"*a".repeat(50), &"a".repeat(3000).replace("aaa", "aab")));
    }

    #[test]
    fn modified_utf7() {
        for (wire, text) in [
            ("INBOX", Some("INBOX")),
            ("Entw&APw-rfe", Some("Entwürfe")),
            ("&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", Some("Отправленные")),
            ("R&-D", Some("R&D")),
            ("&2D3eAA-", Some("😀")),
            ("R&D", None),
            ("&!-", None),
            ("&A-", None),
            ("x&AAA-", None),
            ("Größe", Some("Größe")),
        ] {
            assert_eq!(decode_utf7(wire).as_deref(), text, "{wire}");
        }
    }
}
