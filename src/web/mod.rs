//! The read-only page, on loopback, behind a one-time sign-in link.

use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;

use crate::app::App;

#[derive(Debug)]
pub struct Page {
    link: String,
}

impl Page {
    pub async fn open(_app: &App, listen: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self { link: format!("http://{listen}/") })
    }
    pub fn sign_in(&self) -> &str {
        &self.link
    }
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        stop.cancelled().await;
        Ok(())
    }
}
