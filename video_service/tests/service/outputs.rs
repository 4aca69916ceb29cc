//! What else can be had of a video that has been analysed.

use std::path::{Path, PathBuf};

use futures_util::future::{Either, select};
use rstest::rstest;
use service_kit::testing::Backend;
use video_analysis::export::{Format, Media, export};
use video_analysis::{Curves, Execution, Options, Report, Size, analyze_with_curves, frame_jpeg, preview};

use crate::support::{Answer, Kadr, Setup, User, eventually, only_sound, red_then_blue, sample};

/// What the engine makes of the same report.
fn expected(report: &serde_json::Value, format: Format, name: &str) -> String {
    let report: Report = serde_json::from_value(report.clone()).unwrap();
    export(&report, format, &Media { name: name.to_owned(), url: None }).unwrap()
}

#[rstest]
#[actix_web::test]
async fn a_report_is_had_in_the_format_of_every_program(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let form = [("file", Some("red to blue.mp4"), "video/mp4", red_then_blue())];
    let path = ada.send_form(&form).await.header("location").to_owned();
    let report = ada.ended_analysis(&path).await["report"].clone();
    for format in Format::ALL {
        let address = format!("{path}/analysis/export/{}", format.name());
        let answer = ada.get(&address).await;
        assert_eq!(answer.status, 200, "{address}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(
            String::from_utf8(answer.body.clone()).unwrap(),
            expected(&report, format, "red to blue.mp4")
        );
        let filename = format!("attachment; filename=\"red to blue.{}\"", format.extension());
        assert_eq!(answer.header("content-disposition"), filename);
        let seen = ada.request("GET", &address).insert_header(("if-none-match", answer.header("etag")));
        assert_eq!(Answer::to(seen, "").await.status, 304);
        eve.get(&address).await.problem(404, "not-found");
    }
    ada.get(&format!("{path}/thumbnail?frame={}", report["frames"])).await.problem(404, "not-found");
    let chapters = ada.get(&format!("{path}/analysis/export/vtt?version=1")).await;
    assert_eq!(chapters.header("content-type"), "text/vtt; charset=utf-8");
    assert!(chapters.body.starts_with(b"WEBVTT"));
    ada.get(&format!("{path}/analysis/export/exe")).await.problem(404, "not-found");
    ada.get(&format!("{path}/analysis/export/csv?version=2")).await.problem(404, "not-found");
}

#[actix_web::test]
async fn a_film_without_a_files_name_is_called_by_its_whole_title() {
    let kadr = Kadr::start(Backend::Sqlite).await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Café 1/2: v1.5").await;
    ada.put(&format!("{path}/content"), red_then_blue()).await.ok(201);
    ada.ended_analysis(&path).await;
    let answer = ada.get(&format!("{path}/analysis/export/edl")).await;
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"Caf_ 1-2: v1.5.edl\"; filename*=UTF-8''Caf%C3%A9%201%2D2%3A%20v1.5.edl"
    );
}

/// A decoder that never ends.
fn endless_decoder(folder: &Path) -> PathBuf {
    let program = folder.join("ffmpeg");
    std::fs::write(&program, "#!/bin/sh\n[ \"$1\" = -version ] && exit 0\nexec tail -f \"$0\"\n").unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    program
}

/// How many of them are at work.
fn at_work(program: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let commands = processes.map(|process| std::fs::read(process.join("cmdline")).unwrap_or_default());
    let program = program.to_str().unwrap();
    commands.filter(|command| String::from_utf8_lossy(command).contains(program)).count()
}

#[actix_web::test]
async fn no_account_keeps_others_from_their_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let program = endless_decoder(folder.path());
    let kadr = Setup::on(Backend::Sqlite)
        .without_workers()
        .video("ANALYSIS__FFMPEG", program.display())
        .start()
        .await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let address = |path: String| format!("{path}/thumbnail?frame=0");
    let of_ada = address(ada.upload_quietly(red_then_blue()).await);
    let of_eve = address(eve.upload_quietly(red_then_blue()).await);

    let places = std::thread::available_parallelism().unwrap().get().max(2);
    let asking = |user: &User<'_>, path: &str| actix_rt::spawn(user.request("GET", path).send());
    let _hers: Vec<_> = (0..places).map(|_| asking(&ada, &of_ada)).collect();
    let started = async |count| {
        eventually("the decoders", async || (at_work(&program) == count).then_some(())).await;
    };
    started(places / 2).await;
    let _theirs = asking(&eve, &of_eve);
    started(places / 2 + 1).await;
}

#[rstest]
#[case("thumbnail?frame=1")]
#[case("storyboard.vtt")]
#[actix_web::test]
async fn nothing_is_decoded_for_a_client_that_has_gone(#[case] output: &str) {
    let folder = tempfile::tempdir().unwrap();
    let program = endless_decoder(folder.path());
    let setup = Setup::on(Backend::Sqlite).without_workers().video("ANALYSIS__FFMPEG", program.display());
    let kadr = setup.start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let address = format!("{path}/{output}");
    let asking = Box::pin(ada.get(&address));
    let decoding = Box::pin(eventually("a decoder at work", async || (at_work(&program) > 0).then_some(())));
    assert!(matches!(select(asking, decoding).await, Either::Right(_)), "nobody answers");
    eventually("the end of the decoder", async || (at_work(&program) == 0).then_some(())).await;
}

