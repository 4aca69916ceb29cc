//! What happened to an account, or was tried. Rows are added, never changed.
#![expect(missing_docs, reason = "the entity macros generate undocumented items; columns are documented")]

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    /// UUID version 7: the order of the identifiers is that of the events.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: DateTimeUtc,
    /// Whose account it concerns; null where there is none. No foreign key: events outlive accounts.
    pub account_id: Option<Uuid>,
    /// Who did it; null where nobody proved to be anybody.
    pub actor_id: Option<Uuid>,
    pub action: Action,
    /// The client's address; null where the operator did it at the machine itself.
    pub address: Option<String>,
    pub outcome: Outcome,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(48))", rename_all = "snake_case")]
pub enum Action {
    Register,
    Login,
    Logout,
    SessionEnd,
    OtherSessionsEnd,
    TokenCreate,
    TokenDelete,
    /// A token of a session was revoked, and the session ended.
    TokenRevoke,
    AllSessionsEnd,
    AccountDisable,
    AccountEnable,
    ProfileChange,
    EmailChange,
    PasswordChange,
    AccountDelete,
    AccountExport,
    EmailVerify,
    PasswordReset,
    /// An administrator had a message about it sent to the owner.
    PasswordResetRequest,
    InviteCreate,
    InviteRevoke,
    /// A refresh token was presented a second time, and its session ended.
    RefreshTokenReuse,
    SecondFactorEnable,
    SecondFactorDisable,
    /// An administrator took the second factor from an account.
    SecondFactorRemove,
    /// The password was right, and nothing else was given: a client that asks for a code next, or a thief without one.
    SecondFactorMissing,
    /// A code or a recovery code was checked.
    SecondFactorCheck,
    RecoveryCodeUse,
    RecoveryCodesRenew,
    SigningKeyRotate,
    ServiceClientCreate,
    ServiceClientRotate,
    ServiceClientDelete,
}

/// Whether it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum Outcome {
    Success,
    Refused,
}

impl ActiveModelBehavior for ActiveModel {}
