//! Takes what a decoder gives and hands on 16 kHz mono samples, within the limit.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{CodecError, Ending};
use crate::audio::{RATE, samples_in};
use crate::resample::Resampler;

/// Whether to read on.
pub(super) type Flow = ControlFlow<()>;

pub(super) struct Gather<'a> {
    hear: &'a mut dyn FnMut(&[f32]) -> Flow,
    limit: Duration,
    resampler: Option<(u32, Resampler)>,
    mono: Vec<f32>,
    ready: Vec<f32>,
    /// Samples handed on.
    given: usize,
}

impl<'a> Gather<'a> {
    pub(super) fn new(limit: Duration, hear: &'a mut dyn FnMut(&[f32]) -> Flow) -> Self {
        Self {
            hear,
            limit,
            resampler: None,
            mono: Vec::new(),
            ready: Vec::new(),
            given: 0,
        }
    }

    /// Whether a recording that says how long it is may be read.
    pub(super) fn expect(&self, samples: u64, rate: u32) -> Result<(), CodecError> {
        let seconds = samples / u64::from(rate.max(1));
        if seconds > self.limit.as_secs() {
            return Err(CodecError::TooLong { limit: self.limit });
        }
        Ok(())
    }

    /// Takes interleaved samples of so many channels at a rate, which may change in the middle.
    pub(super) fn take(
        &mut self,
        interleaved: &[f32],
        channels: usize,
        rate: u32,
    ) -> Result<Flow, CodecError> {
        if channels == 0 {
            return Err(CodecError::broken("it has no channel"));
        }
        if self.resampler.as_ref().is_none_or(|(of, _)| *of != rate) {
            let next = Resampler::new(rate, RATE)?;
            if let Some((_, mut last)) = self.resampler.replace((rate, next)) {
                last.finish(&mut self.ready);
            }
        }
        let share = 1.0 / channels as f32;
        self.mono.clear();
        self.mono.extend(
            interleaved
                .chunks_exact(channels)
                .map(|frame| sane(frame.iter().sum::<f32>() * share)),
        );
        if let Some((_, resampler)) = &mut self.resampler {
            resampler.push(&self.mono, &mut self.ready);
        }
        self.hand_on()
    }

    pub(super) fn finish(mut self, ending: Ending) -> Result<Ending, CodecError> {
        if ending == Ending::Stopped {
            return Ok(ending);
        }
        if let Some((_, resampler)) = &mut self.resampler {
            resampler.finish(&mut self.ready);
        }
        if self.hand_on()?.is_break() {
            return Ok(Ending::Stopped);
        }
        if self.given == 0 {
            let reason = "it ends before its first sample";
            return Err(CodecError::Silent(reason.to_owned()));
        }
        Ok(ending)
    }

    fn hand_on(&mut self) -> Result<Flow, CodecError> {
        self.given += self.ready.len();
        if self.given > samples_in(self.limit, RATE) {
            return Err(CodecError::TooLong { limit: self.limit });
        }
        let mut flow = Flow::Continue(());
        for piece in self.ready.chunks(RATE as usize) {
            flow = (self.hear)(piece);
            if flow.is_break() {
                break;
            }
        }
        self.ready.clear();
        Ok(flow)
    }
}

/// A sample that everything behind can work with: files with floating point hold anything.
fn sane(sample: f32) -> f32 {
    if sample.is_finite() {
        sample.clamp(-1.0, 1.0)
    } else {
        0.0
    }
}
