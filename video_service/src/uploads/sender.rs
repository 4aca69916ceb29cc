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
    pub(super) video: Option<Uuid>,
}

impl Sender {
    /// Who sends by a token.
    pub(super) fn by_token(caller: Caller) -> Self {
        Self { caller, base: "/uploads".to_owned(), video: None }
    }
}
