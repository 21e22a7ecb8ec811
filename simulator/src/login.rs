//! Login with a user's password: `POST /access/ticket`, and the cookie that stands for it.

use crate::access::{Caller, User};
use crate::http::{Answer, Request};
use crate::json::Object;
use crate::random::hash;
use crate::remote::{Product, RemoteState};

/// The seconds that a ticket is good for.
const LIFE: i64 = 7200;

/// Whether this is a login, which needs no credentials before it.
pub(crate) fn is_meant(request: &Request) -> bool {
    request.method == "POST" && request.path == "/access/ticket"
}

/// A ticket, or the product's own way to refuse one.
pub(crate) fn answer(remote: &RemoteState, endpoint: usize, request: &Request) -> Answer {
    let refused = || match remote.product() {
        Product::Pve => Answer::empty(401, "authentication failure").after(remote.auth_delay),
        Product::Pbs => {
            let mut answer = remote.unauthorised();
            answer.body = Some(crate::http::Body::new("permission check failed."));
            answer.with_json()
        }
    };
    let (Some(name), Some(password)) = (request.field("username"), request.field("password"))
    else {
        return match remote.product() {
            Product::Pve => crate::pve::error(400, "Parameter verification failed."),
            Product::Pbs => crate::pbs::error(400, "no password provided"),
        };
    };
    let known = remote
        .users
        .iter()
        .find(|user| user.id == name && user.password == password);
    let Some(user) = known else { return refused() };
    let mut data = Object::new();
    data.text("username", &user.id)
        .text("CSRFPreventionToken", "simulated");
    if user.second_factor {
        let challenge = "!tfa!%7B%22totp%22%3Atrue%7D:0::AAAA";
        data.text(
            "ticket",
            &format!("{}:{challenge}", prefix(remote.product())),
        );
        if remote.product() == Product::Pve {
            data.int("NeedTFA", 1);
        }
    } else {
        let ticket = ticket(remote, user, remote.endpoint_time(endpoint));
        data.text("ticket", &ticket);
    }
    Answer::data(&data.into_json(None))
}

/// Who shows a ticket that is still good.
pub(crate) fn caller<'a>(
    remote: &'a RemoteState,
    endpoint: usize,
    request: &Request,
) -> Option<Caller<'a>> {
    let shown = request.cookie(match remote.product() {
        Product::Pve => "PVEAuthCookie",
        Product::Pbs => "PBSAuthCookie",
    })?;
    let mut parts = shown.split(':');
    let (_, id, time) = (parts.next()?, parts.next()?, parts.next()?);
    let issued = i64::from_str_radix(time, 16).ok()?;
    let user = remote.users.iter().find(|user| user.id == id)?;
    let age = remote.endpoint_time(endpoint) - issued;
    // Five minutes of difference between clocks are allowed.
    let is_good = shown == ticket(remote, user, issued) && (-300..LIFE).contains(&age);
    is_good.then_some(Caller {
        id: &user.id,
        rights: user.rights,
    })
}

/// `PVE:user@realm:HEXTIME::SIGNATURE`, the same from each node of a cluster.
fn ticket(remote: &RemoteState, user: &User, issued: i64) -> String {
    let bytes = remote.name.bytes().chain(user.password.bytes());
    let key = bytes.fold(0, |key, byte| hash(&[key, i64::from(byte)]).cast_signed());
    // All that base64 has beside letters, for who forgets to encode it.
    format!(
        "{}:{}:{issued:08X}::{:016x}+/{:016x}==",
        prefix(remote.product()),
        user.id,
        hash(&[key, issued]),
        hash(&[issued, key]),
    )
}

fn prefix(product: Product) -> &'static str {
    match product {
        Product::Pve => "PVE",
        Product::Pbs => "PBS",
    }
}
