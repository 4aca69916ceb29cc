//! Another service that may ask about tokens.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "service_client")]
pub struct Model {
    /// By which it says who it is; made here.
    #[sea_orm(primary_key, auto_increment = false)]
    pub client_id: String,
    /// What operators call it.
    pub name: String,
    /// SHA-256 of its secret, in hexadecimal; the secret itself is stored nowhere.
    pub secret_hash: String,
    /// The same of the secret before, and until when that one counts as well.
    pub previous_hash: Option<String>,
    pub previous_until: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    /// When it got the secret that it has.
    pub rotated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
