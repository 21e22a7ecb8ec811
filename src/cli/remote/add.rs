//! `proxfleet remote add`: from a host and a token to a remote that is trusted for a reason.

use std::io::{BufRead, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};

use super::super::{print, say};
use super::certificate;
use crate::config::edit::{self, NewRemote, SecretSource};
use crate::config::{
    self, CertificateAuthority, CollectorSettings, Credentials, Endpoint, GuestFilter, Origin,
    Product, Token,
};
use crate::remote::Client;
use crate::remote::in_flight::InFlight;
use crate::remote::observer::Nobody;
use crate::remote::trust::{self, SystemRoots};
use crate::source::pve::{nodes, status, version};
use crate::source::{Request, Session};

#[derive(Args)]
pub(super) struct Arguments {
    /// Name of the remote in metrics.
    #[arg(long)]
    name: Option<String>,
    /// Host or address, with a port or without: 8006 is Proxmox VE, 8007 a Backup Server.
    #[arg(long)]
    host: Option<String>,
    /// `user@realm!name`.
    #[arg(long)]
    token_id: Option<String>,
    /// A file that holds the secret; without it the secret is asked for and kept in one.
    #[arg(long, value_name = "FILE")]
    token_secret_file: Option<PathBuf>,
}

const TIME_OUT: Duration = Duration::from_secs(10);

pub(super) async fn add(path: &Path, arguments: Arguments) -> Result<(), String> {
    let host = answer_or(
        arguments.host,
        "Host, with a port for a Backup Server (10.0.0.1, backup.example:8007)",
    )?;
    let (product, endpoint) = read_host(&host)?;
    let name = answer_or(arguments.name, "Name of the remote in metrics")?;

    let roots = Arc::new(SystemRoots::load());
    let state = trust::probe(&endpoint.host, endpoint.port, &roots, None, None, TIME_OUT)
        .await
        .map_err(|error| error.to_string())?;
    print(&certificate::describe(&endpoint.address(), &state));
    let mut endpoint = endpoint;
    if !state.verdict.is_accepted() {
        confirm(&format!(
            "Is {} the fingerprint of your server? It is shown in its web interface under Certificates. [y/N]",
            state.certificate.fingerprint
        ))?;
        endpoint.fingerprint = Some(state.certificate.fingerprint);
    }

    let token_id = answer_or(arguments.token_id, "Token, user@realm!name")?;
    let (secret, secret_file) = match arguments.token_secret_file {
        Some(file) => {
            let secret = std::fs::read_to_string(&file)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            (SecretString::from(secret.trim()), file)
        }
        None => {
            let secret = SecretString::from(ask("Secret of the token (shown as you type)")?);
            let file = beside(path, &format!("{name}.token"));
            keep_secret(&file, &secret)?;
            print(&format!(
                "The secret is kept in {}, for its owner alone.",
                file.display()
            ));
            (secret, file)
        }
    };

    let mut new = NewRemote {
        name: name.clone(),
        product,
        endpoints: vec![endpoint.clone()],
        token_id: token_id.clone(),
        secret: SecretSource::File(secret_file),
        ca_file: None,
    };
    let mut config = config::Remote {
        name,
        origin: Origin::Configured,
        product,
        endpoints: vec![endpoint],
        credentials: Credentials::Token(Token {
            id: token_id,
            secret,
        }),
        ca: None,
        labels: Default::default(),
        filter: GuestFilter::default(),
        timeout: TIME_OUT,
        max_in_flight: 1,
        background_calls_per_second: 1,
        collectors: CollectorSettings::default(),
    };
    let session = session(&config, &roots)?;
    let release = ask_version(&session).await?;
    print(&format!("{} {} answers.", product.name(), release.version));
    if product == Product::Pve {
        trust_cluster(path, &session, &mut new, &mut config, &roots).await?;
    }
    edit::append_remote(path, &new).map_err(|error| error.to_string())?;
    print(&format!(
        "The remote {:?} is in {}. See what its token may: proxfleet check",
        new.name,
        path.display()
    ));
    Ok(())
}

fn read_host(host: &str) -> Result<(Product, Endpoint), String> {
    let endpoint = Endpoint::parse(host, Product::Pve)?;
    let product = if endpoint.port == Product::Pbs.default_port() {
        Product::Pbs
    } else {
        Product::Pve
    };
    // On another port there is no telling.
    let product = if endpoint.port == product.default_port() {
        product
    } else {
        match ask("Type, pve or pbs")?.as_str() {
            "pve" => Product::Pve,
            "pbs" => Product::Pbs,
            other => return Err(format!("{other:?} is neither pve nor pbs")),
        }
    };
    Ok((product, endpoint))
}

