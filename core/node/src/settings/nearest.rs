//! Finds the right name that a wrong one was meant to be.

/// Returns the candidate that is most like `wrong`.
///
/// The part after the last dot is compared too, so that a name without its section is found; and
/// what is a section has the nearest of it.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| {
        let leaf = candidate.rsplit('.').next().unwrap_or(candidate);
        let whole = strsim::normalized_damerau_levenshtein(wrong, candidate);
        let section = candidate.split_once('.').map(|(section, _)| section);
        if section == Some(wrong) {
            return 1.0 + whole;
        }
        // A hair less, so that of two equals the one that fits as a whole wins.
        let likeness = whole.max(strsim::normalized_damerau_levenshtein(wrong, leaf) - 0.01);
        // A section without a name is nearer to what is in it than to anything else.
        let is_section = candidate
            .split_once('.')
            .is_some_and(|(section, _)| section == wrong);
        likeness + if is_section { 1.0 } else { 0.0 }
    };
    candidates
        .into_iter()
        .map(|candidate| (likeness(candidate), candidate))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_with_the_fewest_slips() {
        let keys = [
            "listen",
            "log.level",
            "sandbox.time_seconds",
            "sandbox.processes",
        ];

        assert_eq!(nearest("lisen", keys), Some("listen"));
        assert_eq!(nearest("sandbox.proceses", keys), Some("sandbox.processes"));
        assert_eq!(nearest("time_seconds", keys), Some("sandbox.time_seconds"));
        assert_eq!(nearest("lvel", keys), Some("log.level"));
        assert_eq!(nearest("log", keys), Some("log.level"));
    }
}
