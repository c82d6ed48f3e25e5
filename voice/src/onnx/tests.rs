use super::*;
use crate::test_support::{data, onnx_library};

#[test]
fn a_missing_library_is_said_to_be_missing_with_what_to_do() {
    let error = Runtime::load(Path::new("/nowhere/libonnxruntime.so"))
        .err()
        .unwrap();

    assert!(matches!(error, OnnxError::Missing(_)), "{error}");
    assert!(error.to_string().contains("hearth models pull"), "{error}");
}

#[test]
fn what_is_no_library_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libonnxruntime.so");
    std::fs::write(&text, "OrtGetApiBase").unwrap();

    for path in [text.as_path(), folder.path(), &data("tone.mp3")] {
        let error = Runtime::load(path).err().unwrap();

        assert!(matches!(error, OnnxError::NotTheLibrary { .. }), "{error}");
    }
}

#[test]
fn the_library_is_loaded_once_and_no_other_beside_it() {
    let Some(library) = onnx_library("the_library_is_loaded_once_and_no_other_beside_it") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("libonnxruntime.so");
    std::fs::copy(&library, &copy).unwrap();

    let first = Runtime::load(&library).unwrap();
    let second = Runtime::load(&library).unwrap();
    let error = Runtime::load(&copy).err().unwrap();

    assert_eq!(first.library(), second.library());
    assert!(matches!(error, OnnxError::Another { .. }), "{error}");
}

#[test]
fn a_broken_model_is_said_to_be_broken() {
    let Some(library) = onnx_library("a_broken_model_is_said_to_be_broken") else {
        return;
    };
    let runtime = Runtime::load(&library).unwrap();

    for path in [data("tone.mp3"), data("nowhere.onnx")] {
        let error = Model::open(&runtime, &path, 1).err().unwrap();

        assert!(
            error.to_string().contains("hearth models verify"),
            "{error}"
        );
    }
}
