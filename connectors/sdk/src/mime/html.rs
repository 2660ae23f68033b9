//! HTML to readable text, in one pass over the markup.
//!
//! Words of neighbouring blocks and cells never run together, for they are matched later. Nothing is fetched, rendered
//! or nested; styles, scripts, titles and comments are passed over.

use mail_parser::decoders::html::add_html_token;

/// No entity is longer.
const ENTITY_MAX: usize = 34;

/// Turns markup into text.
pub(super) fn text(markup: &str) -> String {
    let mut page = Page { out: String::with_capacity(markup.len() / 3), pre: false };
    let mut rest = markup;
    while let Some(at) = rest.find(['<', '&']) {
        page.words(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('&') { page.entity(rest) } else { page.tag(rest) };
    }
    page.words(rest);
    page.out
}

struct Page {
    out: String,
    pre: bool,
}

impl Page {
    fn words(&mut self, text: &str) {
        if self.pre {
            self.out.push_str(text);
            return;
        }
        for c in text.chars() {
            if c.is_whitespace() { self.gap(' ') } else { self.out.push(c) }
        }
    }

    /// A blank, unless there is one.
    fn gap(&mut self, blank: char) {
        if !self.out.is_empty() && !self.out.ends_with(char::is_whitespace) {
            self.out.push(blank);
        }
    }

    fn line(&mut self) {
        let end = self.out.trim_end_matches([' ', '\t']).len();
        self.out.truncate(end);
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn entity<'a>(&mut self, rest: &'a str) -> &'a str {
        let bytes = rest.as_bytes();
        let len = bytes[1..].iter().take(ENTITY_MAX).take_while(|b| b.is_ascii_alphanumeric() || **b == b'#').count();
        if len > 0 && bytes.get(len + 1) == Some(&b';') {
            let mut decoded = String::new();
            add_html_token(&mut decoded, &bytes[..len + 2], false);
            self.words(&decoded);
            return &rest[len + 2..];
        }
        self.out.push('&');
        &rest[1..]
    }

    fn tag<'a>(&mut self, rest: &'a str) -> &'a str {
        if let Some(comment) = rest.strip_prefix("<!--") {
            return comment.find("-->").map_or("", |at| &comment[at + 3..]);
        }
        if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            self.out.push('<');
            return &rest[1..];
        }
        let after = tag_end(rest).map_or("", |at| &rest[at..]);
        let closing = rest[1..].starts_with('/');
        let name = rest[1..].trim_start_matches('/');
        let name = &name[..name.bytes().take(12).take_while(u8::is_ascii_alphanumeric).count()];
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "style" | "script" | "title" | "template" if !closing => return skip(after, &name),
            "br" => {
                let end = self.out.trim_end_matches([' ', '\t']).len();
                self.out.truncate(end);
                self.out.push('\n');
            }
            "td" | "th" => self.gap('\t'),
            "pre" => {
                self.line();
                self.pre = !closing;
            }
            "li" if !closing => {
                self.line();
                self.out.push_str("- ");
            }
            "p" | "div" | "tr" | "li" | "ul" | "ol" | "dl" | "dt" | "dd" | "table" | "tbody" | "thead" | "hr"
            | "blockquote" | "center" | "section" | "article" | "header" | "footer" | "address" | "form" | "body"
            | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.line(),
            _ => {}
        }
        after
    }
}

/// Where a tag ends: quotes may hold a `>`, unless they are never closed.
fn tag_end(rest: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in rest.bytes().enumerate() {
        match (byte, quote) {
            (b'>', None) => return Some(at + 1),
            (b'"' | b'\'', None) => quote = Some(byte),
            (byte, Some(open)) if byte == open => quote = None,
            _ => {}
        }
    }
    rest.find('>').map(|at| at + 1)
}

/// What follows the end tag of an element whose content is no text.
fn skip<'a>(rest: &'a str, name: &str) -> &'a str {
    let mut at = 0;
    while let Some(found) = rest[at..].find("</") {
        at += found + 2;
        if rest.as_bytes()[at..].get(..name.len()).is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes())) {
            return rest[at..].find('>').map_or("", |end| &rest[at + end + 1..]);
        }
    }
    ""
}
