//! One recording after the other, said to the node; what cannot be is kept in a file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use hearth_domain::Clock;
use hearth_voice::codec::encode_wav;
use hearth_voice::talk::Recording;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::client::problem::Refused;
use crate::client::wire::Uttered;
use crate::client::{Answer, Client, Unreachable};
use crate::data_dir::{make_private_folder, write_private};
use crate::system::SystemClock;

/// How long a node that is busy is asked again.
const BUSY_FOR: Duration = Duration::from_mins(1);
/// How long one that is not there is: it may be started anew at the moment.
const AWAY_FOR: Duration = Duration::from_secs(10);
/// How long it is left alone between.
const PAUSE: Duration = Duration::from_secs(1);

/// An answer that came, or why none did.
pub(super) type Said = anyhow::Result<Answer>;

/// Says recordings in one conversation.
pub(super) struct Sayer {
    client: Client,
    /// Where what is not heard is kept.
    folder: PathBuf,
    conversation: Option<String>,
    /// How many were said.
    count: u32,
}

impl Sayer {
    pub(super) fn new(client: Client, folder: PathBuf) -> Self {
        Self {
            client,
            folder,
            conversation: None,
            count: 0,
        }
    }

    /// Has one recording after the other answered, until there are no more, or nobody wants the answers any
    /// more: then what was not answered is kept. Returns what is to be told of that.
    pub(super) async fn say_all(
        mut self,
        mut recordings: mpsc::Receiver<Recording>,
        said: mpsc::Sender<Said>,
    ) -> Vec<String> {
        let mut left = Vec::new();
        while let Some(recording) = recordings.recv().await {
            let wav = match encode_wav(&recording.clip.into()) {
                Ok(wav) => wav,
                Err(error) => {
                    let _ = said.send(Err(error.into())).await;
                    continue;
                }
            };
            self.count += 1;
            let answer = tokio::select! {
                biased;
                answer = self.say(&wav) => Some(answer),
                () = said.closed() => None,
            };
            let Some(answer) = answer else {
                let kept = self.kept(&wav);
                left.push(format!("you left before the answer came. {kept}"));
                continue;
            };
            // Whoever left meanwhile is told at least of what was not heard.
            if let Err(unsent) = said.send(answer).await
                && let Err(error) = unsent.0
            {
                left.push(format!("{error:#}"));
            }
        }
        left
    }

    async fn say(&mut self, wav: &[u8]) -> Said {
        let began_at = Instant::now();
        // The same recording is answered once, also where an answer was lost on its way.
        let key = format!("listen-{}", self.name());
        loop {
            let conversation = self.conversation.as_deref();
            let answer = self.client.utter(wav.to_vec(), conversation, &key).await;
            match answer {
                Ok(answer) => {
                    let uttered: Uttered = answer.read()?;
                    if uttered.conversation_id.is_some() {
                        self.conversation = uttered.conversation_id;
                    }
                    return Ok(answer);
                }
                Err(error) if began_at.elapsed() < asked_for(&error) => {
                    sleep(PAUSE).await;
                }
                // The node keeps these itself, and says where.
                Err(error) if has_code(&error, &["no_voice", "voice_failed"]) => return Err(error),
                Err(error) => {
                    return Err(anyhow!("{error:#}. {}", self.kept(wav)));
                }
            }
        }
    }

    /// Keeps the recording whose turn it is; returns where it is, as a sentence.
    fn kept(&self, wav: &[u8]) -> String {
        match keep(&self.folder, &format!("said-{}.wav", self.name()), wav) {
            Ok(path) => {
                let path = path.display();
                format!(
                    "What you said is in {path}; to have it written down: hearth transcribe {path}"
                )
            }
            Err(error) => format!("What you said could not be kept: {error:#}"),
        }
    }

    /// What no other recording is called.
    fn name(&self) -> String {
        let now = SystemClock::in_zone(None).now().as_millis();
        format!("{now}-{}-{}", std::process::id(), self.count)
    }
}

/// How long it is worth asking again.
fn asked_for(error: &anyhow::Error) -> Duration {
    if has_code(error, &["busy"]) {
        BUSY_FOR
    } else if error.downcast_ref::<Unreachable>().is_some() {
        AWAY_FOR
    } else {
        Duration::ZERO
    }
}

fn has_code(error: &anyhow::Error, codes: &[&str]) -> bool {
    let refused = error.downcast_ref::<Refused>();
    refused.is_some_and(|refused| codes.contains(&refused.code.as_str()))
}

/// Keeps a recording for its owner's eyes only.
fn keep(folder: &Path, name: &str, wav: &[u8]) -> anyhow::Result<PathBuf> {
    make_private_folder(folder)?;
    let path = folder.join(name);
    write_private(&path, wav)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use hearth_voice::audio::Clip;
    use hearth_voice::codec::{Limits, decode};

    use super::*;
    use crate::client::{Key, Target};

    #[tokio::test]
    async fn what_nobody_waits_to_have_answered_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (recordings, to_say) = mpsc::channel(4);
        let (said, answers) = mpsc::channel(4);
        for length in [8_000, 16_000] {
            let clip = Clip {
                samples: vec![0.1; length],
            };
            let is_cut = false;
            recordings.try_send(Recording { clip, is_cut }).unwrap();
        }
        drop((recordings, answers));
        // Nobody is there to answer.
        let target = Target {
            url: "http://127.0.0.1:9/".parse().unwrap(),
            key: Key::new("hearth_key").unwrap(),
        };
        let sayer = Sayer::new(Client::new(target).unwrap(), folder.path().join("unheard"));

        let left = sayer.say_all(to_say, said).await;

        assert_eq!(left.len(), 2);
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder.path().join("unheard"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let lengths: Vec<usize> = files
            .iter()
            .map(|file| {
                decode(file.clone(), &Limits::default())
                    .unwrap()
                    .samples
                    .len()
            })
            .collect();
        assert_eq!(lengths, [8_000, 16_000]);
        assert!(
            left[0].contains(&files[0].display().to_string()),
            "{left:?}"
        );
    }
}
