use super::support::TestApi;

#[tokio::test]
async fn dump() {
    let api = TestApi::start().await;
    let doc = api.get("/api/v1/openapi.json").await;
    std::fs::write("/tmp/openapi.json", serde_json::to_string_pretty(&doc).unwrap()).unwrap();
    println!("{}", api.task("x").await);
}
