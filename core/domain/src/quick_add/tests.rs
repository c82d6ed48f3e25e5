use super::*;
use jiff::civil;

#[test]
fn probe() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let now = When::moment(civil::date(2026, 11, 24).at(10, 0, 0, 0), &zone)
        .unwrap()
        .at;
    let projects = ["web".to_owned(), "Home Office".to_owned()];
    let agents = ["seed".to_owned(), "Scout".to_owned()];
    let known = Known {
        projects: &projects,
        agents: &agents,
        now,
        zone: &zone,
    };
    for line in include_str!("/tmp/lines.txt").lines() {
        let p = parse(line, &known);
        println!(
            "| {line}\n|     {}\n|     {}",
            describe(&p.line, &zone),
            render(&p.line, &zone)
        );
        for d in &p.doubts {
            println!("|       ? [{}] {} {}", d.said, d.field, d.problem);
        }
        let q = parse(&render(&p.line, &zone), &known);
        assert_eq!(q.line, p.line);
    }
}
