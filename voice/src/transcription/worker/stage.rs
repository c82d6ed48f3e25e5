//! The worker itself: what the program is when it was started to transcribe.

use std::fs::File;
use std::io::{self, BufReader};
use std::process::ExitCode;
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::hear::{self, Listener};
use super::message::{self, Fault, Order, Report, Task};

/// Where reports go. Standard output is put out of reach of whisper.cpp, which prints now and then.
static REPORTS: OnceLock<Mutex<File>> = OnceLock::new();

/// What is to be done, one at a time.
enum Work {
    Load {
        model: std::path::PathBuf,
        memory_bytes: u64,
    },
    Transcribe(Task, Vec<f32>),
}

/// Is the worker until the node is gone. Nothing else must run in this process.
pub fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the worker cannot begin: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    end_with_the_node();
    let reports = take_standard_output()?;
    let _ = REPORTS.set(Mutex::new(reports));
    hear::begin_log();
    // One waits while one is at work: the node sends no more.
    let (sender, work) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("orders".to_owned());
    thread.spawn(move || read_orders(&sender))?;
    let mut listener = None;
    for work in work {
        match work {
            Work::Load {
                model,
                memory_bytes,
            } => {
                limit_memory(memory_bytes);
                match Listener::load(&model) {
                    Ok(loaded) => {
                        listener = Some(loaded);
                        report(&Report::Ready);
                    }
                    Err((fault, reason)) => failed(None, fault, reason),
                }
            }
            Work::Transcribe(task, samples) => match &mut listener {
                None => failed(Some(task.id), Fault::Engine, "no model is loaded".into()),
                Some(listener) => match listener.hear(&task, &samples) {
                    Ok(done) => report(&done),
                    Err((fault, reason)) => failed(Some(task.id), fault, reason),
                },
            },
        }
    }
    Ok(())
}

/// Reads what the node says. When it is gone, or says nonsense, this process ends, whatever it is at.
fn read_orders(work: &mpsc::SyncSender<Work>) {
    let mut stdin = BufReader::new(io::stdin());
    loop {
        let next = match message::read::<Order>(&mut stdin) {
            Ok(Some(Order::Cancel { id })) => {
                hear::give_up(id);
                continue;
            }
            Ok(Some(Order::Load {
                model,
                memory_bytes,
            })) => Work::Load {
                model,
                memory_bytes,
            },
            Ok(Some(Order::Transcribe(task))) => {
                match message::read_samples(&mut stdin, task.samples) {
                    Ok(samples) => Work::Transcribe(task, samples),
                    Err(_) => std::process::exit(1),
                }
            }
            Ok(None) => std::process::exit(0),
            Err(_) => std::process::exit(1),
        };
        if work.send(next).is_err() {
            std::process::exit(1);
        }
    }
}

fn failed(id: Option<u64>, fault: Fault, reason: String) {
    report(&Report::Failed { id, fault, reason });
}

/// Says something to the node. If that is gone, so is this process in a moment.
pub(super) fn report(report: &Report) {
    if let Some(reports) = REPORTS.get() {
        let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = message::write(&mut *reports, report);
    }
}

/// Has the kernel end this process with the thread that started it. That the node's end of standard input is
/// closed then ends it too, so that where there is no such order to the kernel nothing is left behind either.
fn end_with_the_node() {
    #[cfg(target_os = "linux")]
    {
        let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
        // Where memory runs out, this is what can be spared.
        let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    }
}

/// Bounds this process's address space. A person's program has no control group to give away, and where
/// nothing but a model is loaded, address space is close to what is used.
fn limit_memory(bytes: u64) {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, setrlimit};
        // Where the limit of this process is lower already, that holds.
        let _ = setrlimit(Resource::RLIMIT_AS, bytes, bytes);
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    }
    #[cfg(not(unix))]
    let _ = bytes;
}

#[cfg(unix)]
fn take_standard_output() -> io::Result<File> {
    let reports = nix::unistd::dup(io::stdout())?;
    nix::unistd::dup2_stdout(io::stderr())?;
    Ok(File::from(reports))
}

#[cfg(not(unix))]
fn take_standard_output() -> io::Result<File> {
    Err(io::Error::other("it is not built for this system"))
}
