//! What the program counts of itself: calls, scrapes, configuration, and what is seen of the
//! remotes' end-points on the way.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client_derive as _;

use crate::config;
use crate::metric::exposition::Format;
use crate::metric::family::Family;
use crate::metric::own::{
    Counter, EncodeLabelSet, Gauge, Histogram, Labelled, OwnRegistry, exponential_buckets,
};
use crate::remote::observer::{CallRecord, Observer};
use crate::remote::trust::CertificateState;
