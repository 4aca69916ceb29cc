use std::path::Path;

use super::*;

const FILM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/big_buck_bunny_30s.mp4");

/// Arguments by which ffprobe follows a playlist, which the engine never gives it.
fn follow(playlist: &Path) -> Vec<String> {
    let url = input_url(playlist).unwrap();
    ["-v", "error", "-f", "concat", "-safe", "0", "-show_entries", "stream=codec_name", "-i", &url]
        .map(str::to_owned)
        .into()
}

#[test]
fn a_playlist_opens_nothing_even_where_ffmpeg_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.ffconcat");
    std::fs::write(&list, format!("ffconcat version 1.0\nfile '{FILM}'\n")).unwrap();
    let execution = Execution::default();
    if view::of(&list, &Tools::find(&execution).unwrap()).unwrap().is_none() {
        eprintln!("not tested: this kernel has no Landlock");
        return;
    }
    let processes = Processes::new(&list, &execution).unwrap();
    let (found, exit) = processes.output(Program::Ffprobe, &follow(&list), 1 << 20).unwrap();
    assert!(!exit.success() && found.is_empty(), "{}", exit.complaints);
    for said in ["Impossible to open", "Permission denied"] {
        assert!(exit.complaints.contains(said), "{}", exit.complaints);
    }

    // The control: it does open what it names where nothing forbids it.
    let plain = Command::new("ffprobe").args(follow(&list)).output().unwrap();
    assert!(plain.status.success() && !plain.stdout.is_empty());
}

#[test]
fn a_decoder_has_no_network_even_where_ffmpeg_would_use_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let args = ["-v", "error", "-i", &url].map(str::to_owned);
    let execution = Execution::default();
    let processes = Processes::new(Path::new(FILM), &execution).unwrap();
    let (_, exit) = processes.output(Program::Ffprobe, &args, 1 << 20).unwrap();
    assert!(!exit.success() && exit.complaints.contains("Permission denied"), "{}", exit.complaints);
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);

    // The control: it does connect where nothing forbids it.
    listener.set_nonblocking(false).unwrap();
    let mut plain = Command::new("ffprobe").args(&args).stderr(Stdio::null()).spawn().unwrap();
    drop(listener.accept().unwrap());
    plain.wait().unwrap();
}

#[test]
fn when_a_part_of_an_analysis_fails_the_decoders_of_the_others_are_ended_for_its_reason() {
    let processes = Processes::new(Path::new(FILM), &Execution::default()).unwrap();
    let endless = "-v error -f lavfi -i anullsrc -f null -".split_whitespace().map(str::to_owned);
    let running = processes.spawn(Program::Ffmpeg, &endless.collect::<Vec<_>>(), None).unwrap();
    processes.watch.stop_for(&Error::new(ErrorKind::TooLong, "of the pictures"));
    processes.watch.stop_for(&Error::new(ErrorKind::DecoderCrashed, "for being killed"));
    assert_eq!(running.finish().err().map(|error| error.kind()), Some(ErrorKind::TooLong));
    let next = processes.spawn(Program::Ffprobe, &[], None);
    assert_eq!(next.err().map(|error| error.kind()), Some(ErrorKind::TooLong));
}

#[test]
fn a_decoder_whose_libraries_are_not_found_is_told_from_a_file_that_is_no_video() {
    let exit = |complaints: &str| Exit {
        status: ExitStatus::from_raw(127 << 8),
        out_of_time: false,
        complaints: complaints.to_owned(),
    };
    let kind = |text: &str| exit(text).classify().err().map(|error| error.kind());
    let loading = "ffprobe: error while loading shared libraries: libavdevice.so.59: ";
    let missing = format!("{loading}cannot open shared object file: Permission denied");
    assert_eq!(kind(&missing), Some(ErrorKind::DecoderMissing));
    let memory = format!("{loading}failed to map segment from shared object");
    assert_eq!(kind(&memory), Some(ErrorKind::LimitsExceeded));
    assert_eq!(kind("Invalid data found when processing input"), None);
}
