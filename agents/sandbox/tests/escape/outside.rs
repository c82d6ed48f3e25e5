//! Carrying an attack out on the host itself, to see that it is one.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::attack::{Attack, Layer};
use crate::effect::Seen;
use crate::host::{Host, Place};
use crate::processes::until;
use crate::surroundings::Surroundings;

/// More than any of them takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Carries an attack out and returns what it did; `run_as` is the user, where it is another.
pub(crate) fn carry_out(
    attack: &Attack,
    layer: Layer,
    surroundings: &Surroundings,
    run_as: Option<u32>,
) -> Vec<Seen> {
    let mut host = Host::new(surroundings);
    let mut output = tempfile::tempfile().unwrap();
    // A shell in between is the parent that may be killed.
    #[expect(clippy::disallowed_methods, reason = "the attack without the sandbox")]
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "\"$@\"; exit 0", "sh"])
        .args(argv(&host, attack, layer))
        .current_dir(&host.workspace)
        .process_group(0)
        .stdin(Stdio::null())
        // Not a pipe, which whoever is left behind would hold open.
        .stdout(output.try_clone().unwrap())
        .stderr(output.try_clone().unwrap());
    if let Some(id) = run_as {
        command.uid(id).gid(id);
    }
    let mut shell = command.spawn().unwrap();
    if attack.is_orphaned {
        let started = host.workspace.join("started");
        assert!(until(PATIENCE, || started.exists()), "{}", attack.name);
        shell.kill().unwrap();
    }
    let is_over = until(PATIENCE, || shell.try_wait().unwrap().is_some());
    assert!(is_over, "{} does not end", attack.name);
    // A signal takes its time.
    let mut seen = vec![];
    until(Duration::from_secs(1), || {
        seen = host.effects(&text_of(&mut output));
        seen.iter().any(|(effect, _)| *effect == attack.effect)
    });
    seen
}

fn argv(host: &Host<'_>, attack: &Attack, layer: Layer) -> Vec<String> {
    match (layer, attack.shell) {
        (Layer::Command, Some(code)) => {
            vec!["sh".into(), "-c".into(), host.shell(code, Place::Outside)]
        }
        (Layer::Python, _) | (Layer::Command, None) => vec![
            "python3".into(),
            "-I".into(),
            "-c".into(),
            host.python(attack.python, Place::Outside),
        ],
    }
}

fn text_of(file: &mut File) -> Vec<u8> {
    let mut text = vec![];
    file.rewind().unwrap();
    file.read_to_end(&mut text).unwrap();
    text
}
