use std::os::unix::fs::PermissionsExt;

use super::*;

fn environment(variables: &[(&str, &str)]) -> anyhow::Result<Environment> {
    let variables = variables.iter().map(|(k, v)| ((*k).into(), (*v).into()));
    Environment::from_variables(variables)
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn a_secret_is_shown_in_no_form() {
    let secret = Secret::new(" s3cret\n").unwrap();

    assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
    assert_eq!(secret.reveal(), "s3cret");
}

#[test]
fn what_is_no_secret_is_not_repeated() {
    let long = "s3cret".repeat(1000);
    for wrong in [" \n", "s3cret\ntwo", long.as_str()] {
        let error = Secret::new(wrong).unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn a_name_and_its_variables_belong_to_each_other() {
    let token = name("telegram_token");
    assert_eq!(token.variable(), "HEARTH_SECRET_TELEGRAM_TOKEN");
    assert_eq!(token.file_variable(), "HEARTH_SECRET_TELEGRAM_TOKEN_FILE");
    for variable in [token.variable(), token.file_variable()] {
        assert_eq!(Name::of_variable(&variable), Ok(token.clone()));
    }
    for wrong in ["", "Token", "telegram.token", "7up", "key_file", "a b"] {
        assert!(wrong.parse::<Name>().is_err(), "{wrong}");
    }
}

#[test]
fn a_variable_that_is_for_no_secret_is_refused() {
    for wrong in ["HEARTH_SECRET_", "HEARTH_SECRET_x", "HEARTH_SECRET_7"] {
        let error = environment(&[(wrong, "s3cret")]).unwrap_err().to_string();
        assert!(error.starts_with(wrong), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn a_variable_goes_over_the_file_that_another_names_and_that_over_the_keyring() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "of-file\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = ("HEARTH_SECRET_TOKEN_FILE", path.to_str().unwrap());
    let find = |variables: &[_]| {
        let keyring = |account: &str| {
            assert_eq!(account, "secret:token");
            Secret::new("of-keyring").map(Some)
        };
        let environment = environment(variables).unwrap();
        let (secret, source) = find_with(&environment, &name("token"), keyring)
            .unwrap()
            .unwrap();
        (secret.reveal().to_owned(), source)
    };

    let of_keyring = find(&[]);
    let of_file = find(&[file]);
    let of_variable = find(&[file, ("HEARTH_SECRET_TOKEN", "of-variable")]);

    assert_eq!(of_keyring, ("of-keyring".into(), Source::Keyring));
    assert_eq!(of_file, ("of-file".into(), Source::File));
    assert_eq!(of_variable, ("of-variable".into(), Source::Environment));
}

#[test]
fn a_file_that_cannot_be_used_is_told_and_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let listed = || {
        let variables = [("HEARTH_SECRET_TOKEN_FILE", path.to_str().unwrap())];
        let mut listed = list_given(&environment(&variables).unwrap());
        let listed = listed.pop().unwrap();
        assert_eq!((listed.name, listed.source), (name("token"), Source::File));
        listed.problem.unwrap()
    };

    assert!(listed().contains("there is no file"), "{}", listed());
    std::fs::write(&path, "s3cret\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(listed().contains("chmod 600"), "{}", listed());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, "s3cret\n".repeat(1000)).unwrap();
    assert!(listed().contains("longer than 4096 bytes"), "{}", listed());
    assert!(!listed().contains("s3cret"), "{}", listed());
}
