//! From a URL to an open stream: name, TCP, TLS, each with its own time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ::http::Uri;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::error::NetError;
use crate::result::Cause;

/// An open stream, TCP or TLS.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Gets the name and time of each phase as it ends.
pub(crate) type OnPhase<'a> = &'a mut (dyn FnMut(&str, Duration) + Send);

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) is_tls: bool,
    /// Host without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host and port as the URL writes them.
    pub(crate) authority: String,
    /// At least `/`.
    pub(crate) path_and_query: String,
}

impl Target {
    /// Takes an `http` or `https` URL apart. Credentials in a URL are refused: they would be shown.
    pub(crate) fn parse(url: &str) -> Result<Self, Cause> {
        let refuse = |got: String| Cause::prober("settings", "url", "an http or https URL", got);
        let uri: Uri = url.parse().map_err(|error| refuse(format!("{error}")))?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(refuse(format!("`{url}`"))),
        };
        let authority = uri.authority().ok_or_else(|| refuse(format!("`{url}`")))?;
        if authority.as_str().contains('@') {
            return Err(refuse(
                "a URL with a user name; use a header with a secret".to_owned(),
            ));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let path_and_query = match uri.path_and_query().map(|path| path.as_str()) {
            None | Some("") => "/".to_owned(),
            Some(path) if path.starts_with('?') => format!("/{path}"),
            Some(path) => path.to_owned(),
        };
        Ok(Self {
            is_tls,
            host,
            port: authority
                .port_u16()
                .unwrap_or(if is_tls { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            path_and_query,
        })
    }

    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }
}

/// TLS 1.2 and 1.3 with the ring provider, the public web's authorities and HTTP/1.1.
pub(crate) fn tls_config() -> Arc<ClientConfig> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the ring provider supports the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Opens a stream to a target. Has no timeout of its own: the caller bounds the whole attempt.
pub(crate) async fn dial(
    target: &Target,
    tls: &Arc<ClientConfig>,
    on_phase: OnPhase<'_>,
) -> Result<Box<dyn Io>, NetError> {
    let started = Instant::now();
    let addresses: Vec<_> = tokio::net::lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(|source| NetError::Resolve {
            host: target.host.clone(),
            source,
        })?
        .collect();
    on_phase("dns", started.elapsed());

    let started = Instant::now();
    let mut outcome = Err(io::Error::new(
        io::ErrorKind::NotFound,
        "the name has no address",
    ));
    for address in addresses {
        outcome = TcpStream::connect(address).await;
        if outcome.is_ok() {
            break;
        }
    }
    let stream = outcome.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
    let stream = stream.map_err(|source| NetError::Connect {
        address: format!("{}:{}", target.host, target.port),
        source,
    })?;
    on_phase("connect", started.elapsed());
    if !target.is_tls {
        return Ok(Box::new(stream));
    }

    let started = Instant::now();
    let tls_error = |source| NetError::Tls {
        host: target.host.clone(),
        source,
    };
    let name = ServerName::try_from(target.host.clone())
        .map_err(|error| tls_error(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    let stream = TlsConnector::from(Arc::clone(tls))
        .connect(name, stream)
        .await
        .map_err(tls_error)?;
    on_phase("tls", started.elapsed());
    Ok(Box::new(stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_host_port_and_path() {
        let target = Target::parse("https://[::1]/a?b=1").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("::1", 443));
        assert_eq!(target.path_and_query, "/a?b=1");
        assert_eq!(Target::parse("http://x:81").unwrap().path_and_query, "/");
    }

    #[test]
    fn a_url_with_credentials_or_another_scheme_is_refused_without_showing_them() {
        let cause = Target::parse("http://me:hunter2@x/").unwrap_err();
        assert!(!format!("{cause:?}").contains("hunter2"));
        assert!(Target::parse("ftp://x/").is_err());
        assert!(Target::parse("/relative").is_err());
    }
}
