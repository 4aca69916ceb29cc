//! How often one subscriber may ask, told in `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! A handler that takes a [`Limited`] is only reached within its policy's limit. Counts are kept in memory, by each
//! process for itself: they protect the machine. What protects an account must be counted in the database.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::{Payload, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;

use crate::client_address::ClientAddress;
use crate::clock::SharedClock;
use crate::problem::Problem;

/// The window of every policy.
const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// Subscribers that are remembered, for each policy: a few megabytes. Whoever has more networks than that can have the
/// oldest forgotten, and needs no such trick.
const MAX_SUBSCRIBERS: NonZeroUsize = NonZeroUsize::new(1 << 16).unwrap();

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// A limit, by its name.
pub trait Policy: 'static {
    /// As it stands in the headers: letters and `-`.
    const NAME: &'static str;
}

/// Proof, as an argument of a handler, that its caller keeps to the limit `P`. An application without [`RateLimits`] in
/// its data, or without one for `P`, has no limit.
#[derive(Clone, Copy, Debug)]
pub struct Limited<P>(PhantomData<P>);

/// The limits of an application. Clones count together.
#[derive(Clone)]
pub struct RateLimits {
    clock: SharedClock,
    limiters: Arc<HashMap<&'static str, Limiter>>,
}

impl RateLimits {
    /// `limits`: the requests a minute that each policy grants one subscriber, as many at once.
    #[must_use]
    pub fn new(clock: SharedClock, limits: &[(&'static str, Option<NonZeroU32>)]) -> Self {
        let limiters = limits.iter().filter_map(|(name, quota)| Some((*name, Limiter::new((*quota)?))));
        Self { clock, limiters: Arc::new(limiters.collect()) }
    }
}

/// What the headers of the response shall say, in the request's extensions until then.
#[derive(Clone, Copy)]
struct Verdict {
    policy: &'static str,
    quota: NonZeroU32,
    remaining: u32,
    /// Seconds until the whole quota is there again.
    reset: u64,
    /// Seconds until the next request is granted, where this one was not.
    retry_after: Option<u64>,
}

/// The generic cell rate algorithm (ITU-T I.371 annex A): one time for each subscriber says everything.
struct Limiter {
    quota: NonZeroU32,
    /// When each subscriber would have used up what it has taken, at a steady pace.
    arrivals: Mutex<LruCache<IpAddr, DateTime<Utc>>>,
}

impl Limiter {
    fn new(quota: NonZeroU32) -> Self {
        Self { quota, arrivals: Mutex::new(LruCache::new(MAX_SUBSCRIBERS)) }
    }

    fn check(&self, policy: &'static str, subscriber: IpAddr, now: DateTime<Utc>) -> Verdict {
        let pace = TimeDelta::nanoseconds(
            WINDOW.num_nanoseconds().unwrap_or(i64::MAX) / i64::from(self.quota.get()),
        );
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let arrival = arrivals.get(&subscriber).map_or(now, |arrival| *arrival.max(&now));
        let next = arrival + pace;
        let granted = next - now <= WINDOW;
        if granted {
            arrivals.put(subscriber, next);
        }
        let used = if granted { next - now } else { arrival - now };
        let nanoseconds = |span: TimeDelta| span.num_nanoseconds().unwrap_or_default().max(0);
        let remaining = nanoseconds(WINDOW - used) / nanoseconds(pace).max(1);
        Verdict {
            policy,
            quota: self.quota,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            reset: seconds_up(used),
            retry_after: (!granted).then(|| seconds_up(next - WINDOW - now)),
        }
    }
}

impl<P: Policy> FromRequest for Limited<P> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limits = request.app_data::<RateLimits>();
        let limiter = limits.and_then(|limits| Some((limits.limiters.get(P::NAME)?, limits.clock.now())));
        let Some((limiter, now)) = limiter else { return ready(Ok(Self(PhantomData))) };
        let Ok(address) = ClientAddress::from_request(request, payload).into_inner();
        let verdict = limiter.check(P::NAME, address.subscriber(), now);
        request.extensions_mut().insert(verdict);
        ready(verdict.retry_after.map_or(Ok(Self(PhantomData)), |seconds| Err(too_many(seconds))))
    }
}

