use super::*;

struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn with_file(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
        Self { folder }
    }

    fn load(&self, variables: &[(&str, &str)], flags: &[Override]) -> Result<Loaded, String> {
        let variables = variables.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        let environment = Environment::from_variables(variables).unwrap();
        load(
            &environment,
            Some(&self.folder.path().join(FILE_NAME)),
            flags,
        )
        .map_err(|error| format!("{error:#}"))
    }
}

fn listen(word: &str) -> Override {
    Override {
        key: "listen",
        flag: "--listen",
        value: word.into(),
    }
}

fn source(loaded: &Loaded, key: &str) -> Source {
    let mut entries = loaded.entries();
    entries.find(|(setting, ..)| setting.key == key).unwrap().2
}

#[test]
fn each_layer_goes_over_the_one_before() {
    let ground = Ground::with_file("listen = \"127.0.0.1:1\"\n[agents]\nbuiltin = false\n");
    let variable = [("HEARTH_LISTEN", "127.0.0.1:2")];

    let file = ground.load(&[], &[]).unwrap();
    let env = ground.load(&variable, &[]).unwrap();
    let flag = ground.load(&variable, &[listen("127.0.0.1:3")]).unwrap();

    assert_eq!(file.settings.listen.port(), 1);
    assert_eq!(env.settings.listen.port(), 2);
    assert_eq!(flag.settings.listen.port(), 3);
    assert!(!flag.settings.agents.has_builtin);
    assert_eq!(
        [&file, &env, &flag].map(|loaded| source(loaded, "listen")),
        [Source::File, Source::Environment, Source::Flag]
    );
    assert_eq!(source(&flag, "log.level"), Source::Default);
}

#[test]
fn an_unknown_setting_is_refused_with_its_line_and_the_nearest_right_one() {
    let ground = Ground::with_file("# mine\n[sandbox]\ntime_second = 5\n");

    let error = ground.load(&[], &[]).unwrap_err();

    assert!(
        error.starts_with("unknown setting sandbox.time_second in "),
        "{error}"
    );
    assert!(
        error.ends_with("hearth.toml, line 3; did you mean sandbox.time_seconds?"),
        "{error}"
    );
}

#[test]
fn an_unknown_section_is_refused_even_when_empty() {
    let error = Ground::with_file("[agnts]\n").load(&[], &[]).unwrap_err();

    assert!(error.contains("unknown setting agnts"), "{error}");
}

#[test]
fn a_bad_value_names_setting_place_and_remedy() {
    let cases = [
        (
            "http = 3\n",
            "unknown setting http in F, line 1; did you mean http.max_body_bytes?",
        ),
        (
            "[log]\nlevel = 3\n",
            "log.level in F, line 2 must be one of error, warn, info, debug, trace",
        ),
        (
            "listen = \"x\"\n",
            "listen in F, line 1 must be an address and a port, such as 127.0.0.1:4747",
        ),
        (
            "data_dir = \"data\"\n",
            "data_dir in F, line 1 must be an absolute path, written out without ~",
        ),
        (
            "[sandbox.processes]\nmost = 3\n",
            "unknown setting sandbox.processes.most in F, line 2; did you mean sandbox.processes?",
        ),
    ];
    for (text, expected) in cases {
        let ground = Ground::with_file(text);
        let path = ground.folder.path().join(FILE_NAME).display().to_string();

        let error = ground.load(&[], &[]).unwrap_err();

        assert_eq!(error.replace(&path, "F"), expected);
    }
}

#[test]
fn a_bad_variable_or_flag_is_named() {
    let ground = Ground::with_file("");

    assert_eq!(
        ground
            .load(&[("HEARTH_AGENTS_BUILTIN", "maybe")], &[])
            .unwrap_err(),
        "HEARTH_AGENTS_BUILTIN must be true or false"
    );
    assert_eq!(
        ground.load(&[], &[listen("nowhere")]).unwrap_err(),
        "--listen must be an address and a port, such as 127.0.0.1:4747"
    );
}

#[test]
fn a_file_that_is_no_toml_is_told_in_one_line() {
    let error = Ground::with_file("listen = \n").load(&[], &[]).unwrap_err();

    assert!(error.contains("is not valid TOML, line 1: "), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn what_cannot_be_read_is_told_in_one_line() {
    let check = |put: &dyn Fn(&Path), expected: &str| {
        let ground = Ground::with_file("");
        let path = ground.folder.path().join(FILE_NAME);
        std::fs::remove_file(&path).unwrap();
        put(&path);
        let error = ground.load(&[], &[]).unwrap_err();
        assert!(error.starts_with("cannot read "), "{error}");
        assert!(error.ends_with(expected), "{error}");
        let error = crate::settings::edit::set(&path, "log.level", "debug").unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
    };

    check(
        &|path| std::fs::create_dir(path).unwrap(),
        "it is not a file",
    );
    check(
        &|path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRUSR).unwrap(),
        "it is not a file",
    );
    check(
        &|path| std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        "it is not a file",
    );
    check(
        &|path| std::fs::write(path, "#".repeat(1024 * 1024 + 1)).unwrap(),
        "it is larger than 1048576 bytes",
    );
    check(
        &|path| std::fs::write(path, b"\xff\xfe").unwrap(),
        "it is not UTF-8 text",
    );
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let ground = Ground::with_file("");
    std::fs::remove_file(ground.folder.path().join(FILE_NAME)).unwrap();

    let error = ground.load(&[], &[]).unwrap_err();

    assert!(error.starts_with("there is no settings file "), "{error}");
    assert!(error.ends_with("`hearth config set` makes one"), "{error}");
}

#[test]
fn a_relative_data_folder_in_a_variable_is_meant_from_here() {
    let loaded = Ground::with_file("")
        .load(&[("HEARTH_DATA_DIR", "data")], &[])
        .unwrap();

    assert!(loaded.settings.data_dir.is_absolute());
    assert!(loaded.settings.data_dir.ends_with("data"));
}
