//! The key, by a microphone that gives what a test says.

use std::sync::Mutex;

use hearth_app::voice::{PttStage, PttTurn};
use hearth_voice::audio::Sound;
use hearth_voice::device::Kind;
use hearth_voice::transport::AudioOutput;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::answering::{Doing, Heard as Hears};
use super::*;

/// A microphone whose sound, coming and going a test decides.
#[derive(Clone)]
struct Scripted {
    /// One for each time it is opened.
    opens: Arc<Mutex<Vec<Opens>>>,
}

type Opens = Result<mpsc::Receiver<Heard>, DeviceError>;

impl Transport for Scripted {
    type Input = Opened;
    type Output = Nowhere;

    async fn open_input(&self) -> Result<Opened, DeviceError> {
        let next = self.opens.lock().unwrap().pop();
        next.unwrap_or(Err(DeviceError::None(Kind::Microphone)))
            .map(Opened)
    }

    async fn open_output(&self) -> Result<Nowhere, DeviceError> {
        Err(DeviceError::None(Kind::Loudspeaker))
    }
}

struct Opened(mpsc::Receiver<Heard>);

impl AudioInput for Opened {
    async fn next(&mut self) -> Heard {
        match self.0.recv().await {
            Some(heard) => heard,
            None => std::future::pending().await,
        }
    }
}

/// What is spoken goes through [`Lengths`] here.
enum Nowhere {}

impl AudioOutput for Nowhere {
    async fn play(&mut self, _sound: Sound) -> Result<(), DeviceError> {
        match *self {}
    }

    async fn finish(&mut self) -> Result<(), DeviceError> {
        match *self {}
    }

    fn hush(&mut self) {
        match *self {}
    }
}

/// Hears how long a recording is, in milliseconds; goes on when it is let.
#[derive(Default)]
struct Lengths {
    go_on: Notify,
    hushed: Notify,
    spoken: Mutex<Vec<String>>,
    kept: Mutex<Vec<String>>,
}

impl Answers for Lengths {
    fn answer<'a>(&'a self, recording: &'a Recording, heard: Hears<'a>) -> Doing<'a, PttTurn> {
        Box::pin(async move {
            let length = recording.clip.duration().as_millis().to_string();
            self.go_on.notified().await;
            heard(&length);
            self.go_on.notified().await;
            PttTurn {
                answer: format!("{length} ms"),
                heard: length,
                is_cut: recording.is_cut,
                ..PttTurn::default()
            }
        })
    }

    fn keep<'a>(&'a self, recording: &'a Recording) -> Doing<'a, ()> {
        let length = recording.clip.duration().as_millis().to_string();
        self.kept.lock().unwrap().push(length);
        Box::pin(std::future::ready(()))
    }

    fn speaks(&self) -> bool {
        true
    }

    fn speak<'a>(&'a self, answer: &'a str) -> Doing<'a, Result<(), String>> {
        Box::pin(async move {
            self.spoken.lock().unwrap().push(answer.to_owned());
            Ok(())
        })
    }

    fn hush(&self) {
        self.hushed.notify_one();
    }
}

