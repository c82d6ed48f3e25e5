//! Carrying an attack out inside the sandbox.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hearth_sandbox::{Job, Limits, Program, Sandbox, Wall, Walls, Workspace};

use crate::attack::{Attack, Layer};
use crate::effect::Seen;
use crate::host::{Host, OUTPUT, Place};
use crate::processes::{self, until};
use crate::surroundings::{Surroundings, block_on, config};

const MIB: u64 = 1024 * 1024;

/// Where even an attack that nothing stops is stopped.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the system gets to end what belonged to a node that was killed.
const AFTER_THE_NODE: Duration = Duration::from_secs(1);

/// Carries an attack out and returns what it did.
pub(crate) fn carry_out(
    attack: &Attack,
    layer: Layer,
    surroundings: &Surroundings,
    sandbox: &Sandbox,
    left_off: &[Wall],
) -> Vec<Seen> {
    let mut host = Host::new(surroundings);
    let program = program(&host, attack, layer);
    if attack.is_orphaned {
        as_a_node_that_is_killed(&host, &program, left_off);
        return host.effects(b"");
    }
    let job = Job {
        limits: limits(attack),
        ..Job::new(program, Workspace::Folder(host.workspace.clone()))
    };
    let outcome = block_on(async { sandbox.run(job, tokio::time::sleep(PATIENCE)).await }).unwrap();
    host.effects(&[outcome.stdout, outcome.stderr].concat())
}

/// Returns a sandbox without some of its walls.
pub(crate) fn without(left_off: &[Wall]) -> Sandbox {
    let walls = left_off
        .iter()
        .fold(Walls::all(), |walls, wall| walls.without(*wall));
    Sandbox::with_walls_left_off(config(walls))
}

fn program(host: &Host<'_>, attack: &Attack, layer: Layer) -> Program {
    let python = || host.python(attack.python, Place::Inside);
    let command = |argv: [String; 3]| Program::Command {
        argv: argv.to_vec(),
    };
    match (layer, attack.shell) {
        (Layer::Python, _) => Program::Python { code: python() },
        (Layer::Command, Some(code)) => {
            command(["sh".into(), "-c".into(), host.shell(code, Place::Inside)])
        }
        (Layer::Command, None) => command(["python3".into(), "-c".into(), python()]),
    }
}

/// Limits that every attack passes which is not stopped.
fn limits(attack: &Attack) -> Limits {
    Limits {
        time: attack.time,
        cpu: attack.cpu,
        memory_bytes: 64 * MIB,
        address_bytes: 1024 * MIB,
        processes: 32,
        descriptors: 256,
        output_bytes: OUTPUT,
        file_bytes: 4 * MIB,
        tmp_bytes: 8 * MIB,
        workspace_bytes: 8 * MIB,
        workspace_files: 300,
    }
}

fn as_a_node_that_is_killed(host: &Host<'_>, program: &Program, left_off: &[Wall]) {
    let argv = match program {
        Program::Python { code } => vec!["python3".into(), "-c".into(), code.clone()],
        Program::Command { argv } => argv.clone(),
    };
    #[expect(clippy::disallowed_methods, reason = "a node that can be killed")]
    let mut node = Command::new(std::env::current_exe().unwrap())
        .arg("--node")
        .arg(&host.workspace)
        .arg(serde_json::to_string(left_off).unwrap())
        .args(argv)
        .current_dir("/")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let started = host.workspace.join("started");
    assert!(
        until(PATIENCE, || started.exists()),
        "the node does not start it"
    );
    node.kill().unwrap();
    node.wait().unwrap();
    until(AFTER_THE_NODE, || {
        processes::below(host.folder.path()).is_empty()
    });
}

/// Is the node that is killed.
pub(crate) fn be_a_node(workspace: &str, left_off: &str, argv: Vec<String>) {
    let left_off: Vec<Wall> = serde_json::from_str(left_off).unwrap();
    let folder = Workspace::Folder(Path::new(workspace).to_owned());
    let job = Job::new(Program::Command { argv }, folder);
    let sandbox = without(&left_off);
    let _ = block_on(async { sandbox.run(job, tokio::time::sleep(PATIENCE)).await });
}
