//! What the engine says of itself on films of known truth.

use std::process::Command;

#[test]
fn the_selftest_finds_nothing_that_is_not_as_it_must_be() {
    let output = Command::new(env!("CARGO_BIN_EXE_video_analysis")).arg("selftest").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for part in ["Events", "Loudness", "Reports in [1, 3, 7] pieces"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
