//! Webhooks: others are told of events, by the Standard Webhooks specification (<https://www.standardwebhooks.com>).
//!
//! An event becomes one delivery for each webhook that wants it, in the transaction of what it tells of. A courier sends
//! deliveries apart from any request, until each has arrived or is given up; the deliveries are the log as well.

mod address;
mod collection;
mod connector;
mod courier;
mod deliveries;
mod event;
mod item;
mod log;
mod record;
mod sender;
mod signature;
mod target;

use actix_web::http::Method;
use entity::video_db::webhook;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use secrecy::SecretString;
use service_kit::endpoint::Endpoint;
use service_kit::problem::Problem;
use service_kit::vault::Vault;
use utoipa::OpenApi;
use uuid::Uuid;

pub(crate) use self::address::AddressRule;
pub(crate) use self::courier::Courier;
pub(crate) use self::deliveries::sweep;
pub(crate) use self::event::{EventType, Subject, publish};
use crate::auth::Caller;
use crate::settings::WebhookSettings;

/// What the encryption of their secrets is for.
const VAULT_PURPOSE: &str = "kadr webhook";

/// What handlers and couriers of webhooks work with.
#[derive(Clone)]
pub(crate) struct Webhooks {
    pub(crate) vault: Vault,
    pub(crate) rule: AddressRule,
    pub(crate) settings: WebhookSettings,
}

impl Webhooks {
    /// Secrets are encrypted with a key made of `key`.
    pub(crate) fn new(key: &SecretString, settings: WebhookSettings) -> Self {
        let rule = AddressRule::new(settings.allowed_networks.clone());
        Self { vault: Vault::new(key, VAULT_PURPOSE), rule, settings }
    }
}

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(
    collection::create,
    collection::list,
    item::read,
    item::update,
    item::delete,
    item::rotate_secret,
    log::list,
    log::replay,
))]
pub(crate) struct Api;

/// What this module answers, for the router.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/webhooks", collection::list).with_query(),
        Endpoint::new(Method::POST, "/webhooks", collection::create),
        Endpoint::new(Method::GET, "/webhooks/{id}", item::read),
        Endpoint::new(Method::PATCH, "/webhooks/{id}", item::update),
        Endpoint::new(Method::DELETE, "/webhooks/{id}", item::delete),
        Endpoint::new(Method::POST, "/webhooks/{id}/rotate-secret", item::rotate_secret),
        Endpoint::new(Method::GET, "/webhooks/{id}/deliveries", log::list).with_query(),
        Endpoint::new(Method::POST, "/webhooks/{id}/deliveries/{delivery_id}/replay", log::replay),
    ]
}

/// Forgets the webhooks of an account that is gone, with everything on its way to them.
pub(crate) async fn remove_all(db: &impl ConnectionTrait, account: Uuid) -> Result<(), DbErr> {
    webhook::Entity::delete_many().filter(webhook::COLUMN.owner_id.eq(account)).exec(db).await?;
    Ok(())
}

/// The webhook `id` of `caller`.
///
/// # Errors
/// 404 where there is none, or it is somebody else's: which of the two is nobody's business.
async fn owned(db: &impl ConnectionTrait, id: Uuid, caller: &Caller) -> Result<webhook::Model, Problem> {
    webhook::Entity::find_by_id(id)
        .filter(webhook::COLUMN.owner_id.eq(caller.account_id))
        .one(db)
        .await?
        .ok_or_else(|| Problem::not_found("webhook"))
}
