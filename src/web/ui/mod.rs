//! The pages, a file each. A file reads what its page needs, says it in words, and fills its template.

pub mod activities;
pub mod activity;
pub mod activity_list;
pub mod coverage;
pub mod deal;
pub mod deals;
pub mod gaps;
mod line;
mod steps;
mod told;

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Query, State},
    response::Response,
};

use super::{desk::Desk, trouble::Trouble, words::seg};

/// What every page is given, and what it gives.
type At = State<Arc<Desk>>;
type Asked = Query<HashMap<String, String>>;
type Answer = Result<Response, Trouble>;

/// A choice in a row of choices: a link, and whether it is the one that is shown.
#[derive(Clone, Debug)]
pub struct Choice {
    pub name: String,
    pub url: String,
    pub on: bool,
}

/// A value of the query that says something.
fn asked<'a>(query: &'a HashMap<String, String>, key: &str) -> Option<&'a str> {
    query.get(key).map(String::as_str).filter(|v| !v.is_empty())
}

/// A path with a query; values that are not there are left out.
fn url(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let said: Vec<String> = pairs.iter().filter_map(|(k, v)| v.map(|v| format!("{k}={}", seg(v)))).collect();
    if said.is_empty() { path.to_owned() } else { format!("{path}?{}", said.join("&")) }
}

/// One page of a long list, and the way to its neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// From 1.
    pub number: usize,
    pub of: usize,
    pub earlier: Option<String>,
    pub later: Option<String>,
}

impl Leaf {
    /// Cuts out the page that is asked for.
    fn cut<'a, T>(all: &'a [T], size: usize, number: Option<&str>, link: impl Fn(usize) -> String) -> (&'a [T], Self) {
        let of = all.len().div_ceil(size).max(1);
        let number = number.and_then(|n| n.parse::<usize>().ok()).unwrap_or(1).clamp(1, of);
        let from = (number - 1) * size;
        let leaf = Self {
            number,
            of,
            earlier: (number > 1).then(|| link(number - 1)),
            later: (number < of).then(|| link(number + 1)),
        };
        (&all[from..all.len().min(from + size)], leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves() {
        let all: Vec<u32> = (0..25).collect();
        let cut = |number| Leaf::cut(&all, 10, number, |n| n.to_string());
        assert_eq!((cut(None).0.len(), cut(Some("3")).0.len(), cut(Some("99")).0.len()), (10, 5, 5));
        assert_eq!(cut(Some("2")).1, Leaf { number: 2, of: 3, earlier: Some("1".into()), later: Some("3".into()) });
        assert_eq!(cut(Some("x")).1.number, 1);
        assert_eq!(Leaf::cut::<u32>(&[], 10, None, |n| n.to_string()).1.of, 1);
        assert_eq!(url("/a", &[("x", Some("a b&c")), ("y", None)]), "/a?x=a%20b%26c");
    }
}
