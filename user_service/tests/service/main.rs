//! User Service as its clients meet it: the real application on a free port, on both databases.

#[cfg(test)]
mod access;
#[cfg(test)]
mod addresses;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod authenticator;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod introspection;
#[cfg(test)]
mod invites;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod login;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod mail_server;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod process;
#[cfg(test)]
mod profile;
#[cfg(test)]
mod program_mail;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod register;
#[cfg(test)]
mod reset;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod second_factor;
#[cfg(test)]
mod second_factor_logins;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod signing_keys;
#[cfg(test)]
mod standing;
#[cfg(test)]
mod support;
#[cfg(test)]
mod throttle;
#[cfg(test)]
mod tokens;
