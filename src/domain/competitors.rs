//! Names of competitors in what mail says: whole words, whatever their case and accents. The tags are made anew from the
//! subject and the text each time these or the configuration change; they are never added up.

use super::documents::plain;

const TAG: &str = "competitor:";

/// The configured names (`[competitors] names`).
#[derive(Clone, Debug, Default)]
pub struct Competitors {
    /// As configured, and folded with a blank at both ends.
    names: Vec<(String, String)>,
}

impl Competitors {
    pub fn new(names: &[String]) -> Self {
        let mut all: Vec<(String, String)> = Vec::new();
        for name in names {
            let (name, folded) = (name.trim(), plain(name));
            if !folded.trim().is_empty() && !all.iter().any(|(_, known)| *known == folded) {
                all.push((name.to_owned(), folded));
            }
        }
        Self { names: all }
    }

    /// The names that stand in any of these texts, as configured, in the order of the alphabet.
    fn named(&self, subject: Option<&str>, text: Option<&str>) -> Vec<&str> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let said: Vec<String> = subject.into_iter().chain(text).map(plain).collect();
        let stands = |folded: &String| said.iter().any(|s| s.contains(folded.as_str()));
        let mut found: Vec<&str> =
            self.names.iter().filter(|(_, folded)| stands(folded)).map(|(name, _)| name.as_str()).collect();
        found.sort_unstable();
        found
    }

    /// Puts `competitor:NAME` tags as they follow from these texts in the place of those that stood there.
    pub fn retag(&self, tags: &mut Vec<String>, subject: Option<&str>, text: Option<&str>) {
        tags.retain(|tag| !tag.starts_with(TAG));
        tags.extend(self.named(subject, text).into_iter().map(|name| format!("{TAG}{name}")));
        tags.sort();
        tags.dedup();
    }
}

/// The competitor that a tag names.
pub fn named_by(tag: &str) -> Option<&str> {
    tag.strip_prefix(TAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rivals() -> Competitors {
        let names = ["Rivalsoft", "Zażółć Systems", "O'Brien & Co", " ", "rivalsoft"];
        Competitors::new(&names.map(str::to_owned))
    }

    #[test]
    fn whole_words_in_any_case_and_with_any_accents() {
        let cases: &[(Option<&str>, Option<&str>, &[&str])] = &[
            (Some("RIVALSOFT compared"), None, &["competitor:Rivalsoft"]),
            (None, Some("They also talk to Rivalsoft."), &["competitor:Rivalsoft"]),
            (None, Some("Rivalsoft's price"), &["competitor:Rivalsoft"]),
            (None, Some("rivalsoftware"), &[]),
            (None, Some("a rival, soft as silk"), &[]),
            (None, Some("from zazolc-systems\nand others"), &["competitor:Zażółć Systems"]),
            (None, Some("ZAŻÓŁĆ SYSTEMS"), &["competitor:Zażółć Systems"]),
            (Some("o’brien & co"), Some("Rivalsoft"), &["competitor:O'Brien & Co", "competitor:Rivalsoft"]),
            (Some("O'Brien"), Some("& Co"), &[]),
            (None, None, &[]),
        ];
        for (subject, text, want) in cases {
            let mut tags = Vec::new();
            rivals().retag(&mut tags, *subject, *text);
            assert_eq!(&tags, want, "{subject:?} {text:?}");
        }
    }

    #[test]
    fn tags_follow_from_what_stands_there_now() {
        let mut tags = vec!["quote".to_owned(), "competitor:Oldname".to_owned()];
        rivals().retag(&mut tags, None, Some("Rivalsoft"));
        assert_eq!(tags, ["competitor:Rivalsoft", "quote"]);
        rivals().retag(&mut tags, None, Some("Rivalsoft"));
        assert_eq!(tags, ["competitor:Rivalsoft", "quote"]);
        Competitors::default().retag(&mut tags, None, Some("Rivalsoft"));
        assert_eq!(tags, ["quote"]);
        assert_eq!(named_by("competitor:Rivalsoft"), Some("Rivalsoft"));
        assert_eq!(named_by("quote"), None);
    }
}
