//! TLS settings for every connector: whom we trust, and what a person reads when we do not.
//!
//! The system's certificates by default, a CA file besides them, or one pinned server certificate. The handshake's
//! signatures are always checked; nothing here can switch the check off altogether. Opens no socket.

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak},
};

use dealtrail_sdk::{Fault, FaultKind};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, OtherError, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

/// Whose certificates are believed, besides those the system trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Trust {
    /// PEM file with the certificates of a CA of one's own. The system's certificates stay trusted.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the server's certificate in hex, colons and blanks allowed. Only this certificate is believed then,
    /// whatever its name, issuer and dates.
    pub fingerprint: Option<String>,
}

/// Makes ring the process's cryptography; any number of calls.
pub fn provider() -> Arc<CryptoProvider> {
    if let Some(installed) = CryptoProvider::get_default() {
        return installed.clone();
    }
    let _lost_race = ring::default_provider().install_default();
    CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()))
}

/// TLS settings of a client. Whoever trusts the same has the same ones, as long as anybody uses them: the system's
/// certificates are read once and not for each account, and a server that knows us from one is quick with the next.
///
/// # Errors
/// [`FaultKind::Malformed`] when the CA file or the fingerprint cannot be used, [`FaultKind::Refused`] when the system
/// has no certificates at all.
pub fn client_config(trust: &Trust, alpn: &[&str]) -> Result<Arc<ClientConfig>, Fault> {
    let provider = provider();
    let protocols: Vec<Vec<u8>> = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    // What stands in the file counts, not its name: it may be replaced while the program runs.
    let own = trust.ca_file.as_ref().filter(|_| trust.fingerprint.is_none());
    let own = own.map_or_else(|| Ok(Vec::new()), read_certificates)?;
    let key = Key { own, fingerprint: trust.fingerprint.clone() };
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.retain(|_, known| known.verifier.strong_count() > 0);
    let known = shared.entry(key.clone()).or_default();
    if let Some(config) = known.configs.iter().filter_map(Weak::upgrade).find(|c| c.alpn_protocols == protocols) {
        return Ok(config);
    }
    let verifier = match known.verifier.upgrade() {
        Some(verifier) => verifier,
        None => Arc::new(Verifier { check: check(trust, key.own, &provider)?, provider: provider.clone() }),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::from(FaultKind::Malformed, "the TLS settings cannot be used", e))?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    config.alpn_protocols = protocols;
    let config = Arc::new(config);
    known.verifier = Arc::downgrade(&verifier);
    known.configs.retain(|c| c.strong_count() > 0);
    known.configs.push(Arc::downgrade(&config));
    Ok(config)
}

/// Whom somebody trusts.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    own: Vec<CertificateDer<'static>>,
    fingerprint: Option<String>,
}

/// What was made for that.
#[derive(Default)]
struct Shared {
    verifier: Weak<Verifier>,
    configs: Vec<Weak<ClientConfig>>,
}

static SHARED: LazyLock<Mutex<HashMap<Key, Shared>>> = LazyLock::new(Mutex::default);

/// SHA-256 in lower-case hex: the form in which fingerprints are compared and shown.
pub fn fingerprint(certificate: &[u8]) -> String {
    // rustls hands out its hash through a cipher suite; this saves a crate for one function.
    let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().expect("a TLS 1.3 suite");
    let digest = suite.common.hash_provider.hash(certificate);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}