/// Offers the other nodes as end-points, and the cluster's CA, by which PVE's own renewals of
/// certificates break nothing.
async fn trust_cluster(
    path: &Path,
    session: &Session,
    new: &mut NewRemote,
    config: &mut config::Remote,
    roots: &Arc<SystemRoots>,
) -> Result<(), String> {
    let members = get(session, Request::of(&nodes::NODES_CALL), nodes::parse_nodes).await?;
    let seen = get(
        session,
        Request::of(&status::STATUS_CALL),
        status::parse_status,
    )
    .await
    .ok();
    let Some(first) = new.endpoints.first().cloned() else {
        return Ok(());
    };
    let others: Vec<Endpoint> = members
        .iter()
        .filter_map(|member| {
            let fingerprint = member.fingerprint.as_deref()?.parse().ok()?;
            let host = seen.as_ref()?.address_of(&member.node)?.to_owned();
            Some(Endpoint {
                host,
                port: first.port,
                fingerprint: Some(fingerprint),
            })
        })
        .filter(|other| other.fingerprint != first.fingerprint && other.host != first.host)
        .collect();
    if !others.is_empty() {
        for other in &others {
            print(&format!(
                "  {}  {}",
                other.address(),
                other
                    .fingerprint
                    .map(|pin| pin.to_string())
                    .unwrap_or_default()
            ));
        }
        if agrees("Add these nodes of the cluster as further end-points, pinned? [y/N]")? {
            new.endpoints.extend(others);
        }
    }

    let Some(member) = members.first() else {
        return Ok(());
    };
    let request = Request::of(&nodes::CERTIFICATES_CALL).node(&member.node);
    let Some(pem) = get(session, request, nodes::parse_authority).await? else {
        return Ok(());
    };
    if !agrees(
        "Trust the cluster's own CA instead of single certificates, so that renewals need no new pin? [y/N]",
    )? {
        return Ok(());
    }
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("the CA of the cluster cannot be read: {error}"))?;
    let file = beside(path, &format!("{}-ca.pem", new.name));
    config.ca = Some(CertificateAuthority {
        path: file.clone(),
        certificates,
    });
    for endpoint in &mut new.endpoints {
        // Only where chain and name fit: a certificate without our way to the host keeps its pin.
        let probed = trust::probe(
            &endpoint.host,
            endpoint.port,
            roots,
            config.ca.as_ref(),
            None,
            TIME_OUT,
        )
        .await;
        match probed {
            Ok(state) if state.verdict == trust::Verdict::Trusted => endpoint.fingerprint = None,
            Ok(state) => say(&format!(
                "{} keeps its pin: {}",
                endpoint.address(),
                state.objection.unwrap_or_default()
            )),
            Err(error) => say(&format!("{} keeps its pin: {error}", endpoint.address())),
        }
    }
    std::fs::write(&file, pem).map_err(|error| format!("{}: {error}", file.display()))?;
    new.ca_file = Some(file);
    Ok(())
}

fn session(config: &config::Remote, roots: &Arc<SystemRoots>) -> Result<Session, String> {
    let client = Client::new(
        Arc::new(config.clone()),
        Arc::clone(roots),
        Arc::new(InFlight::new(1)),
        Arc::new(Nobody),
    );
    let client = client.map_err(|error| error.to_string())?;
    Ok(Session::of_remote(client, config))
}

async fn ask_version(session: &Session) -> Result<version::Release, String> {
    get(session, Request::of(&version::VERSION_CALL), version::parse).await
}

async fn get<T: Send + 'static>(
    session: &Session,
    request: Request<'_>,
    parse: fn(&str) -> Result<T, crate::source::json::Unreadable>,
) -> Result<T, String> {
    let call = request.call();
    let answer = session
        .get(request)
        .await
        .map_err(|error| error.to_string())?;
    session
        .read(&answer, call, parse)
        .await
        .map_err(|error| error.to_string())
}

fn beside(path: &Path, name: &str) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).join(name)
}

fn keep_secret(file: &Path, secret: &SecretString) -> Result<(), String> {
    let opened = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    opened
        .and_then(|mut file| writeln!(file, "{}", secret.expose_secret()))
        .map_err(|error| format!("{}: {error}", file.display()))
}

fn answer_or(given: Option<String>, question: &str) -> Result<String, String> {
    match given {
        Some(given) => Ok(given),
        None => ask(question),
    }
}

/// Asks on the terminal.
fn ask(question: &str) -> Result<String, String> {
    say(&format!("{question}:"));
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    let line = line.trim().to_owned();
    if read == 0 || line.is_empty() {
        return Err("nothing was answered".to_owned());
    }
    Ok(line)
}

fn agrees(question: &str) -> Result<bool, String> {
    say(question);
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

fn confirm(question: &str) -> Result<(), String> {
    if agrees(question)? {
        Ok(())
    } else {
        Err("it is not trusted, and nothing was changed".to_owned())
    }
}
