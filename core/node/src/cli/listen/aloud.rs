//! Answers spoken one after the other, and never into the next recording.

use std::sync::Arc;

use hearth_voice::aloud::play;
use hearth_voice::codec::{self, Limits};
use hearth_voice::device::Loudspeaker;
use hearth_voice::speech::{Saying, Speaker, SpeechError, speak};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::client::Client;

/// How many answers wait to be spoken; one more is read only.
const WAITING_MAX: usize = 4;

/// An answer, and what makes it quiet.
struct Wanted {
    text: String,
    stop: CancellationToken,
}

/// Who speaks. Ended when dropped.
pub(super) struct Aloud {
    wanted: mpsc::Sender<Wanted>,
    /// Whether the microphone listens to its owner.
    is_listening: watch::Sender<bool>,
    stop: CancellationToken,
}

impl Drop for Aloud {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The voice of the node.
struct OfNode(Client);

impl Speaker for OfNode {
    fn name(&self) -> &'static str {
        "node"
    }

    fn say<'a>(&'a self, sentence: &'a str) -> Saying<'a> {
        let failed = |reason: String| SpeechError::Failed {
            voice: "node",
            reason,
        };
        Box::pin(async move {
            let wav = self.0.speech(sentence).await;
            let wav = wav.map_err(|error| failed(format!("{error:#}")))?;
            let clip = codec::decode(wav, &Limits::default());
            Ok(clip.map_err(|error| failed(error.to_string()))?.into())
        })
    }
}

impl Aloud {
    /// Speaks by the node's voice from this loudspeaker, or the default one. What goes wrong is told to
    /// `problems`.
    pub(super) fn start(
        client: Client,
        loudspeaker: Option<String>,
        problems: mpsc::Sender<String>,
    ) -> Self {
        let (wanted, waiting) = mpsc::channel(WAITING_MAX);
        let (is_listening, listens) = watch::channel(false);
        let speaker: Arc<dyn Speaker> = Arc::new(OfNode(client));
        tokio::spawn(async move {
            speak_all(speaker, loudspeaker.as_deref(), waiting, listens, problems).await;
        });
        Self {
            wanted,
            is_listening,
            stop: CancellationToken::new(),
        }
    }

    pub(super) fn say(&self, text: String) {
        let stop = self.stop.clone();
        // It stands on the screen all the same.
        let _ = self.wanted.try_send(Wanted { text, stop });
    }

    /// Says whether its owner speaks. When that begins, what is being spoken and what waits for it ends.
    pub(super) fn listens(&mut self, is_listening: bool) {
        let has_changed = self
            .is_listening
            .send_if_modified(|before| std::mem::replace(before, is_listening) != is_listening);
        if has_changed && is_listening {
            self.hush();
        }
    }

    pub(super) fn hush(&mut self) {
        std::mem::take(&mut self.stop).cancel();
    }
}

async fn speak_all(
    speaker: Arc<dyn Speaker>,
    loudspeaker: Option<&str>,
    mut wanted: mpsc::Receiver<Wanted>,
    mut listens: watch::Receiver<bool>,
    problems: mpsc::Sender<String>,
) {
    while let Some(Wanted { text, stop }) = wanted.recv().await {
        let speaking = async {
            if listens.wait_for(|listens| !listens).await.is_err() {
                return Ok(());
            }
            aloud(Arc::clone(&speaker), loudspeaker, &text, &stop).await
        };
        if let Err(problem) = speaking.await
            && problems.send(problem).await.is_err()
        {
            return;
        }
    }
}

/// Speaks a text until its end, or until `stop` is cancelled. The error is for people.
async fn aloud(
    speaker: Arc<dyn Speaker>,
    loudspeaker: Option<&str>,
    text: &str,
    stop: &CancellationToken,
) -> Result<(), String> {
    if stop.is_cancelled() {
        return Ok(());
    }
    let mut loudspeaker = Loudspeaker::open(loudspeaker)
        .await
        .map_err(|error| error.to_string())?;
    let mut speech = speak(speaker, text).map_err(|error| error.to_string())?;
    match play(&mut speech, &mut loudspeaker, stop).await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("the answer is not spoken: {error}")),
    }
}