/// What a failed connection means: an `io::Error`, a TLS error, or anything that hides one. `host` is what the message names, such as `imap.example.com:993`.
pub fn fault(error: &(dyn std::error::Error + 'static), host: &str) -> Fault {
    fault_within(error, host).unwrap_or_else(|| {
        Fault::new(
            FaultKind::Unreachable,
            format!("connecting to {host} failed: {error}; check the host name, the port and the network"),
        )
    })
}

/// The same for an error that may hide a TLS error somewhere in its chain of causes; `None` when it does not.
pub fn fault_within(error: &(dyn std::error::Error + 'static), host: &str) -> Option<Fault> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<TlsError>() {
            return Some(fault_of(tls, host));
        }
        // The source of an io::Error is the source of what it wraps, so what it wraps must be looked at first.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// What a TLS error means.
pub fn fault_of(error: &TlsError, host: &str) -> Fault {
    let TlsError::InvalidCertificate(why) = error else {
        let what = match error {
            TlsError::InvalidMessage(_) => {
                format!("{host} does not speak TLS on this port; check the port and the `tls` setting")
            }
            TlsError::AlertReceived(_) | TlsError::PeerIncompatible(_) => {
                format!("{host} and dealtrail found no common TLS version or cipher ({error}); TLS 1.2 is needed")
            }
            _ => return Fault::new(FaultKind::Unreachable, format!("TLS with {host} broke off: {error}")),
        };
        return Fault::new(FaultKind::Refused, what);
    };
    if let CertificateError::Other(OtherError(inner)) = why
        && let Some(distrust) = inner.downcast_ref::<Distrust>()
    {
        return Fault::new(FaultKind::Refused, distrust.sentence(host));
    }
    Fault::new(FaultKind::Refused, Distrust { why: why.clone(), seen: None }.sentence(host))
}

/// A certificate that was not believed, and its fingerprint.
#[derive(Debug)]
struct Distrust {
    why: CertificateError,
    seen: Option<String>,
}

impl Distrust {
    fn sentence(&self, host: &str) -> String {
        let (problem, remedy) = match &self.why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                ("has expired", "renew it on the server, or trust it as it is")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                ("is not valid yet", "check the clocks of both machines, or trust it as it is")
            }
            CertificateError::UnknownIssuer => (
                "was issued by someone this machine does not know",
                "set `ca_file` to the issuer's certificate, or trust this one certificate",
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
                "is made out to another name",
                "set `host` to the name in the certificate, or trust this one certificate",
            ),
            CertificateError::Revoked => ("has been revoked", "ask who runs the server for a new one"),
            CertificateError::ApplicationVerificationFailure => (
                "is not the one that the setting `fingerprint` names",
                "find out whether the server got a new one, and only then trust it",
            ),
            CertificateError::Other(_) => (
                "cannot be used as a server's certificate (often a home-made one)",
                "set `ca_file` to its issuer's certificate, or trust this one certificate",
            ),
            _ => ("cannot be checked", "ask who runs the server, or trust this one certificate"),
        };
        let how = match &self.seen {
            Some(seen) => format!(" with `fingerprint = \"{seen}\"`"),
            None => String::new(),
        };
        format!("the certificate of {host} {problem}: {remedy}{how}")
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence("the server"))
    }
}

impl std::error::Error for Distrust {}

/// What the server's certificate is held against.
enum Check {
    Pinned(String),
    /// The system's certificates.
    Chain(Platform),
    /// A CA file. It is asked first: to read the hundreds that the system trusts takes longer than to sign in.
    Own {
        first: Arc<WebPkiServerVerifier>,
        /// Its certificates: a self-signed server certificate may stand there itself.
        own: Vec<CertificateDer<'static>>,
        /// The system's and the file's, once the file's alone did not do.
        all: OnceLock<Result<Platform, TlsError>>,
    },
}

type Platform = rustls_platform_verifier::Verifier;

fn check(trust: &Trust, own: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Result<Check, Fault> {
    if let Some(text) = &trust.fingerprint {
        let hex: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect::<String>().to_ascii_lowercase();
        if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            let what = "`fingerprint` must be the SHA-256 of the certificate: 64 hexadecimal digits";
            return Err(Fault::new(FaultKind::Malformed, what));
        }
        return Ok(Check::Pinned(hex));
    }
    let Some(path) = &trust.ca_file else {
        let platform = Platform::new(provider.clone()).map_err(|e| {
            let what = "this machine has no certificates to trust: install ca-certificates, or set `ca_file`";
            Fault::from(FaultKind::Refused, what, e)
        })?;
        return Ok(Check::Chain(platform));
    };
    let unusable = || format!("{} (`ca_file`) holds a certificate that cannot be used", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in &own {
        roots.add(certificate.clone()).map_err(|e| Fault::from(FaultKind::Malformed, unusable(), e))?;
    }
    let first = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let first = first.map_err(|e| Fault::from(FaultKind::Malformed, unusable(), e))?;
    Ok(Check::Own { first, own, all: OnceLock::new() })
}

fn read_certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let wrong = |what: String| Fault::new(FaultKind::Malformed, what);
    let pem = std::fs::read(path).map_err(|e| wrong(format!("{} (`ca_file`) cannot be read: {e}", path.display())))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    if found.is_empty() {
        return Err(wrong(format!("{} (`ca_file`) holds no certificate in PEM form", path.display())));
    }
    Ok(found)
}

struct Verifier {
    check: Check,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.check {
            Check::Pinned(_) => "Verifier(pinned)",
            Check::Chain(_) => "Verifier(chain)",
            Check::Own { .. } => "Verifier(own)",
        })
    }
}

