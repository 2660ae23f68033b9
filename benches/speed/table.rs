//! The figures of one row: several programs that did the same, run after run in turn; medians, and ratios as the median of
//! each turn's own ratio, so that a machine that becomes slower meanwhile disturbs little.

use crate::measure::{Cost, middle};

#[derive(Debug)]
pub struct Table {
    /// What is counted, and how many of it one run deals with.
    unit: (&'static str, usize),
    sides: Vec<(&'static str, Vec<Cost>)>,
}

impl Table {
    pub fn new(unit: &'static str, count: usize) -> Self {
        Self { unit: (unit, count), sides: Vec::new() }
    }

    pub fn add(&mut self, side: &'static str, cost: Cost) {
        match self.sides.iter_mut().find(|s| s.0 == side) {
            Some((_, costs)) => costs.push(cost),
            None => self.sides.push((side, vec![cost])),
        }
    }

    fn costs(&self, side: &str) -> Option<&[Cost]> {
        self.sides.iter().find(|s| s.0 == side).map(|s| &s.1[..])
    }

    pub fn median(&self, side: &str) -> Cost {
        Cost::median(self.costs(side).expect("it was measured"))
    }

    /// One line for each program.
    pub fn print(&self) {
        let (unit, count) = self.unit;
        let turns = self.sides.first().map_or(0, |s| s.1.len());
        println!(
            "  {:<22}{:>10}  {:>12}  {:>8}",
            format!("median of {turns}"),
            "wall",
            format!("CPU a {unit}"),
            "peak"
        );
        for (name, costs) in &self.sides {
            let cost = Cost::median(costs);
            let each = cost.cpu.as_secs_f64() * 1e6 / count.max(1) as f64;
            let peak = if cost.peak > 0 { format!("{:.1} MiB", cost.peak as f64 / 1_048_576.0) } else { "-".into() };
            println!("  {name:<22}{:>8.3} s  {each:>9.0} us  {peak:>10}", cost.wall.as_secs_f64());
        }
    }

    /// `one / other` of the time by the wall, if both were measured.
    pub fn ratio(&self, one: &str, other: &str) {
        self.ratio_of("wall", one, other, |c| c.wall.as_secs_f64());
    }

    pub fn ratio_of(&self, what: &str, one: &str, other: &str, figure: fn(&Cost) -> f64) {
        let (Some(ours), Some(theirs)) = (self.costs(one), self.costs(other)) else { return };
        let each = ours.iter().zip(theirs).map(|(a, b)| figure(a) / figure(b).max(f64::EPSILON));
        println!("  {what}: {one} / {other} = {:.2}", middle(each));
    }
}
