//! In whose name an upload comes.

use uuid::Uuid;

use crate::auth::Caller;

/// Who sends bytes, by a token or by a ticket.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    /// The account.
    pub(super) caller: Caller,
    /// Where its uploads are.
    pub(super) base: String,
    /// The only video it may send to; any of the account's where it is not given.
    pub(super) video: Option<Only>,
}

/// What a ticket is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Only {
    /// The video.
    pub(super) id: Uuid,
    /// The version that its content had when the ticket was made.
    pub(super) version: i32,
}

impl Sender {
    /// Who sends by a token.
    pub(super) fn by_token(caller: Caller) -> Self {
        Self { caller, base: "/uploads".to_owned(), video: None }
    }
}
