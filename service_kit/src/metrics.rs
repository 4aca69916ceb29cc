//! `/metrics`: requests by template and status, and the process itself, in Prometheus' text format.

use actix_web_prom::{PrometheusMetrics, PrometheusMetricsBuilder};

/// The middleware that counts requests and serves `/metrics`; `service` begins every name.
///
/// # Errors
/// When `service` is no valid beginning of a metric's name.
pub fn middleware(service: &str) -> Result<PrometheusMetrics, Box<dyn std::error::Error + Send + Sync>> {
    PrometheusMetricsBuilder::new(service)
        .endpoint("/metrics")
        // Whatever strangers ask for must not become a label each.
        .mask_unmatched_patterns("unmatched")
        .build()
}
