//! Drills exist only in builds made for them.

#[cfg(not(feature = "drill"))]
#[test]
fn without_the_feature_a_fault_is_a_usage_error() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tollgate-hub"))
        .args(["--fault", "errors"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("unexpected argument '--fault'"), "{text}");
}

#[cfg(feature = "drill")]
mod with_the_feature {
    use crate::harness::{Client, PATIENCE, database};
    use crate::process::Process;

    async fn hub(fault: &str) -> (tempfile::TempDir, Process, Client) {
        let (folder, path) = database();
        let process = Process::start(&path, &["--fault", fault]);
        let client = process.client();
        (folder, process, client)
    }

    #[tokio::test]
    async fn errors_fail_the_api_and_health_but_not_readiness() {
        let (_folder, _process, client) = hub("errors").await;
        let mut got = Vec::new();
        for path in ["/ready", "/health", "/api/v1/projects"] {
            got.push(client.get(path).await.0);
        }
        assert_eq!(got, [200, 500, 500]);
    }

    #[tokio::test]
    async fn latency_delays_each_request() {
        let (_folder, _process, client) = hub("latency").await;
        let begun = std::time::Instant::now();
        assert_eq!(client.get("/health").await.0, 200);
        assert!(begun.elapsed().as_millis() >= 400);
    }

    #[tokio::test]
    async fn memory_grows_for_real() {
        let (_folder, _process, client) = hub("memory").await;
        let resident = async || -> f64 {
            let text = client.get("/metrics").await.1.as_str().unwrap().to_owned();
            let line = text
                .lines()
                .find(|line| line.starts_with("process_resident_memory_bytes "));
            line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
        };
        let before = resident().await;
        let begun = std::time::Instant::now();
        while resident().await < before + f64::from(12 << 20) {
            assert!(begun.elapsed() < PATIENCE);
        }
    }

    #[tokio::test]
    async fn crash_ends_the_process() {
        let (folder, path) = database();
        let mut process = Process::start(&path, &["--fault", "crash", "--fault-after", "300ms"]);
        assert!(!process.wait().success());
        drop(folder);
    }

    #[tokio::test]
    async fn probe_breaks_only_what_probes_see() {
        let (_folder, _process, client) = hub("probe").await;
        assert_eq!(client.get("/api/v1/projects").await.0, 200);
        let (status, body) = client.get("/health/complete").await;
        assert!(status == 200 && body["status"] == 7, "{body}");
        assert_eq!(client.try_stream(&[]).await.err(), Some(500));
    }
}
