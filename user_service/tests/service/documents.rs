//! What the documentation promises about the tests.

use std::path::Path;

/// The text of all source files under `folder`.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &std::fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn every_test_that_the_security_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let table = std::fs::read_to_string(root.join("docs/asvs.md")).unwrap();
    let there = sources(&root.join("user_service")) + &sources(&root.join("video_service"));
    let quoted = table.split('`').skip(1).step_by(2);
    // Tests are sentences; other names are shorter.
    let tests: Vec<_> = quoted.filter(|name| name.matches('_').count() >= 4).collect();
    assert!(tests.len() > 30, "{tests:?}");
    for test in tests {
        let name = test.rsplit("::").next().unwrap();
        assert!(there.contains(&format!("fn {name}(")), "docs/asvs.md names {test}");
    }
}