#[rstest]
#[actix_web::test]
async fn what_a_format_cannot_hold_is_told(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(only_sound()).await;
    ada.ended_analysis(&path).await;
    let refused = ada.get(&format!("{path}/analysis/export/edl")).await.problem(409, "not-exportable");
    assert!(refused["detail"].as_str().unwrap().contains("no pictures"), "{refused}");
    ada.get(&format!("{path}/thumbnail?frame=0")).await.problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn any_picture_is_had_at_any_size(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let path = ada.upload_quietly(red_then_blue()).await;
    let input = kadr.blobs()[0].clone();
    for (frame, query, size) in [
        (0, "", Size { width: None, height: None }),
        (30, "&width=64", Size { width: Some(64), height: None }),
        (30, "&width=64&height=8", Size { width: Some(64), height: Some(8) }),
    ] {
        let address = format!("{path}/thumbnail?frame={frame}{query}");
        let answer = ada.get(&address).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "image/jpeg"));
        assert_eq!(answer.body, frame_jpeg(&input, frame, size, &Execution::default(), &()).unwrap());
        let seen = ada.request("GET", &address).insert_header(("if-none-match", answer.header("etag")));
        assert_eq!(Answer::to(seen, "").await.status, 304);
        eve.get(&address).await.problem(404, "not-found");
    }
    ada.get(&format!("{path}/thumbnail?frame=100000")).await.problem(404, "not-found");
    let refused = ada.get(&format!("{path}/thumbnail?frame=0&width=1")).await;
    assert_eq!(refused.problem(422, "validation-failed")["errors"][0]["pointer"], "width");
    ada.get(&format!("{path}/thumbnail")).await.problem(422, "validation-failed");

    let waiting = ada.video("No bytes yet").await;
    ada.get(&format!("{waiting}/thumbnail?frame=0")).await.problem(404, "not-found");
    let nonsense = ada.upload_quietly(b"this is no film".to_vec()).await;
    ada.get(&format!("{nonsense}/thumbnail?frame=0")).await.problem(409, "not-decodable");
}

#[rstest]
#[actix_web::test]
async fn curves_and_waveforms_are_had_in_several_resolutions(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let path = ada.upload(sample()).await;
    ada.get(&format!("{path}/waveform.json")).await.problem(404, "not-found");
    ada.ended_analysis(&path).await;
    let input = kadr.blobs().into_iter().find(|blob| blob.parent().unwrap().ends_with("videos")).unwrap();
    let (_, curves) = analyze_with_curves(&input, &Options::default(), &Execution::default(), &()).unwrap();
    let answer = ada.get(&format!("{path}/analysis/curves")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body == curves.canonical_json().unwrap(), "other curves than the engine's");
    let seen = ada.request("GET", &format!("{path}/analysis/curves"));
    let seen = Answer::to(seen.insert_header(("if-none-match", answer.header("etag"))), "").await;
    assert_eq!(seen.status, 304);

    let Curves { audio, .. } = curves;
    let lengths: Vec<_> = audio[0].waveform.iter().map(|peaks| peaks.length).collect();
    assert!(lengths.len() > 1, "{lengths:?}");
    let coarsest = *lengths.last().unwrap();
    for (points, length) in [
        (1, coarsest),
        (coarsest, coarsest),
        (coarsest + 1, lengths[lengths.len() - 2]),
        (u64::MAX, lengths[0]),
    ] {
        let address = format!("{path}/waveform.json?points={points}&stream={}", audio[0].stream);
        assert_eq!(ada.get(&address).await.ok(200)["length"], length, "{points}");
    }
    ada.get(&format!("{path}/waveform.json?points=0")).await.problem(422, "validation-failed");
    ada.get(&format!("{path}/waveform.json?stream=7")).await.problem(404, "not-found");
    for address in ["analysis/curves", "waveform.json"] {
        eve.get(&format!("{path}/{address}")).await.problem(404, "not-found");
        ada.get(&format!("{path}/{address}?version=2")).await.problem(404, "not-found");
    }
}

#[rstest]
#[actix_web::test]
async fn a_player_is_given_thumbnails_for_its_seek_bar(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let path = ada.upload_quietly(sample()).await;
    let (_, board) = preview(&kadr.blobs()[0], &Execution::default(), &()).unwrap();
    let index = ada.get(&format!("{path}/storyboard.vtt")).await;
    assert_eq!((index.status, index.header("content-type")), (200, "text/vtt; charset=utf-8"));
    let text = String::from_utf8(index.body).unwrap();
    assert!(text.starts_with("WEBVTT"), "{text}");
    assert_eq!(text.matches("#xywh=").count(), board.thumbnails.len());
    for (number, jpeg) in board.sprites.iter().enumerate() {
        let name = format!("storyboard/{number}.jpg");
        assert!(text.contains(&format!("\n{name}#xywh=0,0,")), "{text}");
        let sprite = ada.get(&format!("{path}/{name}")).await;
        assert_eq!((sprite.status, sprite.header("content-type")), (200, "image/jpeg"));
        assert!(&sprite.body == jpeg, "another sprite than the engine's");
        eve.get(&format!("{path}/{name}")).await.problem(404, "not-found");
    }
    ada.get(&format!("{path}/storyboard/{}.jpg", board.sprites.len())).await.problem(404, "not-found");
    let nonsense = ada.upload_quietly(b"this is no film".to_vec()).await;
    ada.get(&format!("{nonsense}/storyboard.vtt")).await.problem(409, "not-decodable");
}
