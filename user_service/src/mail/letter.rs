//! What messages say: plain text, short, in no words of anybody who could have them sent to others.

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::{Address, Message};
use secrecy::{ExposeSecret, SecretString};

use super::smtp::SendError;
use crate::settings::{LinkTemplate, SmtpSettings};

/// A message, before it has a recipient.
pub(super) enum Letter {
    /// How to prove that the address is one's own.
    Verification(SecretString),
    /// Somebody has tried to give the address to another account.
    AddressTaken,
    /// How to set another password.
    Reset(SecretString),
}

/// The envelope and the outside of a message.
pub(super) struct Outside<'a> {
    pub(super) from: &'a Mailbox,
    pub(super) to: &'a str,
    /// The same each time that the message is sent, so that who gets it twice is shown it once.
    pub(super) id: String,
    pub(super) date: std::time::SystemTime,
}

impl Letter {
    /// The message as a server takes it.
    pub(super) fn message(
        &self,
        settings: &SmtpSettings,
        outside: Outside<'_>,
    ) -> Result<Message, SendError> {
        let to: Address =
            outside.to.parse().map_err(|_| SendError::refused("the address is none for SMTP"))?;
        let (subject, text) = self.words(settings);
        let part = SinglePart::builder()
            .header(ContentType::TEXT_PLAIN)
            .header(ContentTransferEncoding::QuotedPrintable)
            .body(text);
        let mut message = Message::builder()
            .from(outside.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .date(outside.date)
            .message_id(Some(outside.id))
            .singlepart(part)
            .map_err(|error| SendError::refused(&error.to_string()))?;
        // RFC 3834 §5: no answer of an absent reader is wanted.
        let automatic =
            HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        message.headers_mut().insert_raw(automatic);
        Ok(message)
    }

    fn words(&self, settings: &SmtpSettings) -> (&'static str, String) {
        match self {
            Self::Verification(token) => (
                "Confirm your e-mail address",
                format!(
                    "This address was given for an account at Kadr. If that was you, confirm it within 30 minutes:\n\n\
                     {}\n\n\
                     If it was not you, ignore this message.\n",
                    link(settings.verify_link.as_ref(), token)
                ),
            ),
            Self::AddressTaken => (
                "You have an account already",
                "This address was given for another account at Kadr, but it is that of yours. If that was you, log in to \
                 the account you have; where you have forgotten its password, ask for another one.\n\n\
                 If it was not you, ignore this message: nobody was told that the address is yours.\n"
                    .to_owned(),
            ),
            Self::Reset(token) => (
                "Set a new password",
                format!(
                    "Another password was asked for, for your account at Kadr. Set it within 30 minutes:\n\n\
                     {}\n\n\
                     If you did not ask for it, ignore this message: your password stays as it is.\n",
                    link(settings.reset_link.as_ref(), token)
                ),
            ),
        }
    }
}

fn link(template: Option<&LinkTemplate>, token: &SecretString) -> String {
    let token = token.expose_secret();
    template.map_or_else(|| token.to_owned(), |template| template.with(token))
}
