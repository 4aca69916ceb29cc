//! `GET /videos/{id}/analysis/export/{format}`: the report as other programs read it.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, DispositionType, EntityTag};
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::{analysis_report, video};
use sea_orm::EntityTrait;
use serde::Deserialize;
use service_kit::problem::Problem;
use service_kit::query::Query;
use utoipa::IntoParams;
use uuid::Uuid;
use video_analysis::Report;
use video_analysis::export::{self, ExportError, Format, Media};

use crate::auth::{Authorized, VideosRead};
use crate::disposition;
use crate::queue;
use crate::revalidation::{kept, unchanged};
use crate::state::State;
use crate::videos;

/// Which report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportQuery {
    /// Of this version of the content; of the present one where it is not given.
    version: Option<i32>,
}

/// Export a report
///
/// Of the newest successful analysis, as a file. `format` is `csv`, `pyscenedetect`, `edl`, `otio`, `fcpxml`, `webvtt`,
/// `ffmetadata` or `qpfile`; or how names of such files end, as `vtt`. `edl` and `fcpxml` need a constant frame rate.
#[utoipa::path(
    get, path = "/videos/{id}/analysis/export/{format}", tag = "analyses",
    params(("id" = Uuid, Path), ("format" = String, Path), ExportQuery),
    responses(
        (status = 200, content_type = "text/plain", description = "The file; its media type is that of the format"),
        (status = 409, description = "The format cannot hold what was found"),
    ),
)]
pub(super) async fn export(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    path: web::Path<(Uuid, String)>,
    Query(query): Query<ExportQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (id, format) = path.into_inner();
    let video = videos::owned(&state.reader, id, &auth.caller).await?;
    let format = named(&format).ok_or_else(|| Problem::not_found("format of exports"))?;
    let version = query.version.unwrap_or(video.version);
    let absent = || Problem::not_found("report: the video has no finished analysis");
    let analysis = queue::newest_succeeded(&state.reader, id, version).await?.ok_or_else(absent)?;
    // A report is written once, and the name in it is the record's.
    let tag = format!("{}-{}-{}", analysis.id.simple(), format.name(), video.revision);
    let tag = EntityTag::new_strong(tag);
    if let Some(answer) = unchanged(&request, &tag) {
        return Ok(answer);
    }
    let report = analysis_report::Entity::find_by_id(analysis.id).one(&state.reader).await?;
    let report = report.ok_or_else(absent)?.body;
    let filename = format!("{}.{}", stem(&video), format.extension());
    let media = Media { name: name_of(&video), url: None };
    // A report of a long film has megabytes.
    let rendered = web::block(move || render(&report, format, &media)).await.map_err(Problem::internal)?;
    Ok(kept(tag)
        .insert_header((header::CONTENT_TYPE, media_type(format)))
        .insert_header(disposition::of_file(DispositionType::Attachment, &filename))
        .body(rendered?))
}

fn render(report: &str, format: Format, media: &Media) -> Result<String, Problem> {
    let report: Report = serde_json::from_str(report)
        .map_err(|error| not_exportable("the report is of another version; analyse anew").cause(error))?;
    export::export(&report, format, media).map_err(|error| match error {
        ExportError::UnknownVersion(version) => {
            not_exportable(&format!("the report has the version {version}; analyse anew"))
        }
        other => not_exportable(&other.to_string()),
    })
}

fn not_exportable(reason: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "not-exportable", "The format cannot hold what was found")
        .detail(reason)
}

fn named(name: &str) -> Option<Format> {
    Format::ALL.into_iter().find(|format| format.name() == name || format.extension() == name)
}

fn media_type(format: Format) -> &'static str {
    match format {
        Format::Csv | Format::PySceneDetect => "text/csv; charset=utf-8",
        Format::Otio => "application/json",
        Format::Fcpxml => "application/xml",
        Format::WebVtt => "text/vtt; charset=utf-8",
        Format::Edl | Format::FfMetadata | Format::QpFile => "text/plain; charset=utf-8",
    }
}

/// What the film is called in the file: editors look for it by the name of its own file.
fn name_of(video: &video::Model) -> String {
    video.filename.clone().unwrap_or_else(|| video.title.clone())
}

/// The name of its file without the ending; its title where it has none, whose dots are no endings.
fn stem(video: &video::Model) -> &str {
    match video.filename.as_deref() {
        Some(name) => name.rsplit_once('.').map_or(name, |(stem, _)| stem),
        None => &video.title,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_their_names_and_their_endings() {
        for format in Format::ALL {
            assert_eq!((named(format.name()), named(format.extension())), (Some(format), Some(format)));
        }
        assert_eq!(named("vtt"), Some(Format::WebVtt));
        assert_eq!(named("exe"), None);
    }
}