impl Verifier {
    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let held_against = |chain: &dyn ServerCertVerifier| {
            chain.verify_server_cert(end_entity, intermediates, name, ocsp, now).map(drop).map_err(|e| match e {
                TlsError::InvalidCertificate(why) => why,
                other => CertificateError::Other(OtherError(Arc::new(other))),
            })
        };
        let (first, own, all) = match &self.check {
            Check::Pinned(wanted) if *wanted == fingerprint(end_entity) => return Ok(()),
            Check::Pinned(_) => return Err(CertificateError::ApplicationVerificationFailure),
            Check::Chain(platform) => return held_against(platform),
            Check::Own { first, own, all } => (first, own, all),
        };
        let Err(why) = held_against(first.as_ref()) else { return Ok(()) };
        // `openssl req -x509` makes a certificate that is its own CA, which the chain check turns down after it has
        // checked the dates. Standing in the CA file is trust enough; the name must still be right.
        let home_made = matches!(&why, CertificateError::Other(o) if o.0.to_string().contains("CaUsedAsEndEntity"));
        if home_made && own.iter().any(|c| c.as_ref() == end_entity.as_ref()) {
            let parsed = ParsedCertificate::try_from(end_entity).map_err(|_| CertificateError::BadEncoding)?;
            return verify_server_name(&parsed, name).map_err(|_| CertificateError::NotValidForName);
        }
        match all.get_or_init(|| Platform::new_with_extra_roots(own.clone(), self.provider.clone())) {
            Ok(all) => held_against(all),
            // nobody else to ask
            Err(_) => Err(why),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        self.judge(end_entity, intermediates, name, ocsp, now).map(|()| ServerCertVerified::assertion()).map_err(
            |why| {
                let distrust = Distrust { why, seen: Some(fingerprint(end_entity)) };
                TlsError::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(distrust))))
            },
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_sha256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(fingerprint(b""), empty);
    }

    #[test]
    fn fingerprints_are_read_with_and_without_colons() {
        let provider = provider();
        let colons = ["ab"; 32].join(":");
        for (text, fits) in
            [(colons.as_str(), true), (&"AB".repeat(32), true), ("abcd", false), (&"zz".repeat(32), false)]
        {
            let trust = Trust { fingerprint: Some(text.to_owned()), ..Trust::default() };
            assert_eq!(check(&trust, Vec::new(), &provider).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn the_same_trust_is_made_once() {
        let pinned = |c: &str| Trust { fingerprint: Some(c.repeat(64)), ..Trust::default() };
        let make = |trust: &Trust, alpn: &[&str]| client_config(trust, alpn).expect("usable");
        let one = make(&pinned("a"), &[]);
        assert!(Arc::ptr_eq(&one, &make(&pinned("a"), &[])));
        assert!(!Arc::ptr_eq(&one, &make(&pinned("a"), &["h2"])), "another protocol");
        assert!(!Arc::ptr_eq(&one, &make(&pinned("b"), &[])), "another trust");
    }

    #[test]
    fn a_ca_file_without_certificates_is_said() {
        let trust = Trust { ca_file: Some("/nonexistent/ca.pem".into()), fingerprint: None };
        let fault = client_config(&trust, &[]).expect_err("no such file");
        assert_eq!(fault.kind, FaultKind::Malformed);
        assert!(fault.what.contains("ca_file"), "{}", fault.what);
    }

    #[test]
    fn every_reason_says_what_to_do() {
        let cases = [
            (CertificateError::Expired, "has expired"),
            (CertificateError::UnknownIssuer, "ca_file"),
            (CertificateError::NotValidForName, "another name"),
            (CertificateError::ApplicationVerificationFailure, "fingerprint"),
        ];
        for (why, expected) in cases {
            let inner = Distrust { why, seen: Some("ab12".into()) };
            let tls = TlsError::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(inner))));
            let error = std::io::Error::new(std::io::ErrorKind::InvalidData, tls);
            let fault = fault(&error, "mail.example:993");
            assert_eq!(fault.kind, FaultKind::Refused);
            for part in [expected, "mail.example:993", "fingerprint = \"ab12\""] {
                assert!(fault.what.contains(part), "{} lacks {part}", fault.what);
            }
        }
    }

    #[test]
    fn other_errors_are_no_certificates() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(fault_within(&refused, "h").is_none());
        assert_eq!(fault(&refused, "h:1").kind, FaultKind::Unreachable);
    }
}
