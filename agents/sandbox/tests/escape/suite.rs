//! All attacks, as one user and in one layer: each is seen to work, and then is stopped.

use std::sync::Mutex;
use std::thread;

use crate::attack::{Attack, Layer, Real};
use crate::attacks;
use crate::effect::{Effect, Seen};
use crate::surroundings::Surroundings;
use crate::{inside, outside};

/// Attacks at once: the tests' share of a small machine.
const AT_ONCE: usize = 2;

/// Runs the suite and says how it went; returns whether every attack was stopped.
pub(crate) fn run(layer: Layer) -> bool {
    let surroundings = Surroundings::new();
    let user = user(&surroundings);
    let attacks = attacks::all();
    let sandbox = Surroundings::sandbox();
    let results = each(&attacks, |attack| {
        alone_where_it_types(attack, &surroundings, || {
            let is_real = seen_to_work(attack, layer, &surroundings);
            let harm = guarded(attack, || {
                inside::carry_out(attack, layer, &surroundings, &sandbox, &[])
            });
            (is_real, harm)
        })
    });

    let mut is_good = true;
    let (mut stopped, mut unseen) = (0, vec![]);
    for (attack, (is_real, harm)) in attacks.iter().zip(results) {
        if harm.is_empty() {
            stopped += 1;
        } else {
            is_good = false;
            println!("not stopped: {}: {harm:?}", attack.name);
        }
        match (is_real, attack.needs) {
            (true, _) => {}
            (false, Some(needs)) => unseen.push(format!("{} (it needs {needs})", attack.name)),
            (false, None) => {
                is_good = false;
                println!("never seen to work: {}", attack.name);
            }
        }
    }
    if !unseen.is_empty() {
        println!(
            "not possible here without a sandbox either: {}",
            unseen.join(", ")
        );
    }
    println!(
        "escape suite: {stopped} of {} stopped ({user}, {})",
        attacks.len(),
        layer.name()
    );
    is_good
}

pub(crate) fn user(surroundings: &Surroundings) -> &'static str {
    match surroundings.run_as {
        Some(_) => "root",
        None => "plain user",
    }
}

/// Does something for each attack, some at once, and returns the answers in order.
pub(crate) fn each<T: Send>(attacks: &[&Attack], work: impl Fn(&Attack) -> T + Sync) -> Vec<T> {
    let next = Mutex::new(0);
    let answers = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let index = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next - 1
                    };
                    let Some(attack) = attacks.get(index) else {
                        break;
                    };
                    let answer = work(attack);
                    answers.lock().unwrap().push((index, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().unwrap();
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Keeps others from the terminal while an attack may show itself there.
pub(crate) fn alone_where_it_types<T>(
    attack: &Attack,
    surroundings: &Surroundings,
    work: impl FnOnce() -> T,
) -> T {
    let _alone = (attack.effect == Effect::Typed).then(|| surroundings.terminal.lock().unwrap());
    work()
}

/// Adds what is seen on the terminal, where an attack is about that.
pub(crate) fn guarded(attack: &Attack, carry_out: impl FnOnce() -> Vec<Seen>) -> Vec<Seen> {
    if attack.effect == Effect::Typed {
        Surroundings::typed();
    }
    let mut seen = carry_out();
    if attack.effect == Effect::Typed {
        let typed = Surroundings::typed();
        if !typed.is_empty() {
            seen.push((Effect::Typed, String::from_utf8_lossy(&typed).into_owned()));
        }
    }
    seen
}

fn seen_to_work(attack: &Attack, layer: Layer, surroundings: &Surroundings) -> bool {
    if layer == Layer::Command && attack.shell.is_none() {
        // The same code, by the same interpreter, was seen to work as Python's.
        return true;
    }
    let seen = guarded(attack, || match attack.real {
        Real::Outside => outside::carry_out(attack, layer, surroundings, surroundings.run_as),
        Real::OutsideAsRoot => outside::carry_out(attack, layer, surroundings, None),
        Real::Without(walls) => {
            inside::carry_out(attack, layer, surroundings, &inside::without(walls), walls)
        }
    });
    seen.iter().any(|(effect, _)| *effect == attack.effect)
}
