//! What is measured, as Prometheus text.
//!
//! Operations measure themselves in `hearth-app`; here are the measures of HTTP and the names,
//! words and buckets of all.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hearth_app::money::Today;
use hearth_app::runs::RunCounts;
use hearth_app::status::Gauges;
use hearth_domain::money::usd;
use http::{Method, StatusCode};
use metrics::{
    Counter, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::wire::status::open_runs;

/// How often what was recorded is summed up: it is kept singly until then.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// In seconds: from what a read takes to what nobody should wait.
const HTTP_BUCKETS: [f64; 13] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0,
];
/// In seconds: from a quick tool to a day.
const TASK_BUCKETS: [f64; 11] = [
    0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0,
];
/// In writes: up to the most that one commit takes.
const BATCH_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// In seconds: events carry milliseconds.
const LAG_BUCKETS: [f64; 9] = [0.001, 0.002, 0.004, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0];

/// The one recorder of the process.
static INSTALLED: OnceLock<Metrics> = OnceLock::new();

/// The measures of this process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Starts to measure, or returns what is measuring: there is one recorder per process.
    pub fn install() -> Self {
        INSTALLED.get_or_init(start).clone()
    }

    /// Returns everything measured as Prometheus text.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Notes what is measured on demand.
pub(crate) fn note(gauges: &Gauges) {
    #[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
    let count = |value: u64| value as f64;
    gauge!("hearth_store_writes_waiting").set(count(gauges.writes_waiting as u64));
    gauge!("hearth_events_last_seq").set(count(gauges.last_seq.unsigned_abs()));
    gauge!("hearth_agents_online").set(count(gauges.agents_online));
    gauge!("hearth_agents_working").set(count(gauges.agents_working));
    let utilisation = count(gauges.agents_working) / count(gauges.agents_online.max(1));
    gauge!("hearth_agent_utilisation").set(utilisation.min(1.0));
}

/// Notes how many runs can go on, and how many approvals wait.
pub(crate) fn note_runs(counts: &RunCounts) {
    #[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
    let count = |value: u64| value as f64;
    for (status, runs) in open_runs(counts) {
        gauge!("hearth_runs", "status" => status).set(count(runs));
    }
    gauge!("hearth_approvals_pending").set(count(counts.approvals_pending));
}

/// Notes what calls of models cost, since the beginning.
pub(crate) fn note_money(today: &Today) {
    gauge!("hearth_model_cost_usd_total").set(usd(today.ever_usd_micros));
}

/// Returns the measure of how old events are when subscribers get them.
pub(crate) fn event_lag() -> Histogram {
    histogram!("hearth_event_lag_seconds")
}

/// The measures of each route and method, looked up once and then kept.
pub(crate) struct Meters {
    places: HashMap<String, usize>,
    /// The first is for what is no route.
    routes: Vec<RouteMeters>,
}

/// Where a request is counted.
#[derive(Clone, Copy)]
pub(crate) struct Meter {
    route: usize,
    method: usize,
}

struct RouteMeters {
    template: Arc<str>,
    methods: [OnceLock<MethodMeters>; METHODS.len()],
}

struct MethodMeters {
    latency: Histogram,
    requests: [OnceLock<Counter>; CLASSES.len()],
    errors: [OnceLock<Counter>; CLASSES.len()],
}

/// The last stands for every other.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "other"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl RouteMeters {
    fn new(template: &str) -> Self {
        Self {
            template: template.into(),
            methods: Default::default(),
        }
    }
}

