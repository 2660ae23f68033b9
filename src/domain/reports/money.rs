//! Sums by currency, and what they are together where `[organization.rates]` says what a currency is worth. Nothing is ever
//! added over currencies without a rate.

use std::collections::BTreeMap;

use super::super::directory::Deal;

/// By currency; `-` where it is not known.
pub type Money = BTreeMap<String, f64>;

/// What one unit of a currency is worth in the one whose rate is 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worth(pub BTreeMap<String, f64>);

impl Worth {
    /// `None` when the rates do not say.
    pub fn convert(&self, amount: f64, from: &str, to: &str) -> Option<f64> {
        if from == to {
            return Some(amount);
        }
        let (from, to) = (self.0.get(from)?, self.0.get(to)?);
        Some(amount * from / to)
    }

    /// The currency in which one sum is shown beside the others.
    pub fn base(&self) -> Option<&str> {
        self.0.iter().find(|(_, worth)| (**worth - 1.0).abs() < f64::EPSILON).map(|(currency, _)| currency.as_str())
    }

    /// All of it in the base currency; `None` when a rate is missing, or nothing has to be converted.
    pub fn in_one(&self, sums: &Money) -> Option<Money> {
        let base = self.base()?;
        if sums.keys().all(|currency| currency == base) {
            return None;
        }
        let all: Option<f64> = sums.iter().map(|(currency, sum)| self.convert(*sum, currency, base)).sum();
        Some(Money::from([(base.to_owned(), all?)]))
    }
}

/// What a deal is worth, with its currency.
pub fn of_deal(deal: &Deal) -> Option<(f64, String)> {
    deal.amount.map(|amount| (amount, deal.currency.clone().unwrap_or_else(|| "-".to_owned())))
}

pub fn add(sums: &mut Money, amount: f64, currency: &str) {
    *sums.entry(currency.to_owned()).or_default() += amount;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_mixed_without_a_rate() {
        let money = |all: &[(&str, f64)]| -> Money { all.iter().map(|(c, n)| ((*c).to_owned(), *n)).collect() };
        let worth = Worth(money(&[("EUR", 1.0), ("USD", 0.5)]));
        assert_eq!(worth.convert(10.0, "USD", "EUR"), Some(5.0));
        assert_eq!(worth.convert(10.0, "EUR", "USD"), Some(20.0));
        assert_eq!(worth.convert(10.0, "CHF", "EUR"), None);
        assert_eq!(worth.convert(10.0, "CHF", "CHF"), Some(10.0));
        assert_eq!(worth.in_one(&money(&[("EUR", 1.0), ("USD", 8.0)])), Some(money(&[("EUR", 5.0)])));
        assert_eq!(worth.in_one(&money(&[("EUR", 1.0)])), None);
        assert_eq!(worth.in_one(&money(&[("EUR", 1.0), ("CHF", 1.0)])), None);
        assert_eq!(Worth::default().in_one(&money(&[("EUR", 1.0), ("USD", 8.0)])), None);
    }
}
