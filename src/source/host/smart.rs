//! What SMART tells of one disk: `/nodes/{node}/disks/smart` of both products.
//!
//! PVE hands on what smartctl prints: the table of attributes of an ATA disk, the text of an NVMe or
//! SAS disk. A backup server makes a list of attributes of both; those of an NVMe have the names of
//! smartctl's JSON.

use serde::Deserialize;

use super::disk::Disk;
use crate::remote::error::CallError;
use crate::remote::outcome::Outcome;
use crate::source::json::{self, List, Number, Object, Text, Unreadable};
use crate::source::{ApiCall, Fetched, Request, Session};

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Smart {
    /// The disk's own judgement; `None` where it has none.
    pub passed: Option<bool>,
    /// Fraction of the rated endurance that is used, above 1 for an NVMe beyond its rating.
    pub wearout: Option<f64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// Seconds.
    pub power_on: Option<f64>,
    /// Bytes.
    pub written: Option<f64>,
    /// Fraction of the spare blocks that is left; only of an NVMe.
    pub spare: Option<f64>,
    /// Errors that the disk could not correct; only of an NVMe.
    pub media_errors: Option<f64>,
    pub reallocated_sectors: Option<f64>,
    pub pending_sectors: Option<f64>,
}

/// A disk by its device, and what SMART tells of it.
pub type Health = (Box<str>, Smart);

/// Asks for each disk that sleeps through it. A disk without SMART is left out.
pub async fn ask_each<'a>(
    session: &Session,
    disks: &'a [Disk],
    call: &'static ApiCall,
    request: impl Fn(&'a Disk) -> Request<'a>,
) -> Result<Fetched<Vec<Health>>, CallError> {
    let mut healths = Vec::new();
    let mut problems = Vec::new();
    for disk in disks.iter().filter(|disk| disk.is_solid_state()) {
        match ask(session, call, request(disk)).await {
            Ok(smart) => healths.push((disk.device.clone(), smart)),
            Err(error) if error.outcome() == Outcome::NotApplicable => {}
            Err(error) => problems.push(error),
        }
    }
    match problems.pop() {
        Some(error) if healths.is_empty() => Err(error),
        error => {
            problems.extend(error);
            Ok(Fetched::with_problems(healths, problems))
        }
    }
}

async fn ask(
    session: &Session,
    call: &'static ApiCall,
    request: Request<'_>,
) -> Result<Smart, CallError> {
    let answer = session.get(request).await?;
    session.read(&answer, call, parse).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attribute<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    id: Number,
    /// In the vendor's scale, from 100 (new) downwards.
    normalized: Number,
    raw: Text<'a>,
}

/// Reads `/nodes/{node}/disks/smart`: `health` of PVE is `status` of a backup server.
pub fn parse(text: &str) -> Result<Smart, Unreadable> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer<'a> {
        #[serde(borrow)]
        health: Text<'a>,
        status: Text<'a>,
        /// Percentage of life that is left.
        wearout: Number,
        text: Text<'a>,
        #[serde(borrow)]
        attributes: Option<List<Object<Attribute<'a>>>>,
    }

    let Object(answer) = json::envelope::<Object<Answer<'_>>>(text)?;
    let mut smart = Smart {
        passed: passed(answer.health.known().or(answer.status.known())),
        ..Smart::default()
    };
    for line in answer.text.as_str().lines() {
        if let Some((name, value)) = line.split_once([':', '=']) {
            smart.learn_by_name(&normal_name(name), value);
        }
    }
    for Object(attribute) in answer.attributes.iter().flat_map(|List(list)| list) {
        smart.learn(attribute);
    }
    if let Some(left) = answer.wearout.0 {
        smart.wearout = Some(used_of_left(left));
    }
    Ok(smart)
}

/// `PASSED` of ATA and NVMe, `OK` of SAS; a backup server writes lower case. A disk whose SMART is
/// switched off has said nothing.
fn passed(health: Option<&str>) -> Option<bool> {
    let health = health?.trim().to_ascii_lowercase();
    match &*health {
        "passed" | "ok" => Some(true),
        "" | "unknown" | "smart disabled" => None,
        _ => Some(false),
    }
}

