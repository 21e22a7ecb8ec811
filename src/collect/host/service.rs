//! Services of systemd.

use super::Host;
use crate::metric::family::Family;
use crate::metric::lines::Lines;
use crate::source::host::service::Service;

pub(in crate::collect) struct ServiceFamilies {
    pub active: &'static Family,
    pub failed: &'static Family,
}

impl ServiceFamilies {
    pub(in crate::collect) fn lines<'a>(
        &self,
        hosts: impl Iterator<Item = (Host<'a>, Vec<&'a Service>)>,
    ) -> Vec<Lines> {
        let mut active = Lines::of(self.active);
        let mut failed = Lines::of(self.failed);
        for (host, services) in hosts {
            for service in services {
                let labels = host.labels(&[("unit", &service.unit)]);
                active.push(&labels, service.is_active);
                failed.push(&labels, service.has_failed);
            }
        }
        vec![active, failed]
    }
}
