//! Transcripts as subtitles: SRT and WebVTT.

use std::fmt::Write;
use std::time::Duration;

use super::Transcript;

impl Transcript {
    /// As SRT. Empty where nothing was said.
    pub fn to_srt(&self) -> String {
        let mut srt = String::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let (start, end) = (clock(segment.start, ','), clock(segment.end, ','));
            // Writing to a String cannot fail.
            let _ = write!(
                srt,
                "{}\n{start} --> {end}\n{}\n\n",
                index + 1,
                segment.text
            );
        }
        srt
    }

    /// As WebVTT, whose first line is there even where nothing was said.
    pub fn to_vtt(&self) -> String {
        let mut vtt = "WEBVTT\n\n".to_owned();
        for segment in &self.segments {
            let (start, end) = (clock(segment.start, '.'), clock(segment.end, '.'));
            // Text must not look like the arrow of a time, nor like a tag.
            let text = segment.text.replace('&', "&amp;").replace('<', "&lt;");
            let text = text.replace('>', "&gt;");
            let _ = write!(vtt, "{start} --> {end}\n{text}\n\n");
        }
        vtt
    }
}

/// A time as `01:02:03,004`.
fn clock(time: Duration, point: char) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let (seconds, millis) = (seconds % 60, time.subsec_millis());
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{millis:03}")
}

#[cfg(test)]
mod tests {
    use super::super::Segment;
    use super::*;

    fn transcript() -> Transcript {
        let segments = vec![
            Segment {
                start: Duration::from_millis(40),
                end: Duration::from_millis(1_500),
                text: "one < two".to_owned(),
            },
            Segment {
                start: Duration::from_millis(3_723_004),
                end: Duration::from_secs(3_724),
                text: "three --> four".to_owned(),
            },
        ];
        Transcript::of(segments, None, Duration::from_secs(4_000))
    }

    #[test]
    fn subtitles_have_numbers_and_times() {
        assert_eq!(
            transcript().to_srt(),
            "1\n00:00:00,040 --> 00:00:01,500\none < two\n\n\
             2\n01:02:03,004 --> 01:02:04,000\nthree --> four\n\n"
        );
    }

    #[test]
    fn text_cannot_be_taken_for_a_mark_of_webvtt() {
        assert_eq!(
            transcript().to_vtt(),
            "WEBVTT\n\n00:00:00.040 --> 00:00:01.500\none &lt; two\n\n\
             01:02:03.004 --> 01:02:04.000\nthree --&gt; four\n\n"
        );
    }

    #[test]
    fn nothing_said_is_no_subtitle() {
        let silence = Transcript::silence(Duration::from_secs(3));

        assert_eq!(silence.to_srt(), "");
        assert_eq!(silence.to_vtt(), "WEBVTT\n\n");
        assert!(silence.is_silence);
    }
}