/// `Power On Hours` of the text, `Power_On_Hours` of the table, `power_on_hours` of the JSON.
fn normal_name(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

fn used_of_left(percentage: f64) -> f64 {
    // Halves of a percent would not be exact in the other order.
    (100.0 - percentage) / 100.0
}

const SECONDS_PER_HOUR: f64 = 3600.0;
const SECTOR: f64 = 512.0;
const MEBIBYTE: f64 = 1024.0 * 1024.0;
/// Data units of an NVMe are thousands of 512 bytes, whatever its sectors are.
const NVME_DATA_UNIT: f64 = 512_000.0;

/// The attributes of ATA disks whose normalized value is the percentage of life that is left, as
/// pve-storage reads them.
const LIFE_LEFT: &[&str] = &[
    "media_wearout_indicator",
    "ssd_life_left",
    "wear_leveling_count",
    "perc_write/erase_ct_bc",
    "perc_rated_life_remain",
    "remaining_lifetime_perc",
    "percent_lifetime_remain",
    "lifetime_left",
    "pct_life_remaining",
    "lifetime_remaining",
    "percent_life_remaining",
    "percent_lifetime_used",
    "perc_rated_life_used",
];

/// What vendors call the bytes that the host has written, and their units.
const WRITTEN: &[(&str, f64)] = &[
    ("data_units_written", NVME_DATA_UNIT),
    ("total_lbas_written", SECTOR),
    ("total_host_sector_write", SECTOR),
    ("host_writes_32mib", 32.0 * MEBIBYTE),
    ("host_writes_mib", MEBIBYTE),
    ("host_writes_gib", 1024.0 * MEBIBYTE),
    ("total_writes_gib", 1024.0 * MEBIBYTE),
    ("lifetime_writes_gib", 1024.0 * MEBIBYTE),
];

impl Smart {
    fn learn(&mut self, attribute: &Attribute<'_>) {
        let name = normal_name(attribute.name.as_str());
        let raw = attribute.raw.as_str();
        // The numbers of ATA mean the same with all vendors, the names do not.
        match attribute.id.quantity().map(|id| id as u64) {
            Some(5) => self.reallocated_sectors = leading_number(raw),
            Some(9) => self.power_on = leading_number(raw).map(|hours| hours * SECONDS_PER_HOUR),
            Some(190) => self.temperature = self.temperature.or(leading_number(raw)),
            Some(194) => self.temperature = leading_number(raw),
            Some(197) => self.pending_sectors = leading_number(raw),
            _ => self.learn_by_name(&name, raw),
        }
        if LIFE_LEFT.contains(&&*name) && self.wearout.is_none() {
            self.wearout = attribute.normalized.quantity().map(used_of_left);
        }
    }

    fn learn_by_name(&mut self, name: &str, value: &str) {
        let number = || leading_number(value);
        match name {
            "temperature" | "current_drive_temperature" => self.temperature = number(),
            "percentage_used" | "percentage_used_endurance_indicator" => {
                self.wearout = number().map(|used| used / 100.0);
            }
            "available_spare" => self.spare = number().map(|left| left / 100.0),
            "power_on_hours" | "number_of_hours_powered_up" => {
                self.power_on = number().map(|hours| hours * SECONDS_PER_HOUR);
            }
            "media_and_data_integrity_errors" | "media_errors" => self.media_errors = number(),
            "elements_in_grown_defect_list" => self.reallocated_sectors = number(),
            _ => {
                if let Some((_, unit)) = WRITTEN.iter().find(|(known, _)| *known == name) {
                    self.written = number().map(|written| written * unit);
                }
            }
        }
    }
}

/// The number that a value begins with: `5,584,952 [2.85 TB]`, `35 (Min/Max 20/45)`, `12345h+30m`.
fn leading_number(value: &str) -> Option<f64> {
    let digits: String = value
        .trim()
        .chars()
        .take_while(|character| character.is_ascii_digit() || matches!(character, ',' | '.'))
        .filter(|character| *character != ',')
        .collect();
    digits
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_nvme_is_read() {
        let smart = parse(
            r#"{"data":{"health":"PASSED","type":"text","wearout":96,"text":"\nCritical Warning:                   0x00\nTemperature:                        35 Celsius\nAvailable Spare:                    100%\nAvailable Spare Threshold:          10%\nPercentage Used:                    4%\nData Units Written:                 5,584,952 [2.85 TB]\nPower On Hours:                     1,234\nMedia and Data Integrity Errors:    2\nTemperature Sensor 1:               60 Celsius\n"}}"#,
        )
        .unwrap();
        let expected = Smart {
            passed: Some(true),
            wearout: Some(0.04),
            temperature: Some(35.0),
            power_on: Some(1234.0 * 3600.0),
            written: Some(5_584_952.0 * 512_000.0),
            spare: Some(1.0),
            media_errors: Some(2.0),
            ..Smart::default()
        };
        assert_eq!(smart, expected);
    }

    #[test]
    fn the_table_of_an_ata_disk_is_read() {
        let smart = parse(
            r#"{"data":{"health":"FAILED!","type":"ata","attributes":[
            {"id":"  5","name":"Reallocated_Sector_Ct","raw":"8","value":100,"normalized":100},
            {"id":"  9","name":"Power_On_Hours","raw":"100h+30m+12.345s","normalized":99},
            {"id":"177","name":"Wear_Leveling_Count","raw":"50","normalized":97,"value":97},
            {"id":"190","name":"Airflow_Temperature_Cel","raw":"29","normalized":71},
            {"id":"194","name":"Temperature_Celsius","raw":"31 (Min/Max 20/45)","normalized":69},
            {"id":"197","name":"Current_Pending_Sector","raw":"1","normalized":100},
            {"id":"241","name":"Total_LBAs_Written","raw":"1000","normalized":99},null,7]}}"#,
        )
        .unwrap();
        let expected = Smart {
            passed: Some(false),
            wearout: Some(0.03),
            temperature: Some(31.0),
            power_on: Some(360_000.0),
            written: Some(512_000.0),
            reallocated_sectors: Some(8.0),
            pending_sectors: Some(1.0),
            ..Smart::default()
        };
        assert_eq!(smart, expected);
    }

    #[test]
    fn the_list_of_a_backup_server_is_read() {
        let smart = parse(
            r#"{"data":{"status":"passed","wearout":-20.0,"attributes":[
            {"name":"temperature","raw":"40","value":"40"},
            {"name":"power_on_hours","raw":"10","value":"10"},
            {"name":"data_units_written","raw":"3","value":"3"},
            {"name":"media_errors","raw":"0","value":"0"}]}}"#,
        )
        .unwrap();
        let expected = Smart {
            passed: Some(true),
            wearout: Some(1.2),
            temperature: Some(40.0),
            power_on: Some(36_000.0),
            written: Some(1_536_000.0),
            media_errors: Some(0.0),
            ..Smart::default()
        };
        assert_eq!(smart, expected);
    }

    #[test]
    fn the_text_of_a_sas_disk_is_read() {
        let smart = parse(
            r#"{"data":{"health":"OK","type":"text","text":"Percentage used endurance indicator: 7%\nCurrent Drive Temperature:     30 C\nElements in grown defect list: 3\n"}}"#,
        )
        .unwrap();
        assert_eq!(smart.passed, Some(true));
        assert_eq!((smart.wearout, smart.temperature), (Some(0.07), Some(30.0)));
        assert_eq!(smart.reallocated_sectors, Some(3.0));
    }

    #[test]
    fn a_disk_that_says_nothing_is_not_known() {
        for text in [
            r#"{"data":{"health":"UNKNOWN"}}"#,
            r#"{"data":{"health":"SMART Disabled","attributes":"x","text":null,"wearout":"N/A"}}"#,
            r#"{"data":null}"#,
            r#"{"data":[]}"#,
        ] {
            assert_eq!(parse(text).unwrap(), Smart::default(), "{text}");
        }
    }
}
