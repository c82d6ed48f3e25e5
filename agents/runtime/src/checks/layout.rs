//! Where a task's artifacts lie in the folder of a check.

use std::collections::{BTreeMap, BTreeSet};

use hearth_domain::artifact::Artifact;
use hearth_domain::field::AgentName;

use super::RESULT;

/// The longest file name, in bytes, that common file systems take.
const FILE_NAME_MAX: usize = 255;
/// How deep folders may lie: half of what the sandbox takes over.
const DEPTH_MAX: usize = 32;

/// Returns a place in the folder for each artifact: its own name, with the sub-folders in it.
///
/// Of two of the worker's with one name the later wins, and it wins over one that was handed in: so
/// it would be on the worker's own disk. Of two that were handed in, the later is called `2-…`; so
/// is what cannot lie where its name says, as where another is a folder, or [`RESULT`].
pub(super) fn of<'a>(artifacts: &'a [Artifact], worker: &AgentName) -> Vec<(String, &'a Artifact)> {
    let (own, given): (Vec<_>, Vec<_>) = artifacts
        .iter()
        .partition(|artifact| artifact.created_by == worker.as_str());
    let mut layout = Layout::default();
    for artifact in given {
        let place = layout.free(&safe(&name(artifact)));
        layout.put(place, artifact);
    }
    for artifact in own {
        let wanted = safe(&name(artifact));
        let place = if layout.files.contains_key(&wanted) {
            wanted
        } else {
            layout.free(&wanted)
        };
        layout.put(place, artifact);
    }
    layout.files.into_iter().collect()
}

#[derive(Default)]
struct Layout<'a> {
    files: BTreeMap<String, &'a Artifact>,
    folders: BTreeSet<String>,
}

impl<'a> Layout<'a> {
    fn put(&mut self, place: String, artifact: &'a Artifact) {
        self.folders
            .extend(folders_of(&place).map(ToOwned::to_owned));
        self.files.insert(place, artifact);
    }

    fn free(&self, wanted: &str) -> String {
        if self.is_free(wanted) {
            return wanted.to_owned();
        }
        // Each is in the way of one of these at most, so one of so many is free.
        (2..self.files.len() + self.folders.len() + 4)
            .map(|count| safe(&format!("{count}-{wanted}")))
            .find(|place| self.is_free(place))
            .unwrap_or_else(|| wanted.to_owned())
    }

    fn is_free(&self, place: &str) -> bool {
        let is_file = |path: &str| path == RESULT || self.files.contains_key(path);
        !is_file(place) && !self.folders.contains(place) && !folders_of(place).any(is_file)
    }
}

/// Returns the folders on the way to a place.
fn folders_of(place: &str) -> impl Iterator<Item = &str> {
    place
        .match_indices('/')
        .filter_map(|(end, _)| place.get(..end))
}

fn name(artifact: &Artifact) -> String {
    artifact
        .name
        .as_ref()
        .map_or_else(|| artifact.id.to_string(), ToString::to_string)
}

/// Makes a path that stays below the folder it is used in, and is the text itself where that does.
fn safe(text: &str) -> String {
    let parts = text
        .split('/')
        .map(str::trim)
        .filter(|part| !matches!(*part, "" | "."));
    let mut parts: Vec<String> = parts
        .map(|part| match part {
            ".." => "_".to_owned(),
            part => component(part),
        })
        .collect();
    if parts.len() > DEPTH_MAX {
        let rest = parts.split_off(DEPTH_MAX - 1).join("_");
        parts.push(component(&rest));
    }
    if parts.is_empty() {
        return "_".to_owned();
    }
    parts.join("/")
}

/// Makes a file name that is not too long and has nothing in it that file systems refuse.
fn component(part: &str) -> String {
    let mut name = String::with_capacity(part.len());
    for c in part.chars() {
        let c = if c.is_control() { '_' } else { c };
        if name.len() + c.len_utf8() > FILE_NAME_MAX {
            break;
        }
        name.push(c);
    }
    name
}

