//! A text that is heard at once: each sentence as soon as it is made.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::device::DeviceError;
use crate::speech::{Speech, SpeechError};
use crate::transport::AudioOutput;

/// Why a text is not heard to its end.
#[derive(Debug, thiserror::Error)]
pub enum AloudError {
    /// No sound was made of it.
    #[error(transparent)]
    Speech(#[from] SpeechError),
    /// Where it goes did not take it.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Plays what is said until its last word was heard, or until `stop` is cancelled: then it is quiet at once.
/// Returns how long it sounds, as far as it was made.
///
/// # Errors
/// See [`AloudError`]; what came before it was heard.
pub async fn play(
    speech: &mut Speech,
    output: &mut impl AudioOutput,
    stop: &CancellationToken,
) -> Result<Duration, AloudError> {
    let mut length = Duration::ZERO;
    let playing = async {
        while let Some(sound) = speech.next().await {
            let sound = sound?;
            length += sound.duration();
            output.play(sound).await?;
        }
        output.finish().await?;
        Ok(())
    };
    match stop.run_until_cancelled(playing).await {
        Some(Ok(())) => Ok(length),
        Some(Err(error)) => Err(error),
        None => {
            output.hush();
            Ok(length)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audio::Sound;
    use crate::speech::{Saying, Speaker, speak};

    /// Makes a sample of each letter.
    struct Letters;

    impl Speaker for Letters {
        fn name(&self) -> &'static str {
            "letters"
        }

        fn say<'a>(&'a self, sentence: &'a str) -> Saying<'a> {
            Box::pin(async move {
                if sentence.contains("silence") {
                    return Err(SpeechError::Missing("it has no voice".into()));
                }
                let samples = sentence.bytes().map(|letter| f32::from(letter) / 255.0);
                Ok(Sound {
                    rate: 16_000,
                    samples: samples.collect(),
                })
            })
        }
    }

    /// Takes so many sounds, and then no more.
    #[derive(Default)]
    struct Line {
        takes: usize,
        taken: Vec<usize>,
        is_finished: bool,
        is_hushed: bool,
    }

    impl AudioOutput for Line {
        async fn play(&mut self, sound: Sound) -> Result<(), DeviceError> {
            if self.taken.len() == self.takes {
                std::future::pending::<()>().await;
            }
            self.taken.push(sound.samples.len());
            Ok(())
        }

        async fn finish(&mut self) -> Result<(), DeviceError> {
            self.is_finished = true;
            Ok(())
        }

        fn hush(&mut self) {
            self.is_hushed = true;
        }
    }

    fn line(takes: usize) -> Line {
        Line {
            takes,
            ..Line::default()
        }
    }

    #[tokio::test]
    async fn each_sentence_is_played_and_the_last_is_heard_out() {
        let mut speech = speak(Arc::new(Letters), "One two. Three.").unwrap();
        let mut line = line(9);

        let length = play(&mut speech, &mut line, &CancellationToken::new()).await;

        assert_eq!(line.taken, [8, 6]);
        assert!(line.is_finished && !line.is_hushed);
        assert_eq!(length.unwrap(), Duration::from_micros(875));
    }

    #[tokio::test]
    async fn once_it_is_stopped_it_is_quiet() {
        let mut speech = speak(Arc::new(Letters), "One. Two. Three.").unwrap();
        let mut line = line(1);
        let stop = CancellationToken::new();
        let cancel = async {
            tokio::task::yield_now().await;
            stop.cancel();
        };

        let (played, ()) = tokio::join!(play(&mut speech, &mut line, &stop), cancel);

        played.unwrap();
        assert!(line.is_hushed && !line.is_finished);
    }

    #[tokio::test]
    async fn what_came_before_a_failure_was_played() {
        let mut speech = speak(Arc::new(Letters), "One. Now silence. Two.").unwrap();
        let mut line = line(9);

        let played = play(&mut speech, &mut line, &CancellationToken::new()).await;

        assert!(matches!(played, Err(AloudError::Speech(_))));
        assert_eq!(line.taken, [4]);
    }
}
