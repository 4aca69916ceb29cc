//! What changes with time: `GET /videos/{id}/analysis/curves`, and the sound of it as a waveform for players.

use std::io::Read;

use actix_web::http::header::EntityTag;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::{analysis, analysis_curves};
use flate2::read::GzDecoder;
use sea_orm::EntityTrait;
use serde::Deserialize;
use service_kit::problem::{FieldError, Problem};
use service_kit::query::Query;
use utoipa::IntoParams;
use uuid::Uuid;
use video_analysis::Curves;
use video_analysis::report::{AudioCurves, Peaks};

use crate::auth::{Authorized, VideosRead};
use crate::queue;
use crate::revalidation::{kept, unchanged};
use crate::state::State;
use crate::videos;

/// Points of a waveform where nothing else is asked for: as many as a page is wide.
const POINTS: u64 = 1024;

/// Which curves.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct CurvesQuery {
    /// Of this version of the content; of the present one where it is not given.
    version: Option<i32>,
}

/// Which waveform.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct WaveformQuery {
    /// Of this version of the content; of the present one where it is not given.
    version: Option<i32>,
    /// Index of the audio stream; the first one where it is not given.
    stream: Option<u32>,
    /// The coarsest resolution that has at least so many points is taken, or else the finest; 1024 where it is not given.
    points: Option<u64>,
}

/// Read curves
///
/// Of the newest successful analysis: change, luma, bit rate, loudness and waveform, each in several resolutions.
#[utoipa::path(
    get, path = "/videos/{id}/analysis/curves", tag = "analyses", params(("id" = Uuid, Path), CurvesQuery),
    responses((status = 200, body = Curves)),
)]
pub(super) async fn curves(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    Query(query): Query<CurvesQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let analysis = newest(&state, &auth, *id, query.version).await?;
    let tag = EntityTag::new_strong(format!("{}-curves", analysis.id.simple()));
    if let Some(answer) = unchanged(&request, &tag) {
        return Ok(answer);
    }
    let compressed = stored(&state, &analysis).await?;
    let json = web::block(move || decompressed(&compressed)).await.map_err(Problem::internal)??;
    Ok(kept(tag).content_type(mime::APPLICATION_JSON).body(json))
}

/// Read a waveform
///
/// Of one audio stream, in the JSON format of the BBC's `audiowaveform` (version 2), which players such as peaks.js draw.
#[utoipa::path(
    get, path = "/videos/{id}/waveform.json", tag = "videos", params(("id" = Uuid, Path), WaveformQuery),
    responses((status = 200, body = Peaks), (status = 404, description = "There is no analysis yet, or no such sound")),
)]
pub(super) async fn waveform(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    Query(query): Query<WaveformQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let points = query.points.unwrap_or(POINTS);
    if points == 0 {
        return Err(Problem::invalid(vec![FieldError::new("points", "must be at least 1")]));
    }
    let analysis = newest(&state, &auth, *id, query.version).await?;
    let stream = query.stream.map_or_else(|| "first".to_owned(), |stream| stream.to_string());
    let tag = EntityTag::new_strong(format!("{}-{stream}-{points}", analysis.id.simple()));
    if let Some(answer) = unchanged(&request, &tag) {
        return Ok(answer);
    }
    let compressed = stored(&state, &analysis).await?;
    let peaks = web::block(move || {
        let curves: Curves =
            serde_json::from_slice(&decompressed(&compressed)?).map_err(Problem::internal)?;
        let sound =
            curves.audio.into_iter().find(|sound| query.stream.is_none_or(|stream| stream == sound.stream));
        sound.and_then(|sound| coarsest(sound, points)).ok_or_else(|| Problem::not_found("sound"))
    });
    let peaks = peaks.await.map_err(Problem::internal)??;
    Ok(kept(tag).json(peaks))
}

/// The newest successful analysis of a version of the caller's video.
async fn newest(
    state: &State,
    auth: &Authorized<VideosRead>,
    id: Uuid,
    version: Option<i32>,
) -> Result<analysis::Model, Problem> {
    let video = videos::owned(&state.reader, id, &auth.caller).await?;
    let newest = queue::newest_succeeded(&state.reader, id, version.unwrap_or(video.version)).await?;
    newest.ok_or_else(|| Problem::not_found("curves: the video has no finished analysis"))
}

async fn stored(state: &State, analysis: &analysis::Model) -> Result<Vec<u8>, Problem> {
    let row = analysis_curves::Entity::find_by_id(analysis.id).one(&state.reader).await?;
    let row =
        row.ok_or_else(|| Problem::not_found("curves: the analysis is of an older version; analyse anew"))?;
    Ok(row.body)
}

fn decompressed(compressed: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut json = Vec::new();
    GzDecoder::new(compressed).read_to_end(&mut json).map_err(Problem::internal)?;
    Ok(json)
}

/// The coarsest waveform of at least so many points, or the finest.
fn coarsest(sound: AudioCurves, points: u64) -> Option<Peaks> {
    let mut waveforms = sound.waveform;
    let enough = waveforms.iter().rposition(|peaks| peaks.length >= points);
    (!waveforms.is_empty()).then(|| waveforms.swap_remove(enough.unwrap_or(0)))
}
