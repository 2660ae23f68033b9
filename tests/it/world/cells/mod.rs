//! The scenes of the world, a file per theme. Each scene has its own company, people and deals, its own few messages or
//! meetings, and writes down what must become of them. A new rule or a fixed mistake gets a scene here.

/// The scenes of a file, with their names, which differences of a score mention.
macro_rules! scenes {
    ($($name:ident),* $(,)?) => { pub const SCENES: &[(&str, super::Scene)] = &[$((stringify!($name), $name)),*]; };
}

mod advances;
mod answers;
mod codings;
mod copies;
mod deals;
mod invitations;
mod life;
mod meetings;
mod odd;
mod people;
mod rules;
mod series;
mod skips;
mod steps;
mod trails;

use super::build::Builder;

type Scene = fn(&mut Builder);

/// Every scene, so many times, in an order of its own each round.
pub fn fill(b: &mut Builder, rounds: usize) {
    people::shared(b);
    for _ in 0..rounds {
        let mut scenes: Vec<(&str, Scene)> = [
            deals::SCENES,
            steps::SCENES,
            people::SCENES,
            odd::SCENES,
            skips::SCENES,
            copies::SCENES,
            codings::SCENES,
            meetings::SCENES,
            series::SCENES,
            rules::SCENES,
            invitations::SCENES,
            answers::SCENES,
            trails::SCENES,
            advances::SCENES,
            life::SCENES,
        ]
        .concat();
        b.rng.shuffle(&mut scenes);
        for (name, scene) in scenes {
            b.scene = name;
            scene(b);
        }
    }
}