struct Bench {
    key: Key,
    answers: Arc<Lengths>,
    sound: mpsc::Sender<Heard>,
    opens: Scripted,
    stop: CancellationToken,
    answering: JoinHandle<()>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Bench {
    /// A key with a microphone that can be opened once.
    fn new(is_kept_open: bool) -> Self {
        let (sound, receiver) = mpsc::channel(64);
        let opens = Scripted {
            opens: Arc::new(Mutex::new(vec![Ok(receiver)])),
        };
        let answers = Arc::new(Lengths::default());
        let stop = CancellationToken::new();
        let (key, listener, answering) = push_to_talk(
            opens.clone(),
            is_kept_open,
            Arc::clone(&answers) as Arc<dyn Answers>,
            stop.clone(),
        );
        tokio::spawn(listener.run());
        let answering = tokio::spawn(answering);
        Self {
            key,
            answers,
            sound,
            opens,
            stop,
            answering,
        }
    }

    async fn act(&self, act: PttAct) -> Result<PttState, VoiceError> {
        self.key.act(act).await
    }

    /// Lets so many milliseconds of sound come, and waits until they were taken.
    async fn hear(&self, millis: usize) {
        for _ in 0..millis / 10 {
            self.sound
                .send(Heard::Samples(vec![0.1; 160]))
                .await
                .unwrap();
        }
        self.taken().await;
    }

    async fn taken(&self) {
        while self.sound.capacity() < self.sound.max_capacity() {
            tokio::task::yield_now().await;
        }
        // The last piece is in the worker's hands when the queue is empty.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    async fn until(&self, is_so: impl Fn(&PttState) -> bool) -> PttState {
        for _ in 0..100_000 {
            let state = self.key.state();
            if is_so(&state) {
                return state;
            }
            tokio::task::yield_now().await;
        }
        panic!("{:?}", self.key.state());
    }
}

#[tokio::test]
async fn what_is_said_while_the_key_is_held_is_heard_and_answered() {
    let bench = Bench::new(false);

    let down = bench.act(PttAct::Down).await.unwrap();
    bench.hear(1_000).await;
    let up = bench.act(PttAct::Up).await.unwrap();
    bench.hear(300).await;
    let hearing = bench
        .until(|state| state.stage == PttStage::Transcribing)
        .await;
    bench.answers.go_on.notify_one();
    let answering = bench
        .until(|state| state.stage == PttStage::Answering)
        .await;
    bench.answers.go_on.notify_one();
    let is_done = |state: &PttState| (state.turns, state.stage) == (1, PttStage::Idle);
    let done = bench.until(is_done).await;

    assert_eq!((down.stage, down.is_armed), (PttStage::Listening, true));
    assert!(down.level == 0.0 && up.level > 0.0);
    assert_eq!(hearing.last, None);
    assert_eq!(answering.last.unwrap().heard, "1200");
    assert_eq!(done.last.unwrap().answer, "1200 ms");
    assert_eq!(*bench.answers.spoken.lock().unwrap(), ["1200 ms"]);
}

#[tokio::test]
async fn while_the_microphone_is_open_what_comes_before_the_key_is_kept() {
    let bench = Bench::new(true);
    bench.until(|state| state.is_armed).await;
    bench.hear(2_000).await;

    bench.act(PttAct::Toggle).await.unwrap();
    bench.hear(1_000).await;
    bench.act(PttAct::Toggle).await.unwrap();
    bench.hear(200).await;
    bench.answers.go_on.notify_one();

    let state = bench.until(|state| state.last.is_some()).await;
    assert_eq!(state.last.unwrap().heard, "1650");
}

#[tokio::test]
async fn a_key_that_is_never_released_ends_after_five_minutes() {
    let bench = Bench::new(false);
    bench.act(PttAct::Down).await.unwrap();

    for _ in 0..=5 * 60 {
        bench
            .sound
            .send(Heard::Samples(vec![0.1; 16_000]))
            .await
            .unwrap();
    }
    bench
        .until(|state| state.stage == PttStage::Transcribing)
        .await;
    bench.answers.go_on.notify_one();
    bench
        .until(|state| state.stage == PttStage::Answering)
        .await;
    bench.answers.go_on.notify_one();

    let state = bench.until(|state| state.turns == 1).await;
    let turn = state.last.unwrap();
    assert_eq!((turn.heard.as_str(), turn.is_cut), ("300000", true));
}

#[tokio::test]
async fn without_a_microphone_the_key_says_so_and_works_when_there_is_one() {
    let bench = Bench::new(false);
    let there = bench.opens.opens.lock().unwrap().pop().unwrap();

    let refused = bench.act(PttAct::Down).await.unwrap_err();
    let state = bench.key.state();
    bench.opens.opens.lock().unwrap().push(there);
    let down = bench.act(PttAct::Down).await.unwrap();

    assert!(refused.to_string().contains("plug one in"), "{refused}");
    assert_eq!(
        (state.stage, state.problem),
        (PttStage::Idle, refused.to_string())
    );
    assert_eq!(
        (down.stage, down.problem.as_str()),
        (PttStage::Listening, "")
    );
}

#[tokio::test]
async fn a_microphone_that_is_lost_in_the_middle_loses_no_word_and_is_said_to_be_back() {
    let bench = Bench::new(false);
    bench.act(PttAct::Down).await.unwrap();
    bench.hear(700).await;

    let lost = DeviceError::Lost(Kind::Microphone);
    bench.sound.send(Heard::Lost(lost)).await.unwrap();
    let state = bench.until(|state| !state.problem.is_empty()).await;
    let refused = bench.act(PttAct::Down).await.unwrap_err();
    bench.answers.go_on.notify_one();
    let heard = bench.until(|state| state.last.is_some()).await;
    bench.sound.send(Heard::Back).await.unwrap();
    bench.until(|state| state.problem.is_empty()).await;
    let again = bench.act(PttAct::Down).await.unwrap();

    assert!(
        !state.is_armed && state.problem.contains("is gone"),
        "{state:?}"
    );
    assert_eq!(refused.to_string(), state.problem);
    assert_eq!(heard.last.unwrap().heard, "700");
    assert_eq!(again.stage, PttStage::Listening);
}

#[tokio::test]
async fn the_key_stops_what_is_being_spoken_and_what_is_cancelled_is_not_heard() {
    let bench = Bench::new(false);

    bench.act(PttAct::Down).await.unwrap();
    bench.answers.hushed.notified().await;
    bench.hear(500).await;
    let cancelled = bench.act(PttAct::Cancel).await.unwrap();
    bench.hear(500).await;

    assert_eq!((cancelled.stage, cancelled.waiting), (PttStage::Idle, 0));
    assert_eq!(bench.key.state().last, None);
}

#[tokio::test]
async fn an_answer_that_comes_while_the_next_is_said_is_spoken_after_it() {
    let bench = Bench::new(false);
    bench.act(PttAct::Down).await.unwrap();
    bench.hear(300).await;
    bench.act(PttAct::Up).await.unwrap();
    bench.hear(200).await;
    bench.act(PttAct::Down).await.unwrap();
    bench.hear(300).await;
    bench.answers.go_on.notify_one();
    bench.until(|state| state.last.is_some()).await;
    bench.answers.go_on.notify_one();
    bench.until(|state| state.turns == 1).await;
    bench.hear(100).await;
    let spoken_meanwhile = bench.answers.spoken.lock().unwrap().len();

    bench.act(PttAct::Up).await.unwrap();
    bench.hear(200).await;
    bench
        .until(|state| state.stage == PttStage::Transcribing)
        .await;

    assert_eq!(spoken_meanwhile, 0);
    assert_eq!(*bench.answers.spoken.lock().unwrap(), ["500 ms"]);
}

#[tokio::test]
async fn more_recordings_than_may_wait_are_refused_before_they_are_made() {
    let bench = Bench::new(false);
    let say = async || {
        bench.act(PttAct::Down).await?;
        bench.hear(300).await;
        bench.act(PttAct::Up).await?;
        bench.hear(200).await;
        Ok::<_, VoiceError>(())
    };
    say().await.unwrap();
    bench.until(|state| state.waiting == 0).await;
    for _ in 0..WAITING_MAX {
        say().await.unwrap();
    }

    let refused = say().await.unwrap_err();

    assert!(matches!(refused, VoiceError::Busy(_)), "{refused:?}");
    assert_eq!(bench.key.state().waiting, WAITING_MAX);
}

#[tokio::test(start_paused = true)]
async fn the_microphone_is_closed_when_it_was_not_used_for_a_while() {
    let bench = Bench::new(false);
    bench.act(PttAct::Down).await.unwrap();
    bench.act(PttAct::Cancel).await.unwrap();
    assert!(bench.key.state().is_armed);

    tokio::time::sleep(OPEN_FOR + Duration::from_secs(1)).await;

    assert!(!bench.key.state().is_armed);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_when_the_node_stops_is_kept_as_is_what_waits() {
    let mut bench = Bench::new(false);
    for millis in [300, 400] {
        bench.act(PttAct::Down).await.unwrap();
        bench.hear(millis).await;
        bench.act(PttAct::Up).await.unwrap();
        bench.hear(200).await;
    }
    // The first is being heard, and the second waits.
    bench.until(|state| state.waiting == 1).await;
    bench.act(PttAct::Down).await.unwrap();
    bench.hear(500).await;

    bench.stop.cancel();
    (&mut bench.answering).await.unwrap();

    assert_eq!(*bench.answers.kept.lock().unwrap(), ["500", "600", "500"]);
    assert_eq!(bench.key.state().turns, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_nearly_there_when_the_node_stops_is_told() {
    let mut bench = Bench::new(false);
    bench.act(PttAct::Down).await.unwrap();
    bench.hear(300).await;
    bench.act(PttAct::Up).await.unwrap();
    bench.hear(200).await;
    bench.answers.go_on.notify_one();
    bench
        .until(|state| state.stage == PttStage::Answering)
        .await;

    bench.stop.cancel();
    bench.answers.go_on.notify_one();
    (&mut bench.answering).await.unwrap();

    assert_eq!(bench.key.state().last.clone().unwrap().answer, "500 ms");
    assert!(bench.answers.kept.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_release_says_which_turn_to_wait_for() {
    let bench = Bench::new(false);
    let say = async || {
        bench.act(PttAct::Down).await.unwrap();
        bench.hear(300).await;
        let up = bench.act(PttAct::Up).await.unwrap();
        bench.hear(200).await;
        up.recorded
    };

    let first = say().await;
    let second = say().await;
    bench.act(PttAct::Down).await.unwrap();
    let cancelled = bench.act(PttAct::Cancel).await.unwrap().recorded;
    for _ in 0..4 {
        bench.answers.go_on.notify_one();
        bench.taken().await;
    }

    assert_eq!((first, second, cancelled), (1, 2, 2));
    bench.until(|state| state.turns == second).await;
}
