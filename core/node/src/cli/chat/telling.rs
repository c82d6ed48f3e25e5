//! Prints an answer while it is made.

use crate::cli::chat::Thread;
use crate::client::hearing::Heard;
use crate::output::text::paragraphs;
use crate::output::{print_line, print_piece};

/// Says something and prints the answer as it comes.
///
/// # Errors
/// What the node said, or that it cannot be reached; standard output cannot be written to.
pub(super) async fn say(thread: &mut Thread<'_>, message: &str) -> anyhow::Result<()> {
    let mut shown = Shown::default();
    let said = thread.say(message, |heard| shown.hear(heard)).await;
    match said {
        Ok((_, answer)) => shown.finish(&answer.response),
        Err(error) => {
            shown.end_line()?;
            Err(error)
        }
    }
}

/// What stands on the screen of an answer.
#[derive(Default)]
struct Shown {
    text: String,
}

impl Shown {
    fn hear(&mut self, heard: Heard<'_>) -> anyhow::Result<()> {
        match heard {
            Heard::Piece(piece) => {
                self.text.push_str(piece);
                print_piece(&paragraphs(piece))
            }
            Heard::Reset => self.end_line(),
        }
    }

    /// Ends the answer; where something else was shown, the answer stands below it.
    fn finish(&mut self, whole: &str) -> anyhow::Result<()> {
        if self.text == whole {
            return self.end_line();
        }
        self.end_line()?;
        print_line(&paragraphs(whole))
    }

    fn end_line(&mut self) -> anyhow::Result<()> {
        let text = std::mem::take(&mut self.text);
        if text.is_empty() || text.ends_with('\n') {
            return Ok(());
        }
        print_piece("\n")
    }
}