impl Meters {
    /// Makes meters for the routes `templates`.
    pub(crate) fn new<'a>(templates: impl Iterator<Item = &'a str>) -> Self {
        let mut routes = vec![RouteMeters::new("unmatched")];
        let mut places = HashMap::new();
        for template in templates {
            places.insert(template.to_owned(), routes.len());
            routes.push(RouteMeters::new(template));
        }
        Self { places, routes }
    }

    pub(crate) fn find(&self, template: Option<&str>, method: &Method) -> Meter {
        let route = template.and_then(|template| self.places.get(template));
        let method = METHODS.iter().position(|known| method == known);
        Meter {
            route: route.copied().unwrap_or(0),
            method: method.unwrap_or(METHODS.len() - 1),
        }
    }

    pub(crate) fn record(&self, meter: Meter, status: StatusCode, took: Duration) {
        let Some(route) = self.routes.get(meter.route) else {
            return;
        };
        let (Some(slot), Some(method)) =
            (route.methods.get(meter.method), METHODS.get(meter.method))
        else {
            return;
        };
        let template = || Arc::<str>::clone(&route.template);
        let meters = slot.get_or_init(|| MethodMeters {
            latency: histogram!("hearth_http_request_duration_seconds", "route" => template(), "method" => *method),
            requests: Default::default(),
            errors: Default::default(),
        });
        meters.latency.record(took.as_secs_f64());
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let (Some(requests), Some(name)) = (meters.requests.get(class), CLASSES.get(class)) {
            requests
                .get_or_init(|| counter!("hearth_http_requests_total", "route" => template(), "method" => *method, "status" => *name))
                .increment(1);
        }
        if !(status.is_client_error() || status.is_server_error()) {
            return;
        }
        if let (Some(errors), Some(name)) = (meters.errors.get(class), CLASSES.get(class)) {
            errors
                .get_or_init(|| counter!("hearth_http_errors_total", "route" => template(), "method" => *method, "status" => *name))
                .increment(1);
        }
    }
}

fn start() -> Metrics {
    // Only an empty list of buckets would be refused.
    let recorder = with_buckets(PrometheusBuilder::new())
        .unwrap_or_default()
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another recorder measures this process; /metrics stays empty");
    }
    describe();
    let upkeep = handle.clone();
    let thread = std::thread::Builder::new()
        .name("metrics-upkeep".into())
        .spawn(move || {
            loop {
                std::thread::sleep(UPKEEP_EVERY);
                upkeep.run_upkeep();
            }
        });
    if let Err(error) = thread {
        tracing::warn!(%error, "measures are summed up only when somebody reads them");
    }
    Metrics(handle)
}

fn with_buckets(builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    let full = |name: &str| Matcher::Full(name.to_owned());
    builder
        .set_buckets_for_metric(full("hearth_http_request_duration_seconds"), &HTTP_BUCKETS)?
        .set_buckets_for_metric(full("hearth_task_duration_seconds"), &TASK_BUCKETS)?
        .set_buckets_for_metric(full("hearth_store_commit_batch_size"), &BATCH_BUCKETS)?
        .set_buckets_for_metric(full("hearth_event_lag_seconds"), &LAG_BUCKETS)
}

fn describe() {
    describe_counter!("hearth_tasks_created_total", "Tasks that were made.");
    describe_counter!("hearth_tasks_completed_total", "Tasks that were completed.");
    describe_histogram!(
        "hearth_task_duration_seconds",
        "From the claim of a task to its completion."
    );
    describe_gauge!("hearth_agents_online", "Agents that were heard from.");
    describe_gauge!("hearth_agents_working", "Agents that hold a task.");
    describe_gauge!(
        "hearth_agent_utilisation",
        "The share of the agents online that hold a task."
    );
    describe_histogram!(
        "hearth_http_request_duration_seconds",
        "From a request's head to its answer's head."
    );
    describe_counter!("hearth_http_requests_total", "Requests that were answered.");
    describe_counter!(
        "hearth_http_errors_total",
        "Requests that were answered with an error."
    );
    describe_gauge!(
        "hearth_runs",
        "Runs that have not ended: at work, waiting, or failed and to be tried again."
    );
    describe_gauge!(
        "hearth_approvals_pending",
        "Approvals that wait for the owner's answer."
    );
    describe_counter!(
        "hearth_steps_total",
        "Attempts at steps of runs that ended, by how."
    );
    describe_gauge!(
        "hearth_model_cost_usd_total",
        "US dollars that calls of models cost since the beginning."
    );
    describe_counter!(
        "hearth_model_tokens_total",
        "Tokens that models read (input) and wrote (output)."
    );
    describe_counter!(
        "hearth_model_calls_total",
        "Calls of models: settled, unknown where they were cut off, refused where no budget allowed them."
    );
    describe_counter!(
        "hearth_made_tool_uses_total",
        "Calls of tools that agents made, by how they went."
    );
    describe_counter!(
        "hearth_sandbox_kills_total",
        "Programs that the sandbox ended, by the limit they ran into."
    );
    describe_gauge!(
        "hearth_store_writes_waiting",
        "Writes that wait for the writer."
    );
    describe_histogram!(
        "hearth_store_commit_batch_size",
        "How many writes shared a commit."
    );
    describe_gauge!("hearth_events_last_seq", "The position of the last event.");
    describe_histogram!(
        "hearth_event_lag_seconds",
        "From an event to its sending to a subscriber."
    );
}
