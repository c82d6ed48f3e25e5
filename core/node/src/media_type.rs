//! What a file holds, guessed from its name.

use std::path::Path;

/// Guesses what a file holds from the end of its name.
pub(crate) fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("md" | "markdown") => "text/markdown; charset=utf-8",
        Some("txt" | "text") => "text/plain; charset=utf-8",
        Some("csv") => "text/csv; charset=utf-8",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("pdf") => "application/pdf",
        Some("wav") => "audio/wav",
        Some("flac") => "audio/flac",
        Some("mp3") => "audio/mpeg",
        Some("m4a") => "audio/mp4",
        Some("ogg" | "oga" | "opus") => "audio/ogg",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_name_ends_with() {
        let guess = |name: &str| media_type(Path::new(name));

        assert_eq!(guess("notes.MD"), "text/markdown; charset=utf-8");
        assert_eq!(guess("a.b/photo.jpeg"), "image/jpeg");
        assert_eq!(guess("note.OGA"), "audio/ogg");
        assert_eq!(guess("md"), "application/octet-stream");
    }
}
