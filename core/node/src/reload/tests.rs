use super::*;

fn settings(changes: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::defaults("/data".into());
    for (key, word) in changes {
        let setting = crate::settings::table::find(key).unwrap();
        (setting.set)(&mut settings, Given::Word(word)).unwrap();
    }
    settings
}

#[test]
fn what_counts_at_once_is_told_from_what_waits_for_a_restart() {
    let before = settings(&[]);
    let fresh = settings(&[
        ("log.level", "debug"),
        ("listen", "127.0.0.1:9"),
        ("time_zone", "Europe/Berlin"),
    ]);

    let (at_once, at_restart) = changed(&before, &fresh);
    let after = with_changes(&before, &fresh, &at_once);

    let keys: Vec<_> = at_once.iter().map(|setting| setting.key).collect();
    assert_eq!(keys, ["time_zone", "log.level"]);
    let keys: Vec<_> = at_restart.iter().map(|setting| setting.key).collect();
    assert_eq!(keys, ["listen"]);
    assert_eq!(
        after,
        settings(&[("log.level", "debug"), ("time_zone", "Europe/Berlin")])
    );
}

#[test]
fn the_command_that_mends_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my hearth.toml");
    std::fs::write(&file, "").unwrap();
    let layers = Layers {
        config: Some(file.clone()),
        ..Layers::default()
    };
    let in_force = layers.load().unwrap();
    let remedy_of = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let problem = format!("{:#}", layers.load().unwrap_err());
        assert!(problem.contains("line 2"), "{problem}");
        remedy(&problem, &in_force, layers.names_file())
    };

    let set = format!("hearth --config '{}' config set", file.display());
    assert_eq!(
        remedy_of("[log]\nlevel = \"loud\""),
        format!("{set} log.level info")
    );
    assert_eq!(
        remedy_of("# hosts\nallowed_hosts = 1"),
        format!("{set} allowed_hosts ''")
    );
    let problem = "log.level in F must be";
    assert_eq!(
        remedy(problem, &in_force, false),
        "hearth config set log.level info"
    );
    let editor = format!("${{EDITOR:-vi}} '{}'", file.display());
    assert_eq!(remedy_of("[log]\nlevle = \"debug\""), editor);
    assert_eq!(remedy_of("[log]\nlevel ="), editor);
}
