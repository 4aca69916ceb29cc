//! Delivers what was published, apart from any request.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::webhook::{self, DisabledReason};
use entity::video_db::webhook_delivery::Model;
use sea_orm::{DatabaseConnection, DbErr};
use service_kit::clock::SharedClock;
use service_kit::random;
use service_kit::vault::Vault;
use tokio::task::{Id, JoinSet};
use uuid::Uuid;

use super::Webhooks;
use super::deliveries::{self, Ending};
use super::sender::{Failure, Sender};
use super::signature::{self, Secret};
use crate::settings::WebhookSettings;

/// How often a courier looks for what is due. Events are born in any process, so it has to look anyhow.
const POLL: Duration = Duration::from_secs(1);
/// What a lease lasts beyond the longest attempt, for the database around it.
const LEASE_MARGIN: Duration = Duration::from_secs(5);
/// Attempts at a time to one webhook: a slow receiver holds up its own messages, and not everybody's.
const MOST_FOR_ONE: usize = 4;
/// The answer that says: never again.
const GONE: u16 = 410;

/// Delivers messages; any number of them, in any number of processes, share the work. What one that dies was about to
/// deliver is due again when its lease lapses, so messages arrive at least once.
pub(crate) struct Courier {
    db: DatabaseConnection,
    clock: SharedClock,
    vault: Vault,
    sender: Sender,
    settings: WebhookSettings,
}

/// Attempts under way, and for which webhooks.
#[derive(Default)]
struct Flights {
    tasks: JoinSet<()>,
    webhooks: HashMap<Id, Uuid>,
}

impl Flights {
    fn count(&self, webhook: Uuid) -> usize {
        self.webhooks.values().filter(|other| **other == webhook).count()
    }

    /// The webhooks that have as many as they may.
    fn busy(&self) -> Vec<Uuid> {
        let mut busy: Vec<_> =
            self.webhooks.values().copied().filter(|webhook| self.count(*webhook) >= MOST_FOR_ONE).collect();
        busy.sort_unstable();
        busy.dedup();
        busy
    }

    /// Waits for the end of one; for ever where there is none.
    async fn landed(&mut self) {
        let landed = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => {
                log::error!("a delivery broke off; its lease will lapse cause=\"{error}\"");
                error.id()
            }
            None => return std::future::pending().await,
        };
        self.webhooks.remove(&landed);
    }
}

impl Courier {
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(
        db: DatabaseConnection,
        clock: SharedClock,
        webhooks: Webhooks,
    ) -> Result<Self, rustls::Error> {
        let Webhooks { vault, rule, settings } = webhooks;
        let sender = Sender::new(rule, Duration::from_secs(settings.timeout_seconds.get()))?;
        Ok(Self { db, clock, vault, sender, settings })
    }

