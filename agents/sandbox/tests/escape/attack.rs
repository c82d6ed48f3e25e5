//! What an attack is: a row of data.

use std::time::Duration;

use hearth_sandbox::Wall;

use crate::effect::Effect;

/// One way out, or one way of using up the machine. All of them end by themselves, soon and well
/// before they do harm, so that they can be let loose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attack {
    pub name: &'static str,
    /// What is seen on the host where it works.
    pub effect: Effect,
    /// As Python code. See [`crate::host::Host::python`] for the names it can use.
    pub python: &'static str,
    /// As a shell's code, where it can be said in it; else Python is the command.
    pub shell: Option<&'static str>,
    /// How it is seen to work.
    pub real: Real,
    /// What a kernel or machine may lack, so that it cannot work there at all.
    pub needs: Option<&'static str>,
    /// The deadline of its run.
    pub time: Duration,
    /// The processor time of its run.
    pub cpu: Duration,
    /// Whether the program that started it is killed once it runs.
    pub is_orphaned: bool,
}

/// Where an attack is seen to work, so that it proves something where it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Real {
    /// Outside, as the same user.
    Outside,
    /// Outside, as root.
    OutsideAsRoot,
    /// Inside, without these walls: it makes no sense outside.
    Without(&'static [Wall]),
}

impl Attack {
    pub(crate) const fn new(name: &'static str, effect: Effect, python: &'static str) -> Self {
        Self {
            name,
            effect,
            python,
            shell: None,
            real: Real::Outside,
            needs: None,
            time: Duration::from_secs(6),
            cpu: Duration::from_secs(5),
            is_orphaned: false,
        }
    }

    pub(crate) const fn shell(self, code: &'static str) -> Self {
        Self {
            shell: Some(code),
            ..self
        }
    }

    pub(crate) const fn real(self, real: Real) -> Self {
        Self { real, ..self }
    }

    pub(crate) const fn needs(self, what: &'static str) -> Self {
        Self {
            needs: Some(what),
            ..self
        }
    }

    pub(crate) const fn within(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    pub(crate) const fn cpu(self, cpu: Duration) -> Self {
        Self { cpu, ..self }
    }

    pub(crate) const fn orphaned(self) -> Self {
        Self {
            is_orphaned: true,
            ..self
        }
    }
}

/// What runs the attacks: generated code, or a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Python,
    Command,
}

impl Layer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Command => "command",
        }
    }
}
