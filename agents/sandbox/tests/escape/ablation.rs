//! The suite again, with one wall left off at a time, against the table of what each is good for.
//!
//! A run in full takes minutes, because nearly everything is stopped nearly every time. The usual
//! one carries out what the table says, and so sees that no row of it has become untrue; with
//! `HEARTH_LONG` every attack is carried out without every wall, which also sees what is missing in it.

use std::collections::BTreeSet;

use hearth_sandbox::Wall;

use crate::attack::{Attack, Layer};
use crate::attacks;
use crate::expected::{TABLE, Who, Worth};
use crate::inside;
use crate::suite::{alone_where_it_types, each, guarded, user};
use crate::surroundings::Surroundings;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    WhatTheTableSays,
    Everything,
}

/// Prints the table as it is seen to be, and returns whether it is as it is said to be.
pub(crate) fn run(extent: Extent) -> bool {
    let surroundings = Surroundings::new();
    let trial = Trial {
        surroundings: &surroundings,
        attacks: attacks::all(),
        extent,
    };
    println!("what works without each wall ({}):", user(&surroundings));
    let mut is_good = true;
    for wall in Wall::ALL {
        let rows: Vec<Worth> = TABLE
            .iter()
            .filter(|(of, who, _)| of == wall && trial.concerns(*who))
            .map(|(_, _, worth)| *worth)
            .collect();
        is_good &= trial.hold(*wall, &rows);
    }
    is_good
}

struct Trial<'a> {
    surroundings: &'a Surroundings,
    attacks: Vec<&'static Attack>,
    extent: Extent,
}

impl Trial<'_> {
    /// Where this is root, only what is root's own is tried again, unless everything is.
    fn concerns(&self, who: Who) -> bool {
        let is_root = self.surroundings.run_as.is_some();
        match who {
            Who::Both => !is_root || self.extent == Extent::Everything,
            Who::PlainUser => !is_root,
            Who::Root => is_root,
        }
    }

    /// Holds what is said of one wall against what is seen.
    fn hold(&self, wall: Wall, rows: &[Worth]) -> bool {
        let stated: BTreeSet<&str> = rows
            .iter()
            .flat_map(|worth| match worth {
                Worth::Alone(attacks) => *attacks,
                Worth::Beside(..) | Worth::Never(_) => &[],
            })
            .copied()
            .collect();
        let tried = match self.extent {
            Extent::WhatTheTableSays => self.named(&stated),
            Extent::Everything => self.attacks.clone(),
        };
        let seen = self.that_work(&tried, &[wall]);
        if !seen.is_empty() {
            println!("  {}: {}", wall.name(), list(&seen));
        }
        let mut is_good = true;
        for name in stated.symmetric_difference(&seen) {
            let attack = self.named(&[*name].into());
            let needs = attack.first().and_then(|attack| attack.needs);
            match needs {
                Some(needs) if stated.contains(name) => {
                    println!("  {}: not {name}; it needs {needs}", wall.name());
                }
                _ => {
                    is_good = false;
                    println!("NOT AS STATED: {}: {name}", wall.name());
                }
            }
        }
        for worth in rows {
            is_good &= self.hold_beside(wall, *worth);
        }
        is_good
    }

    /// Holds what is said of a wall that is not the only one to stop an attack.
    fn hold_beside(&self, wall: Wall, worth: Worth) -> bool {
        let (others, attack) = match worth {
            Worth::Alone(_) => return true,
            Worth::Never(why) => {
                println!("  {}: none; {why}", wall.name());
                return true;
            }
            Worth::Beside(others, attack) => (others, attack),
        };
        let names: Vec<&str> = others.iter().map(|wall| wall.name()).collect();
        let names = names.join(" and ");
        println!("  {}: {attack}, if {names} is missing too", wall.name());
        let attack = self.named(&[attack].into());
        let without_both = self.that_work(&attack, &[others, &[wall]].concat());
        let without_others = self.that_work(&attack, others);
        let is_possible = attack.iter().all(|attack| attack.needs.is_none());
        let is_good = without_others.is_empty() && (!without_both.is_empty() || !is_possible);
        if !is_good {
            println!(
                "NOT AS STATED: {}: without {names} {without_others:?}, without it as well \
                 {without_both:?}",
                wall.name()
            );
        }
        is_good
    }

    fn named(&self, names: &BTreeSet<&str>) -> Vec<&'static Attack> {
        let found: Vec<_> = self
            .attacks
            .iter()
            .copied()
            .filter(|attack| names.contains(attack.name))
            .collect();
        assert_eq!(found.len(), names.len(), "no such attack in {names:?}");
        found
    }

    /// Returns the names of those attacks that do something where walls are left off.
    fn that_work(&self, attacks: &[&'static Attack], left_off: &[Wall]) -> BTreeSet<&'static str> {
        let sandbox = inside::without(left_off);
        let harm = each(attacks, |attack| {
            alone_where_it_types(attack, self.surroundings, || {
                guarded(attack, || {
                    inside::carry_out(attack, Layer::Python, self.surroundings, &sandbox, left_off)
                })
            })
        });
        attacks
            .iter()
            .zip(harm)
            .filter(|(_, harm)| !harm.is_empty())
            .map(|(attack, _)| attack.name)
            .collect()
    }
}

fn list(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}

/// Returns the walls that the table says nothing of.
pub(crate) fn forgotten() -> Vec<Wall> {
    let is_forgotten = |wall: &&Wall| !TABLE.iter().any(|(of, ..)| of == *wall);
    Wall::ALL.iter().filter(is_forgotten).copied().collect()
}
