//! `hearth listen`: talks to the chief of staff by the microphone of this terminal's machine.
//!
//! The space bar is held while one speaks, where the terminal tells of releases; elsewhere it begins and ends.

mod aloud;
mod keys;
mod saying;
mod screen;
mod terminal;

use std::io::IsTerminal;

use anyhow::{Context, bail};
use clap::Args;
use hearth_voice::device::{Capture, Heard};
use hearth_voice::talk::{Around, Recorder, Recording};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::aloud::Aloud;
use self::keys::{Key, KeyEvent};
use self::saying::{Said, Sayer};
use self::screen::Screen;
use self::terminal::Terminal;
use crate::cli::Invocation;
use crate::output::{Output, note};

/// How many recordings wait for their answer; one more is not begun.
const WAITING_MAX: usize = 4;
/// Where a terminal tells of no release, a key that is held comes again and again: what comes within this of
/// the last time is the same press. X begins after 660 ms, where nobody set another time.
const SAME_PRESS_MS: u128 = 800;

/// Talks to the chief of staff by the microphone of this machine.
#[derive(Debug, Args)]
pub struct Listen {
    /// Speak the answers as well
    #[arg(long)]
    speak: bool,
    /// The microphone, by its name or a part of it; that of voice.microphone unless told
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// The space bar begins and ends, also where it could be held
    #[arg(long)]
    toggle: bool,
    /// List the microphones and loudspeakers of this machine, and do no more
    #[arg(long)]
    devices: bool,
}

pub(super) async fn run(invocation: &Invocation, listen: Listen) -> anyhow::Result<()> {
    if listen.devices {
        return devices(invocation);
    }
    let client = invocation.client()?;
    if !std::io::stdin().is_terminal() {
        bail!(
            "hearth listen reads keys, and this is no terminal; a shortcut of the desktop can use `hearth \
             ptt toggle`"
        );
    }
    let settings = &invocation.loaded.settings.listening;
    let choice = listen.device.as_deref().or(settings.microphone.as_deref());
    let capture = Capture::open(choice)
        .await
        .context("nothing can be heard; `hearth listen --devices` lists what there is")?;
    let mut terminal = Terminal::enter()?;
    let can_hold = !listen.toggle && terminal.tells_of_releases().await;
    let screen = Screen::new(invocation.output, can_hold);
    screen.begin();
    // One answer at a time, in the order of what was said.
    let (recordings, to_say) = mpsc::channel(WAITING_MAX);
    let (said, answers) = mpsc::channel(WAITING_MAX);
    let (problems, unspoken) = mpsc::channel(1);
    let loudspeaker = settings.loudspeaker.clone();
    let aloud = listen
        .speak
        .then(|| Aloud::start(client.clone(), loudspeaker, problems));
    let sayer = Sayer::new(client, invocation.data_dir().unheard());
    let saying = sayer.say_all(to_say, said);
    let conversation = Conversation {
        output: invocation.output,
        screen,
        capture,
        recorder: Recorder::new(Around::default()),
        recordings: Some(recordings),
        can_hold,
        last_space: None,
        aloud,
    };
    let talking = conversation.talk(&mut terminal, answers, unspoken);
    let (talked, left) = tokio::join!(talking, saying);
    drop(terminal);
    for told in left {
        note(&told);
    }
    talked
}

struct Conversation {
    output: Output,
    screen: Screen,
    capture: Capture,
    recorder: Recorder,
    /// None once nothing more is to be said.
    recordings: Option<mpsc::Sender<Recording>>,
    can_hold: bool,
    last_space: Option<Instant>,
    /// Who speaks the answers, where that is wanted.
    aloud: Option<Aloud>,
}

impl Conversation {
    async fn talk(
        mut self,
        terminal: &mut Terminal,
        mut answers: mpsc::Receiver<Said>,
        mut unspoken: mpsc::Receiver<String>,
    ) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                key = terminal.next() => match key {
                    None | Some(KeyEvent::Down(Key::Quit)) => return Ok(()),
                    Some(event) => self.follow(event),
                },
                heard = self.capture.next() => self.hear(heard),
                answer = answers.recv() => {
                    let Some(answer) = answer else { return Ok(()) };
                    let response = self.screen.answer(answer, self.output)?;
                    if let Some((aloud, text)) = self.aloud.as_ref().zip(response) {
                        aloud.say(text);
                    }
                }
                Some(problem) = unspoken.recv() => self.screen.note(&problem),
            }
        }
    }

    fn follow(&mut self, event: KeyEvent) {
        match event {
            KeyEvent::Down(Key::Space) if self.can_hold => self.press(),
            KeyEvent::Up(Key::Space) if self.can_hold => self.recorder.release(),
            KeyEvent::Down(Key::Space) => self.toggle(),
            KeyEvent::Down(Key::Cancel) => {
                self.recorder.cancel();
                if let Some(aloud) = &mut self.aloud {
                    aloud.hush();
                }
            }
            KeyEvent::Down(Key::Quit) | KeyEvent::Up(_) | KeyEvent::Holds | KeyEvent::Answered => {}
        }
    }

    fn toggle(&mut self) {
        let now = Instant::now();
        let last = self.last_space.replace(now);
        if last.is_some_and(|last| (now - last).as_millis() < SAME_PRESS_MS) {
            return;
        }
        if self.recorder.is_recording() {
            self.recorder.release();
        } else {
            self.press();
        }
    }

    fn press(&mut self) {
        let is_full = self.recordings.as_ref().is_none_or(|to| to.capacity() == 0);
        if is_full {
            self.screen
                .note("several recordings wait to be answered already");
            return;
        }
        self.recorder.press();
        if let Some(aloud) = &mut self.aloud {
            aloud.listens(true);
        }
    }

    fn hear(&mut self, heard: Heard) {
        let recording = match heard {
            Heard::Samples(samples) => self.recorder.push(&samples),
            Heard::Lost(error) => {
                self.screen.note(&error.to_string());
                self.recorder.finish()
            }
            Heard::Back => {
                self.screen.note("the microphone is there again");
                None
            }
        };
        if let Some(recording) = recording {
            if recording.is_cut {
                self.screen
                    .note("cut short here; what was said so far is answered");
            }
            // There was room when it was begun, and nobody else fills it.
            let sent = self.recordings.as_ref().map(|to| to.try_send(recording));
            if sent.is_some_and(|sent| sent.is_ok()) {
                self.screen.thinks();
            }
        }
        let is_recording = self.recorder.is_recording();
        if let Some(aloud) = &mut self.aloud {
            aloud.listens(is_recording);
        }
        self.screen.meter(is_recording, self.recorder.level());
    }
}

fn devices(invocation: &Invocation) -> anyhow::Result<()> {
    use hearth_voice::device::{Device, loudspeakers, microphones};
    let (heard, spoken) = (microphones()?, loudspeakers()?);
    let object = |device: &Device| serde_json::json!({ "id": device.id, "name": device.name, "is_default": device.is_default });
    let all = serde_json::json!({
        "microphones": heard.iter().map(object).collect::<Vec<_>>(),
        "loudspeakers": spoken.iter().map(object).collect::<Vec<_>>(),
    });
    invocation.output.object(&all, || {
        let mut lines = String::new();
        for (kind, devices) in [("microphone", &heard), ("loudspeaker", &spoken)] {
            if devices.is_empty() {
                lines.push_str(&format!("no {kind}\n"));
            }
            for device in devices {
                let mark = if device.is_default { " (default)" } else { "" };
                let name = crate::output::text::one_line(&device.name);
                lines.push_str(&format!("{kind}: {name}{mark}\n"));
            }
        }
        lines
    })
}
