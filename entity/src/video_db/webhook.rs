//! Where an account wants to be told of events.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

use crate::secret_text::SecretText;

/// Why nothing is sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum DisabledReason {
    /// Its owner wanted so.
    Owner,
    /// It answered 410.
    Gone,
    /// Nothing has arrived for days.
    Failing,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The account, by its `sub`; it lives in the other service's database.
    pub owner_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub url: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    /// The names of the events that are wanted, separated by commas.
    pub events: String,
    /// What messages are signed with, sealed with the service's key.
    pub secret: SecretText,
    /// The secret before it, which signs along until `previous_secret_expires_at`.
    pub previous_secret: Option<SecretText>,
    pub previous_secret_expires_at: Option<DateTimeUtc>,
    /// Since when every attempt has failed.
    pub failing_since: Option<DateTimeUtc>,
    pub disabled_at: Option<DateTimeUtc>,
    pub disabled_reason: Option<DisabledReason>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(has_many)]
    pub deliveries: HasMany<super::webhook_delivery::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
