//! What runs behind the requests for as long as the service does: removing what nobody needs any more.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::DatabaseConnection;
use service_kit::clock::SharedClock;
use video_analysis::FeatureCache;

use crate::blobs::BlobStore;
use crate::state::State;
use crate::videos::trash;
use crate::{features, idempotency, orphans, shares, unnamed, uploads, webhooks};

/// How often the rubbish of killed uploads is looked for: it is rare, and hurts only by its size.
const SWEEP_INTERVAL: Duration = Duration::from_hours(1);

/// Removes the rubbish of killed uploads and what is written down as unnamed, and tells of other bytes that nobody names: now and
/// every hour. These are not removed unasked: beside another database than theirs all films would be among them.
pub(crate) async fn sweep_for_ever(db: DatabaseConnection, blobs: BlobStore, clock: SharedClock) {
    let mut hours = actix_web::rt::time::interval(SWEEP_INTERVAL);
    loop {
        hours.tick().await;
        match blobs.sweep().await {
            Ok(0) => {}
            Ok(count) => log::info!("abandoned uploads removed count={count}"),
            Err(error) => log::warn!("abandoned uploads not removed cause=\"{error}\""),
        }
        match unnamed::sweep(&db, &blobs, clock.now() - unnamed::AFTER).await {
            Ok(0) => {}
            Ok(count) => log::info!("blobs removed that were written down as unnamed count={count}"),
            Err(error) => log::warn!("blobs that are written down as unnamed not removed cause=\"{error}\""),
        }
        match orphans::find(&db, &blobs, clock.now() - orphans::YOUNG).await {
            Ok(found) if found.is_empty() => {}
            Ok(found) => log::warn!(
                "nobody names some blobs, see `video_service storage check` blobs={} bytes={}",
                found.len(),
                found.iter().map(|orphan| orphan.bytes).sum::<u64>()
            ),
            Err(error) => log::warn!("blobs that nobody names not looked for cause=\"{error}\""),
        }
    }
}

/// Takes care of uploads that nobody continues, forgets idempotency keys that count no more, share links that have expired
/// and deliveries of webhooks that are `log` old: now and every hour.
pub(crate) async fn tidy_for_ever(state: State, log: TimeDelta) {
    let mut hours = actix_web::rt::time::interval(SWEEP_INTERVAL);
    loop {
        hours.tick().await;
        match uploads::sweep(&state).await {
            Ok(0) => {}
            Ok(count) => log::info!("uploads tidied count={count}"),
            Err(error) => log::warn!("uploads not tidied cause=\"{error}\""),
        }
        if let Err(error) = idempotency::sweep(&state.db, state.clock.now()).await {
            log::warn!("idempotency keys not forgotten cause=\"{error}\"");
        }
        match shares::sweep(&state.db, state.clock.now()).await {
            Ok(0) => {}
            Ok(count) => log::info!("share links forgotten count={count}"),
            Err(error) => log::warn!("share links not forgotten cause=\"{error}\""),
        }
        match webhooks::sweep(&state.db, state.clock.now() - log).await {
            Ok(0) => {}
            Ok(count) => log::info!("deliveries forgotten count={count}"),
            Err(error) => log::warn!("deliveries not forgotten cause=\"{error}\""),
        }
    }
}

/// Deletes what has been in the trash for too long, now and every `interval` seconds.
pub(crate) async fn purge_for_ever(state: State, interval: u64) {
    let mut times = actix_web::rt::time::interval(Duration::from_secs(interval));
    loop {
        times.tick().await;
        match trash::purge(&state).await {
            Ok(0) => {}
            Ok(count) => log::info!("trash purged videos={count}"),
            Err(problem) => {
                log::warn!("trash not purged cause=\"{}\"", problem.log_cause().unwrap_or_default());
            }
        }
    }
}

/// Removes the features of content that no video has any more, now and every `interval` seconds.
pub(crate) async fn forget_features_for_ever(db: DatabaseConnection, cache: FeatureCache, interval: u64) {
    let mut times = actix_web::rt::time::interval(Duration::from_secs(interval));
    loop {
        times.tick().await;
        match features::forget_orphans(&db, &cache).await {
            Ok(0) => {}
            Ok(count) => log::info!("features of deleted content removed contents={count}"),
            Err(error) => log::warn!("features of deleted content not removed cause=\"{error}\""),
        }
    }
}