    /// Delivers what is due, for ever.
    pub(crate) async fn run(self) {
        let courier = Rc::new(self);
        let mut flights = Flights::default();
        loop {
            if let Err(error) = courier.begin_due(&mut flights).await {
                log::warn!("webhooks cannot be delivered now cause={error:?}");
            }
            tokio::select! {
                () = flights.landed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Begins as many deliveries as there is room for.
    async fn begin_due(self: &Rc<Self>, flights: &mut Flights) -> Result<(), DbErr> {
        loop {
            let room = self.settings.concurrency.get().saturating_sub(flights.webhooks.len());
            if room == 0 {
                return Ok(());
            }
            let most = u64::try_from(room).unwrap_or(u64::MAX);
            let due = deliveries::due(&self.db, flights.busy(), most, self.clock.now()).await?;
            let mut begun = false;
            for (delivery, webhook) in due {
                begun |= self.begin(flights, delivery, webhook).await?;
            }
            // Some may have had to wait behind others of their webhook, which the next look passes over.
            if !begun {
                return Ok(());
            }
        }
    }

    async fn begin(
        self: &Rc<Self>,
        flights: &mut Flights,
        delivery: Model,
        webhook: webhook::Model,
    ) -> Result<bool, DbErr> {
        if webhook.disabled_at.is_some() {
            let why = Some("webhook_disabled".to_owned());
            deliveries::end(&self.db, &delivery, &Ending::Failed, None, why).await?;
            return Ok(true);
        }
        if flights.count(webhook.id) >= MOST_FOR_ONE {
            return Ok(false);
        }
        let lease = self.sender.longest_attempt() + LEASE_MARGIN;
        let Some(delivery) = deliveries::claim(&self.db, delivery, lease, self.clock.now()).await? else {
            return Ok(false);
        };
        let (courier, id) = (Rc::clone(self), webhook.id);
        let task = flights.tasks.spawn_local(async move {
            if let Err(error) = courier.deliver(&delivery, &webhook).await {
                log::warn!("the end of a delivery cannot be written; it will be repeated cause={error:?}");
            }
        });
        flights.webhooks.insert(task.id(), id);
        Ok(true)
    }

    async fn deliver(&self, delivery: &Model, webhook: &webhook::Model) -> Result<(), DbErr> {
        let answer = self.send(delivery, webhook).await;
        let (status, error) = match answer {
            Ok(status) if (200..300).contains(&status) => {
                deliveries::mark_working(&self.db, webhook.id).await?;
                deliveries::end(&self.db, delivery, &Ending::Succeeded, Some(status), None).await?;
                log::info!("webhook delivered webhook={} delivery={}", webhook.id, delivery.id);
                return Ok(());
            }
            Ok(status) => (Some(status), None),
            Err(failure) => (None, Some(failure.to_string())),
        };
        let now = self.clock.now();
        deliveries::mark_failing(&self.db, webhook.id, now).await?;
        let ending = self.after_failure(delivery.attempts, status, now);
        let reason = if status == Some(GONE) { DisabledReason::Gone } else { DisabledReason::Failing };
        let failing_before = (reason == DisabledReason::Failing)
            .then(|| now - TimeDelta::days(i64::from(self.settings.disable_after_days)));
        // Before the delivery ends: should this process die between the two, it is tried again, and ends so again.
        if ending == Ending::Failed
            && deliveries::disable(&self.db, webhook.id, reason, failing_before, now).await?
        {
            log::warn!("webhook disabled webhook={} reason={reason:?}", webhook.id);
        }
        log::info!(
            "webhook not delivered webhook={} delivery={} attempt={} status={status:?} error={error:?}",
            webhook.id,
            delivery.id,
            delivery.attempts
        );
        deliveries::end(&self.db, delivery, &ending, status, error).await
    }

    async fn send(&self, delivery: &Model, webhook: &webhook::Model) -> Result<u16, Failure> {
        let now = self.clock.now();
        let secrets = Secret::of(webhook, &self.vault, now).map_err(|error| {
            log::error!("the secret of a webhook cannot be read webhook={} cause=\"{error}\"", webhook.id);
            Failure::Internal
        })?;
        let signature = signature::header(&secrets, delivery.id, now.timestamp(), &delivery.payload);
        self.sender.send(&webhook.url, delivery, now.timestamp(), signature).await
    }

    /// What follows from failure number `attempts`.
    fn after_failure(&self, attempts: i32, status: Option<u16>, now: DateTime<Utc>) -> Ending {
        if status == Some(GONE) {
            return Ending::Failed;
        }
        let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
        match self.settings.retry_seconds.pauses().get(index) {
            Some(pause) => Ending::Again(now + TimeDelta::seconds(i64::from(*pause)) + jitter(*pause)),
            None => Ending::Failed,
        }
    }
}

/// Up to a tenth of `pause` in seconds, so that what failed together is not repeated together.
fn jitter(pause: u32) -> TimeDelta {
    // Without randomness there is no jitter; nothing depends on it.
    let byte = random::bytes::<1>().map_or(0, |[byte]| byte);
    TimeDelta::milliseconds(i64::from(pause) * 100 * i64::from(byte) / i64::from(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_at_most_a_tenth() {
        for pause in [0, 1, 300, 28_800] {
            let jitter = jitter(pause);
            assert!(jitter >= TimeDelta::zero() && jitter <= TimeDelta::milliseconds(i64::from(pause) * 100));
        }
    }
}
