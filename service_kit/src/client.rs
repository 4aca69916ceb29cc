//! HTTP clients of services, those of this product and others.

use std::time::Duration;

/// How long a connection is kept for the next request. Shorter than the 5 s after which actix and many others close it at
/// their end: a request that is sent in that very moment gets no answer.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(2);

/// A client of the other service, for the thread that asks: connections belong to their thread. An answer has to begin
/// within `timeout`.
#[must_use]
pub fn client(timeout: Duration) -> awc::Client {
    let connector = awc::Connector::new().conn_keep_alive(IDLE_CONNECTION);
    awc::Client::builder().connector(connector).timeout(timeout).finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix_web::{App, HttpResponse, HttpServer, web};

    use super::*;

    /// A server that counts its connections.
    fn server() -> (String, Arc<AtomicUsize>) {
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let server = HttpServer::new(|| App::new().default_service(web::to(HttpResponse::Ok)))
            .workers(1)
            .disable_signals()
            .on_connect(move |_, _| {
                counter.fetch_add(1, Ordering::Relaxed);
            })
            .bind("127.0.0.1:0")
            .unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        actix_rt::spawn(server.run());
        (address, connections)
    }

    #[actix_rt::test]
    async fn a_connection_is_used_again_until_its_other_end_might_close_it() {
        let (address, connections) = server();
        let client = client(Duration::from_secs(30));
        let ask = async || {
            client.get(&address).send().await.unwrap().body().await.unwrap();
            connections.load(Ordering::Relaxed)
        };
        assert_eq!((ask().await, ask().await), (1, 1));
        actix_rt::time::sleep(IDLE_CONNECTION + Duration::from_millis(100)).await;
        assert_eq!(ask().await, 2);
    }
}
