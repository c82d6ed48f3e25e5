use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// Names and their addresses; no question leaves this process.
struct Names(HashMap<&'static str, Vec<&'static str>>);

impl Resolve for Names {
    fn resolve(&self, name: String) -> Answer {
        let found = self.0.get(name.as_str()).map(|addresses| {
            addresses
                .iter()
                .map(|address| address.parse().unwrap())
                .collect()
        });
        Box::pin(async move { found.ok_or_else(|| io::Error::other("no such name")) })
    }
}

fn guard(allow: &[&str]) -> Guard {
    let names = HashMap::from([
        ("example.org", vec!["93.184.215.14", "2606:2800:21f::1"]),
        ("a.example.org", vec!["93.184.215.15"]),
        ("xn--bcher-kva.example", vec!["93.184.215.16"]),
        ("inside.example.org", vec!["10.0.0.7"]),
        ("mixed.example.org", vec!["93.184.215.17", "127.0.0.1"]),
        ("metadata.example.org", vec!["169.254.169.254"]),
        ("mapped.example.org", vec!["::ffff:127.0.0.1"]),
        ("six.example.org", vec!["fd00::1"]),
        ("empty.example.org", vec![]),
        ("app.localhost", vec!["93.184.215.18"]),
        ("localhost", vec!["93.184.215.19"]),
    ]);
    Guard::new(AllowList::parse(allow).unwrap(), Arc::new(Names(names)))
}

async fn check(allow: &[&str], url: &str) -> Result<Vec<String>, Refusal> {
    let pinned = guard(allow).check(&url.parse().unwrap()).await?;
    Ok(pinned.addresses.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn what_the_list_names_is_pinned_to_its_addresses() {
    for (allow, url, addresses) in [
        (
            "example.org",
            "https://example.org/a?b",
            &["93.184.215.14:443", "[2606:2800:21f::1]:443"][..],
        ),
        (
            "example.org",
            "http://EXAMPLE.org./",
            &["93.184.215.14:80", "[2606:2800:21f::1]:80"],
        ),
        (
            "*.example.org",
            "https://a.example.org",
            &["93.184.215.15:443"],
        ),
        ("*", "https://a.example.org", &["93.184.215.15:443"]),
        (
            "a.example.org:8443",
            "https://a.example.org:8443",
            &["93.184.215.15:8443"],
        ),
        (
            "bücher.example",
            "https://b%C3%BCcher.example",
            &["93.184.215.16:443"],
        ),
        (
            "127.0.0.1:8080",
            "http://127.0.0.1:8080",
            &["127.0.0.1:8080"],
        ),
        ("127.0.0.1:8080", "http://0x7f.1:8080", &["127.0.0.1:8080"]),
        ("[::1]:8080", "http://[0:0::1]:8080", &["[::1]:8080"]),
        (
            "localhost:8080",
            "http://localhost:8080",
            &["127.0.0.1:8080", "[::1]:8080"],
        ),
        ("10.0.0.7:80", "http://10.0.0.7", &["10.0.0.7:80"]),
    ] {
        assert_eq!(
            check(&[allow], url).await.unwrap(),
            addresses,
            "{allow} {url}"
        );
    }
}

#[tokio::test]
async fn what_the_list_does_not_name_is_refused() {
    for (allow, url) in [
        ("example.org", "https://a.example.org"),
        ("*.example.org", "https://example.org"),
        ("*.example.org", "https://notexample.org"),
        ("example.org", "https://example.org.evil.example"),
        ("example.org", "https://example.org:22"),
        ("example.org:8443", "https://example.org"),
        ("example.org", "https://93.184.215.14"),
        ("*", "https://93.184.215.14"),
        ("127.0.0.1:8080", "http://127.0.0.1:8081"),
        ("127.0.0.1:8080", "http://localhost:8080"),
        ("localhost:8080", "http://127.0.0.1:8080"),
        ("localhost:8080", "http://app.localhost:8080"),
        ("*", "http://localhost"),
        ("*", "http://app.localhost"),
        ("127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080"),
    ] {
        let refusal = check(&[allow], url).await.unwrap_err();
        assert!(
            matches!(refusal, Refusal::NotAllowed { .. }),
            "{allow} {url}: {refusal}"
        );
    }
}

#[tokio::test]
async fn loopback_in_any_spelling_is_loopback() {
    for host in [
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "１２７.0.0.1",
        "%3127.0.0.1",
    ] {
        let refusal = check(&["*", "example.org"], &format!("http://{host}/"))
            .await
            .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "127.0.0.1:80 is not on the allow-list: it would have to name 127.0.0.1:80",
            "{host}"
        );
    }
    let refusal = check(&["*"], "http://[::ffff:127.0.0.1]/")
        .await
        .unwrap_err();
    assert!(matches!(refusal, Refusal::NotAllowed { .. }));
}

#[tokio::test]
async fn a_name_with_any_address_that_is_not_public_is_refused() {
    for name in ["inside", "mixed", "metadata", "mapped", "six"] {
        let refusal = check(&["*"], &format!("https://{name}.example.org"))
            .await
            .unwrap_err();
        assert!(
            matches!(refusal, Refusal::NotPublic { .. }),
            "{name}: {refusal}"
        );
        assert!(!refusal.is_transient());
    }
}

#[tokio::test]
async fn a_name_without_address_says_so() {
    for name in ["empty.example.org", "unknown.example.org"] {
        let refusal = check(&["*"], &format!("https://{name}")).await.unwrap_err();
        assert!(refusal.is_transient(), "{refusal}");
        assert!(refusal.to_string().starts_with(name), "{refusal}");
    }
}

#[tokio::test]
async fn other_schemes_and_user_names_are_refused() {
    for url in [
        "file:///etc/passwd",
        "ftp://example.org",
        "data:,x",
        "unix:/run/socket",
    ] {
        let refusal = check(&["*"], url).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Scheme(_)), "{url}: {refusal}");
    }
    for url in [
        "https://me@example.org",
        "https://me:secret@example.org",
        "https://example.org@10.0.0.7",
    ] {
        let refusal = check(&["*"], url).await.unwrap_err();
        assert_eq!(refusal, Refusal::UserInfo);
        assert!(!refusal.to_string().contains("secret"));
    }
}

proptest! {
    /// Whatever four numbers are written as, an address is never taken for a public name.
    #[test]
    fn no_spelling_of_an_address_passes_a_list_of_names(bits: u32, form in 0..5) {
        let [a, b, c, d] = bits.to_be_bytes();
        let host = match form {
            0 => bits.to_string(),
            1 => format!("{bits:#x}"),
            2 => format!("{a:#x}.{b:#o}.{c}.{d}").replace("0o", "0"),
            3 => format!("{a}.{}", bits & 0x00ff_ffff),
            _ => format!("[::ffff:{a}.{b}.{c}.{d}]"),
        };
        let url: Url = format!("http://{host}/").parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();

        let refusal = runtime.block_on(guard(&["*"]).check(&url)).unwrap_err();

        let refused = matches!(refusal, Refusal::NotAllowed { .. });
        prop_assert!(refused);
    }
}