/// 429: too many requests; the next is welcome after `retry_after` seconds.
#[must_use]
pub fn too_many(retry_after: u64) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests")
        .detail(format!("try again in {retry_after} seconds"))
        .header(RETRY_AFTER, HeaderValue::from(retry_after))
}

/// Tells the client of a limited request where it stands.
pub(crate) fn describe<B>(response: &mut ServiceResponse<B>) {
    let Some(verdict) = response.request().extensions().get::<Verdict>().copied() else { return };
    let Verdict { policy, quota, remaining, reset, .. } = verdict;
    let lines = [
        (POLICY, format!("\"{policy}\";q={quota};w={}", WINDOW.num_seconds())),
        (STATE, format!("\"{policy}\";r={remaining};t={reset}")),
    ];
    for (name, text) in lines {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// Whole seconds that are not less than `span`, and at least one: a client that comes back then is not too early.
#[must_use]
pub fn seconds_up(span: TimeDelta) -> u64 {
    let seconds = span.num_seconds() + i64::from(span.subsec_nanos() > 0);
    u64::try_from(seconds).unwrap_or_default().max(1)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;
    use crate::request::request_context;

    const ANN: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
    const BOB: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2));

    struct Door;

    impl Policy for Door {
        const NAME: &'static str = "door";
    }

    fn limiter(quota: u32) -> impl Fn(IpAddr, i64) -> (Option<u64>, u32, u64) {
        let limiter = Limiter::new(NonZeroU32::new(quota).unwrap());
        move |subscriber, milliseconds| {
            let now = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds);
            let verdict = limiter.check("door", subscriber, now);
            (verdict.retry_after, verdict.remaining, verdict.reset)
        }
    }

    #[test]
    fn the_quota_may_be_used_at_once_and_comes_back_at_a_steady_pace() {
        let check = limiter(3);
        assert_eq!(check(ANN, 0), (None, 2, 20));
        assert_eq!(check(ANN, 0), (None, 1, 40));
        assert_eq!(check(ANN, 0), (None, 0, 60));
        assert_eq!(check(ANN, 500), (Some(20), 0, 60), "in 19.5 seconds");
        assert_eq!(check(ANN, 19_999), (Some(1), 0, 41));
        assert_eq!(check(ANN, 20_000), (None, 0, 60));
        assert_eq!(check(ANN, 200_000), (None, 2, 20));
    }

    #[test]
    fn one_subscriber_does_not_use_up_what_is_anothers() {
        let check = limiter(1);
        assert_eq!(check(ANN, 0).0, None);
        assert_eq!(check(ANN, 0).0, Some(60));
        assert_eq!(check(BOB, 0).0, None);
    }

    #[actix_web::test]
    async fn a_client_is_told_where_it_stands_whatever_the_answer() {
        let clock = crate::clock::ManualClock::at(DateTime::UNIX_EPOCH);
        let limits = RateLimits::new(clock, &[(Door::NAME, NonZeroU32::new(2))]);
        let app = init_service(App::new().wrap(from_fn(request_context)).app_data(limits).route(
            "/",
            web::get().to(async |_: Limited<Door>| Err::<HttpResponse, _>(Problem::not_found("door"))),
        ))
        .await;
        let mut answers = Vec::new();
        for _ in 0..3 {
            let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
            let header =
                |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(header("ratelimit-policy").as_deref(), Some("\"door\";q=2;w=60"));
            answers.push((response.status().as_u16(), header("ratelimit").unwrap(), header("retry-after")));
        }
        assert_eq!(
            answers,
            [
                (404, "\"door\";r=1;t=30".to_owned(), None),
                (404, "\"door\";r=0;t=60".to_owned(), None),
                (429, "\"door\";r=0;t=60".to_owned(), Some("30".to_owned())),
            ]
        );
    }
}
