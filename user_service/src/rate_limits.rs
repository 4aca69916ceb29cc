//! What is limited for each subscriber, and by which names clients know the limits.

use service_kit::clock::SharedClock;
use service_kit::rate_limit::{Policy, RateLimits};

use crate::settings::RateLimitSettings;

/// `POST /users/register`
pub(crate) struct Registrations;

/// `POST /users/login`
pub(crate) struct Logins;

/// What anybody may do with a mailed token, and asking for one.
pub(crate) struct Resets;

/// `POST /oauth/introspect`
pub(crate) struct Introspections;

impl Policy for Registrations {
    const NAME: &'static str = "register";
}

impl Policy for Logins {
    const NAME: &'static str = "login";
}

impl Policy for Resets {
    const NAME: &'static str = "reset";
}

impl Policy for Introspections {
    const NAME: &'static str = "introspect";
}

/// The limits as the operator set them.
pub(crate) fn rate_limits(settings: RateLimitSettings, clock: SharedClock) -> RateLimits {
    let limits = [
        (Registrations::NAME, settings.register),
        (Logins::NAME, settings.login),
        (Resets::NAME, settings.reset),
        (Introspections::NAME, settings.introspect),
    ];
    RateLimits::new(clock, &limits.map(|(name, quota)| (name, std::num::NonZeroU32::new(quota))))
}
