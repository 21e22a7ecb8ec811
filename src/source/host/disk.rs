//! Physical disks: `/nodes/{node}/disks/list` of both products.

use serde::Deserialize;

use crate::source::json::{self, List, Number, Rows, Text, Unreadable};

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Disk {
    /// As the kernel calls it, `sda`, `nvme0n1`.
    pub device: Box<str>,
    pub size: Option<f64>,
    /// `ssd`, `nvme`, `hdd`, `usb`; a backup server calls an NVMe an `ssd`.
    pub kind: Box<str>,
    /// `LVM`, `ZFS`, `mounted`, `partitions`, a file system …
    pub used: Box<str>,
    pub model: Box<str>,
    pub serial: Box<str>,
    pub vendor: Box<str>,
    /// The OSDs of Ceph on it, `3` or `3,4`; only PVE tells.
    pub osds: Box<str>,
}

impl Disk {
    /// Reading SMART data of such a disk wakes nothing.
    pub fn is_solid_state(&self) -> bool {
        matches!(&*self.kind, "ssd" | "nvme")
    }
}

/// Reads `/nodes/{node}/disks/list`: `type` of PVE is `disk-type` of a backup server. PVE says
/// `unknown` where it knows nothing, a backup server `null`.
pub fn parse(text: &str) -> Result<Vec<Disk>, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "kebab-case")]
    struct Row<'a> {
        #[serde(borrow)]
        devpath: Text<'a>,
        name: Text<'a>,
        size: Number,
        #[serde(rename = "type")]
        kind: Text<'a>,
        disk_type: Text<'a>,
        used: Text<'a>,
        model: Text<'a>,
        serial: Text<'a>,
        vendor: Text<'a>,
        osdid: Number,
        osdid_list: Osds,
    }

    let rows = json::envelope::<Rows<Row<'_>>>(text)?.0;
    let mut disks: Vec<Disk> = rows
        .iter()
        .filter_map(|row| {
            let path = row.devpath.known().or(row.name.known())?;
            let kind = row.kind.known().or(row.disk_type.known());
            Some(Disk {
                device: Box::from(path.strip_prefix("/dev/").unwrap_or(path)),
                size: row.size.quantity().filter(|size| *size > 0.0),
                kind: Box::from(kind.unwrap_or_default()),
                used: row.used.to_boxed(),
                model: known(&row.model),
                serial: known(&row.serial),
                vendor: known(&row.vendor),
                osds: osds(&row.osdid_list, row.osdid),
            })
        })
        .collect();
    disks.sort_by(|a, b| a.device.cmp(&b.device));
    disks.dedup_by(|a, b| a.device == b.device);
    Ok(disks)
}

/// `null` for a disk without OSDs.
type Osds = Option<List<Number>>;

fn known(text: &Text<'_>) -> Box<str> {
    Box::from(
        text.known()
            .filter(|text| *text != "unknown")
            .unwrap_or_default(),
    )
}

/// A disk without OSDs has the id -1; the list came with PVE 8.
fn osds(list: &Osds, single: Number) -> Box<str> {
    let listed = list.iter().flat_map(|List(osds)| osds).copied();
    let mut osds: Vec<u64> = listed
        .chain([single])
        .filter_map(|osd| osd.quantity().map(|osd| osd as u64))
        .collect();
    osds.sort_unstable();
    osds.dedup();
    let osds: Vec<String> = osds.iter().map(u64::to_string).collect();
    osds.join(",").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_products_are_read_and_unknown_is_nothing() {
        let text = r#"{"data":[
            {"devpath":"/dev/sdb","type":"hdd","size":"4000","used":"LVM","osdid":3,
             "osdid-list":[4,"3"],"model":"Disk","serial":"unknown","wearout":"N/A","rpm":7200},
            {"name":"nvme0n1","devpath":"/dev/nvme0n1","disk-type":"ssd","size":100,"model":null},
            {"devpath":"/dev/sdb","size":1},{"osdid-list":7,"name":"vda","osdid":-1,"size":0},
            {"size":3},"x",null]}"#;
        let disks = parse(text).unwrap();
        let names: Vec<_> = disks.iter().map(|disk| &*disk.device).collect();
        assert_eq!(names, ["nvme0n1", "sdb", "vda"]);
        assert!(disks[0].is_solid_state() && !disks[1].is_solid_state());
        assert_eq!((disks[1].size, &*disks[1].osds), (Some(4000.0), "3,4"));
        assert_eq!((&*disks[1].model, &*disks[1].serial), ("Disk", ""));
        assert_eq!((disks[2].size, &*disks[2].osds), (None, ""));
    }
}
