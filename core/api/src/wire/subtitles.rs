//! Timed text, as players of films read it.

use std::fmt::Write;
use std::time::Duration;

use hearth_app::voice::Segment;

/// As `SubRip`.
pub(crate) fn srt(segments: &[Segment]) -> String {
    let mut out = String::new();
    for (number, segment) in (1..).zip(segments) {
        let (start, end) = (clock(segment.start, ','), clock(segment.end, ','));
        // Writing into a string cannot fail.
        let _ = write!(out, "{number}\n{start} --> {end}\n{}\n\n", segment.text);
    }
    out
}

/// As `WebVTT`. An arrow in what was said would end a cue.
pub(crate) fn vtt(segments: &[Segment]) -> String {
    let mut out = "WEBVTT\n\n".to_owned();
    for segment in segments {
        let (start, end) = (clock(segment.start, '.'), clock(segment.end, '.'));
        let text = segment
            .text
            .replace("-->", "->")
            .replace('&', "&amp;")
            .replace('<', "&lt;");
        let _ = write!(out, "{start} --> {end}\n{text}\n\n");
    }
    out
}

fn clock(at: Duration, point: char) -> String {
    let seconds = at.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "{hours:02}:{minutes:02}:{rest:02}{point}{:03}",
        at.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments() -> [Segment; 2] {
        let segment = |start, end, text: &str| Segment {
            start: Duration::from_millis(start),
            end: Duration::from_millis(end),
            text: text.into(),
        };
        [
            segment(0, 1_250, "Hello."),
            segment(3_661_002, 3_662_000, "a < b --> c"),
        ]
    }

    #[test]
    fn subtitles_have_numbers_times_and_texts() {
        assert_eq!(
            srt(&segments()),
            "1\n00:00:00,000 --> 00:00:01,250\nHello.\n\n2\n01:01:01,002 --> 01:01:02,000\na < b --> c\n\n"
        );
    }

    #[test]
    fn a_cue_is_not_ended_by_what_was_said() {
        assert_eq!(
            vtt(&segments()),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nHello.\n\n01:01:01.002 --> 01:01:02.000\na &lt; b -> c\n\n"
        );
    }
}
