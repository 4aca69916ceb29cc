//! Video Service as its clients meet it: the real application on a free port, beside a real User Service.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod analyses;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod content_urls;
#[cfg(test)]
mod contents;
#[cfg(test)]
mod events;
#[cfg(test)]
mod features;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod library;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod many_listeners;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod outputs;
#[cfg(test)]
mod previews;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod records;
#[cfg(test)]
mod search;
#[cfg(test)]
mod share_passwords;
#[cfg(test)]
mod share_processes;
#[cfg(test)]
mod shares;
#[cfg(test)]
mod storage_check;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tickets;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod trash;
#[cfg(test)]
mod tus_clients;
#[cfg(test)]
mod unnamed;
#[cfg(test)]
mod upload_refusals;
#[cfg(test)]
mod uploads;
#[cfg(test)]
mod webhook_addresses;
#[cfg(test)]
mod webhook_processes;
#[cfg(test)]
mod webhooks;
