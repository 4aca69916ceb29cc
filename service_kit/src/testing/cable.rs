//! A way to a database, or to anything else that listens, that a test can cut.

use std::io;

use actix_rt::net::{TcpListener, TcpStream};
use actix_rt::task::JoinHandle;
use tokio::io::copy_bidirectional;
use tokio::task::JoinSet;

/// Carries connections until it is cut.
#[derive(Debug)]
pub struct Cable {
    address: String,
    end: String,
    connections: JoinHandle<()>,
}

impl Cable {
    /// A cable to `end`, as `127.0.0.1:5432`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn to(end: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        Ok(Self { address, end: end.to_owned(), connections: carry(listener, end.to_owned()) })
    }

    /// A cable to the server of a database, and the database's URL through it.
    ///
    /// # Errors
    /// When the URL names no server, or no port is free.
    pub async fn to_database(url: &str) -> io::Result<(Self, String)> {
        let server = url.split('@').nth(1).and_then(|rest| rest.split('/').next());
        let server = server.ok_or_else(|| io::Error::other("the URL names no server"))?;
        let cable = Self::to(server).await?;
        let url = url.replace(server, &cable.address);
        Ok((cable, url))
    }

    /// Where to connect to.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends every connection, and refuses others.
    pub async fn cut(&mut self) {
        self.connections.abort();
        // That it was aborted is all there is to learn.
        (&mut self.connections).await.unwrap_or_default();
    }

    /// Carries connections again.
    ///
    /// # Errors
    /// When somebody has taken the port.
    pub async fn mend(&mut self) -> io::Result<()> {
        self.connections = carry(TcpListener::bind(&self.address).await?, self.end.clone());
        Ok(())
    }
}

/// Connects whoever comes. The connections end with the task.
fn carry(listener: TcpListener, end: String) -> JoinHandle<()> {
    actix_rt::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            if let Ok(mut server) = TcpStream::connect(&end).await {
                connections.spawn(async move { copy_bidirectional(&mut client, &mut server).await });
            }
        }
    })
}
