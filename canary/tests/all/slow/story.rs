//! The whole crate on loopback: a real candidate process behind the real proxy under live traffic.
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tollgate_canary::controller::Identity;
use tollgate_canary::deploy::{
    Process, ProcessDeployer, ProcessSpec, Readiness, start, wait_ready,
};
use tollgate_canary::persist::is_locked;
use tollgate_canary::proxy::{
    ControlClient, ProxyConfig, ProxyLimits, ProxyTraffic, bind_proxy, create_token, read_token,
};
use tollgate_canary::{
    CanaryContext, Event, Finished, Phase, Progress, RunFolder, Settings, Weight, replay,
    resume_canary, run_canary,
};
use tollgate_process::{FAMILY_ENV, Family};
use tollgate_report::quantity::{Percent, Span};
use tollgate_report::{Digest, Outcome, SystemClock};

const MODE: &str = "TOLLGATE_CANARY_TEST_MODE";

/// Not a test of its own: with the variable set it is the service under test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_when_it_is_started_as_a_version() {
    let Ok(mode) = std::env::var(MODE) else {
        assert!(std::env::var_os(MODE).is_none());
        return;
    };
    if mode == "never-ready" {
        eprintln!("cannot reach the database");
        std::future::pending::<()>().await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let mut stdout = std::io::stdout();
    writeln!(stdout, "\n{{\"address\":\"{addr}\"}}").unwrap();
    stdout.flush().unwrap();
    let n_served = Arc::new(AtomicU64::new(0));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (mode, n_served) = (mode.clone(), n_served.clone());
        let service = service_fn(move |_request| {
            let n = n_served.fetch_add(1, Ordering::Relaxed);
            if mode == "crash" && n == 5 {
                std::process::exit(9);
            }
            let status = if mode == "errors" { 500 } else { 200 };
            let response = Response::builder()
                .status(status)
                .body(Full::new(Bytes::from("ok")));
            async move { response }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}

fn spec(folder: &Path, family: &Family, mode: &str) -> ProcessSpec {
    ProcessSpec {
        program: std::env::current_exe().unwrap(),
        args: [
            "--exact",
            "slow::story::serves_when_it_is_started_as_a_version",
            "--nocapture",
        ]
        .map(str::to_owned)
        .to_vec(),
        env: vec![
            (MODE.to_owned(), mode.to_owned()),
            (FAMILY_ENV.to_owned(), family.variable().to_owned()),
        ],
        folder: None,
        log_folder: folder.join(mode),
        readiness: Readiness::Line {
            key: "address".to_owned(),
        },
        ready_within: Duration::from_secs(20),
    }
}

struct World {
    /// Ends every version that is left: each outlives its controller.
    family: Family,
    folder: tempfile::TempDir,
    data: SocketAddr,
    control: ControlClient,
    stable: Option<Process>,
    shutdown: CancellationToken,
    is_over: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<()>>,
    progress: mpsc::UnboundedReceiver<Progress>,
    progress_in: mpsc::UnboundedSender<Progress>,
    inputs: mpsc::Sender<Event>,
    inputs_out: Option<mpsc::Receiver<Event>>,
}

/// Lost answers panic; 5xx of a broken candidate are the business of the canary.
async fn client(addr: SocketAddr, is_over: Arc<AtomicBool>) {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    while !is_over.load(Ordering::Relaxed) {
        pace.tick().await;
        sender.ready().await.unwrap();
        let request = Request::builder()
            .uri("/")
            .header("host", "a")
            .body(Full::<Bytes>::default());
        let response = sender.send_request(request.unwrap()).await.unwrap();
        assert!(matches!(
            response.status(),
            StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR
        ));
        response.into_body().collect().await.unwrap();
    }
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let family = Family::ending_with_us();
    let stable_spec = spec(folder.path(), &family, "good");
    let (mut stable, port) = start(&stable_spec).unwrap();
    let addr = wait_ready(&mut stable, &stable_spec, port).await.unwrap();
    let token_file = folder.path().join("token");
    create_token(&token_file).unwrap();
    let proxy = bind_proxy(ProxyConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        control_listen: "127.0.0.1:0".parse().unwrap(),
        stable: addr,
        canary: None,
        token_file: token_file.clone(),
        honours_pin: false,
        limits: ProxyLimits::default(),
    })
    .await
    .unwrap();
    let ready = proxy.ready_line();
    let shutdown = CancellationToken::new();
    tokio::spawn(proxy.serve(shutdown.clone()));
    let is_over = Arc::new(AtomicBool::new(false));
    let clients = (0..4)
        .map(|_| tokio::spawn(client(ready.address, is_over.clone())))
        .collect();
    let (progress_in, progress) = mpsc::unbounded_channel();
    let (inputs, inputs_out) = mpsc::channel(64);
    World {
        family,
        folder,
        data: ready.address,
        control: ControlClient::new(ready.control, read_token(&token_file).unwrap()),
        stable: Some(stable),
        shutdown,
        is_over,
        clients,
        progress,
        progress_in,
        inputs,
        inputs_out: Some(inputs_out),
    }
}

fn settings() -> Settings {
    let span = |ms| Span(Duration::from_millis(ms));
    let mut settings = Settings::short();
    settings.steps[0].weight = Percent(0.20);
    settings.steps[0].bake = span(1_500);
    settings.warmup = span(600);
    // Two cores under a whole test run: latency is not what is tried here.
    settings.slow_margin_min = span(2_000);
    settings.drain_within = span(2_000);
    settings
}

impl World {
    fn canary(&mut self, mode: &str) -> CanaryContext {
        let identity = |label: &str| Identity {
            label: label.to_owned(),
            digest: Digest::of(label),
        };
        let mut spec = spec(self.folder.path(), &self.family, mode);
        if mode == "never-ready" {
            spec.ready_within = Duration::from_millis(1_500);
        }
        let inputs = self.inputs_out.take().unwrap_or_else(|| {
            let (inputs, inputs_out) = mpsc::channel(64);
            self.inputs = inputs;
            inputs_out
        });
        self.inputs
            .try_send(Event::Probe {
                name: "health".to_owned(),
                is_fail: false,
                detail: String::new(),
            })
            .unwrap();
        CanaryContext {
            folder: self.folder.path().join("canary"),
            run: "run-1".to_owned(),
            plan: settings().plan(),
            stable: identity("old"),
            candidate: identity("new"),
            deployer: Arc::new(ProcessDeployer::new(spec)),
            stable_instance: self.stable.take().map(Process::instance),
            traffic: Arc::new(ProxyTraffic::new(self.control.clone())),
            stable_process: None,
            gates: None,
            inputs,
            progress: self.progress_in.clone(),
            clock: Arc::new(SystemClock::new()),
            tick: Duration::from_millis(50),
        }
    }

    async fn finish(&mut self, finished: &mut Finished) {
        self.is_over.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            client
                .await
                .expect("no request of the live traffic was lost");
        }
        self.shutdown.cancel();
        let again = replay(&finished.events_path, None).unwrap();
        assert!(
            again.is_same(),
            "{:#?} {:#?}",
            again.recorded,
            again.computed
        );
        assert!(again.recorded.len() >= 3);
        let stricter = Settings {
            margin: Percent(0.0001),
            ..settings()
        };
        let other = replay(&finished.events_path, Some(stricter.plan())).unwrap();
        assert_ne!(
            other.state.phase,
            Phase::Succeeded,
            "a plan with a tiny margin"
        );
        if let Some(serving) = &mut finished.serving {
            serving.stop(Duration::from_secs(2)).await;
        }
        if let Some(stable) = &mut self.stable {
            stable.stop(Duration::from_secs(2)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_candidate_is_promoted_and_the_old_version_stops() {
    let mut world = world().await;
    let cx = world.canary("good");
    let mut finished = run_canary(cx).await.unwrap();
    let text = rendered(&finished);
    assert_eq!(finished.report.phase, Phase::Succeeded, "{text}");
    assert_eq!(finished.report.verdict.outcome, Outcome::Pass);
    assert!(
        text.starts_with("canary run-1: Succeeded: excess error rate at most"),
        "{text}"
    );
    assert!(finished.serving.is_some());
    let mut n_notified = 0;
    while let Ok(progress) = world.progress.try_recv() {
        n_notified += usize::from(matches!(progress, Progress::Notification(_)));
    }
    assert_eq!(n_notified, 1);
    world.finish(&mut finished).await;
}

fn rendered(finished: &Finished) -> String {
    let mut out = Vec::new();
    tollgate_canary::render_text(&mut out, &finished.report).unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_candidate_is_rolled_back_within_seconds_of_its_first_bad_answer() {
    let mut world = world().await;
    let cx = world.canary("errors");
    let mut finished = run_canary(cx).await.unwrap();
    let report = &finished.report;
    assert_eq!(report.phase, Phase::RolledBack, "{}", rendered(&finished));
    assert_eq!(report.observed_weight, Some(Weight::NONE));
    assert!(report.rollback_ms.unwrap() < 10_000);
    assert!(
        report.verdict.reason.starts_with("errors: "),
        "{}",
        report.verdict.reason
    );
    assert_eq!(report.verdict.findings[0].code, "canary-errors");
    assert_eq!(world.control.state().await.unwrap().weight, Weight::NONE);
    world.finish(&mut finished).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_and_a_candidate_that_is_never_ready_are_named() {
    for (mode, code, words) in [
        ("crash", "canary-crash", "ended by itself"),
        (
            "never-ready",
            "canary-not-ready",
            "cannot reach the database",
        ),
    ] {
        let mut world = world().await;
        let cx = world.canary(mode);
        let mut finished = run_canary(cx).await.unwrap();
        assert_eq!(finished.report.phase, Phase::RolledBack);
        let finding = &finished.report.verdict.findings[0];
        assert_eq!(finding.code, code);
        assert!(finding.message.contains(words), "{}", finding.message);
        world.finish(&mut finished).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_controller_leaves_weight_0_and_its_run_is_resumed_to_the_end() {
    let mut world = world().await;
    let cx = world.canary("good");
    let folder = cx.folder.clone();
    let plan_lease = Duration::from_millis(cx.plan.lease_ms);
    let controller = tokio::spawn(run_canary(cx));
    while world.control.state().await.unwrap().weight == Weight::NONE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(is_locked(&folder));
    let refused = run_canary(world.canary("good")).await.unwrap_err();
    assert!(
        matches!(refused, tollgate_canary::CanaryError::Persist(_)),
        "{refused}"
    );
    controller.abort();
    assert!(controller.await.unwrap_err().is_cancelled());
    let state = tokio::time::timeout(plan_lease * 3, async {
        loop {
            let state = world.control.state().await.unwrap();
            if state.weight == Weight::NONE {
                break state;
            }
        }
    })
    .await
    .unwrap();
    assert!(state.lease_expired_at.is_some(), "{} serves on", world.data);
    let mut finished = resume_canary(world.canary("good")).await.unwrap();
    assert_eq!(
        finished.report.phase,
        Phase::Succeeded,
        "{}",
        rendered(&finished)
    );
    world.finish(&mut finished).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_from_another_process_ends_the_run_at_weight_0() {
    let mut world = world().await;
    let mut cx = world.canary("good");
    cx.plan.steps[0].bake_ms = 600_000;
    let run = RunFolder::new(&cx.folder, &cx.run);
    let control = world.control.clone();
    let asking = tokio::spawn(async move {
        while control.state().await.unwrap().weight == Weight::NONE {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        run.request_abort("release owner", "wrong build").unwrap();
    });
    let mut finished = run_canary(cx).await.unwrap();
    asking.await.unwrap();
    assert_eq!(finished.report.phase, Phase::Aborted);
    assert_eq!(
        finished.report.verdict.reason,
        "aborted by `release owner`: wrong build"
    );
    world.finish(&mut finished).await;
}
