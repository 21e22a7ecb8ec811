//! Which guests are shown, where what is told of them comes from another list than the live picture.

use crate::collect::Inputs;
use crate::source::GuestKind;
use crate::source::pve::resources::{Guest, RESOURCES};

/// Whether the remote's filter lets a guest through. Of a guest that is not in the picture nobody
/// knows what a filter decides on: it is shown only where nothing is filtered.
pub(super) fn shown_guests<'a>(inputs: &'a Inputs<'_>) -> impl Fn(GuestKind, u32) -> bool + 'a {
    let picture = inputs.get(&RESOURCES);
    move |kind, vmid| {
        let admits = |guest: &Guest| inputs.filter.admits(&guest.facts());
        inputs.filter.is_empty()
            || picture
                .as_ref()
                .and_then(|picture| picture.guest(vmid, kind))
                .is_some_and(admits)
    }
}