#[cfg(test)]
mod tests {
    use hearth_domain::artifact::{ContentHash, MediaType, NewArtifact};
    use hearth_domain::policy::Labels;
    use hearth_domain::{Actor, ArtifactId, JsonObject, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn seed() -> AgentName {
        "seed".parse().unwrap()
    }

    fn artifact(id: u128, name: Option<&str>, by: &Actor) -> Artifact {
        let new = NewArtifact {
            task_id: None,
            kind: "output".parse().unwrap(),
            name: name.map(|name| name.parse().unwrap()),
            media_type: MediaType::plain_text(),
            size_bytes: 1,
            hash: ContentHash([0; 32]),
            metadata: JsonObject::new(),
            labels: Labels::default(),
        };
        let id = format!("{id:032x}").parse().map(ArtifactId);
        Artifact::create(id.unwrap(), new, by, Timestamp::from_millis(1)).after
    }

    /// Lays out artifacts of the owner's, then of seed's; returns each place with its number.
    fn places(given: &[&str], own: &[&str]) -> Vec<(String, usize)> {
        let seed = Actor::Agent(seed());
        let named = given.iter().map(|name| (name, &Actor::Owner));
        let named = named.chain(own.iter().map(|name| (name, &seed)));
        let artifacts: Vec<Artifact> = (0..)
            .zip(named)
            .map(|(id, (name, by))| artifact(id, Some(name), by))
            .collect();
        of(&artifacts, &self::seed())
            .into_iter()
            .map(|(place, artifact)| {
                let id = artifacts.iter().position(|known| known.id == artifact.id);
                (place, id.unwrap())
            })
            .collect()
    }

    fn check(given: &[&str], own: &[&str], expected: &[(&str, usize)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(place, id)| ((*place).to_owned(), *id))
            .collect();
        assert_eq!(places(given, own), expected);
    }

    #[test]
    fn an_artifact_lies_under_its_own_name_with_its_folders() {
        check(
            &["notes.md", ".gitignore", "a b.txt"],
            &["out/report.md", "out/sub/ü.txt"],
            &[
                (".gitignore", 1),
                ("a b.txt", 2),
                ("notes.md", 0),
                ("out/report.md", 3),
                ("out/sub/ü.txt", 4),
            ],
        );
    }

    #[test]
    fn one_without_a_name_is_called_by_its_id() {
        let unnamed = [artifact(9, None, &Actor::Owner)];

        let places = of(&unnamed, &seed());

        assert_eq!(places[0].0, "00000000-0000-0000-0000-000000000009");
    }

    #[test]
    fn what_the_worker_made_last_wins_and_of_what_was_handed_in_all_is_kept() {
        check(&[], &["out/a", "out/a"], &[("out/a", 1)]);
        check(&["a", "a", "a"], &[], &[("2-a", 1), ("3-a", 2), ("a", 0)]);
        check(&["a", "a"], &["a"], &[("2-a", 1), ("a", 2)]);
    }

    #[test]
    fn a_file_and_a_folder_of_one_name_and_the_result_get_out_of_each_others_way() {
        check(&["out"], &["out/a"], &[("2-out/a", 1), ("out", 0)]);
        check(&["out/a"], &["out"], &[("2-out", 1), ("out/a", 0)]);
        check(
            &["result.json"],
            &["result.json", "result.json/x"],
            &[
                ("2-result.json", 0),
                ("3-result.json", 1),
                ("4-result.json/x", 2),
            ],
        );
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for (name, expected) in [
            ("/etc/passwd", "etc/passwd"),
            ("../../etc/passwd", "_/_/etc/passwd"),
            ("a/../../b", "a/_/_/b"),
            ("./a//b/.", "a/b"),
            ("..", "_"),
            ("/", "_"),
            ("a\\b", "a\\b"),
        ] {
            assert_eq!(safe(name), expected, "{name}");
        }
        assert!(safe(&"é".repeat(200)).len() <= FILE_NAME_MAX);
        assert_eq!(safe(&"a/".repeat(90)).split('/').count(), DEPTH_MAX);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_layout_can_be_written(
            names in proptest::collection::vec(("[a-c./]{1,6}|result[.]json(/x)?|[2-3]-[ab]", any::<bool>()), 0..20),
        ) {
            let seed = Actor::Agent(seed());
            let artifacts: Vec<Artifact> = (0..)
                .zip(&names)
                .filter(|(_, (name, _))| !name.trim().is_empty())
                .map(|(id, (name, is_own))| {
                    artifact(id, Some(name), if *is_own { &seed } else { &Actor::Owner })
                })
                .collect();
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(RESULT), "").unwrap();

            let places = of(&artifacts, &self::seed());

            for (place, _) in &places {
                let path = folder.path().join(place);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::File::create_new(&path).unwrap();
                prop_assert!(path.canonicalize().unwrap().starts_with(folder.path().canonicalize().unwrap()));
            }
            let given = artifacts.iter().filter(|a| a.created_by == "owner").count();
            let own = places.iter().filter(|(_, a)| a.created_by == "seed").count();
            // Nothing that was handed in is lost, but to what the worker made under its name.
            prop_assert!(places.len() >= given);
            prop_assert!(own > 0 || artifacts.len() == given);
        }
    }
}
