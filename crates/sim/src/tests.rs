//! The attacks with a few seeds: OFF reproduces, ON holds, replays are equal, money is counted, reports are readable.

use crate::*;

fn report(name: &str) -> Report {
    run(name, 4, 7).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Two tests for each attack, so that they run beside each other: OFF reproduces and ON holds; one seed gives one run.
macro_rules! attacks {
    ($($name:ident)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn reproduces_its_incident_and_holds_its_bars() {
                let report = report(stringify!($name));
                println!("{}", report.to_table());
                assert!(report.reproduces && report.holds, "{}", report.to_table());
            }

            #[test]
            fn the_same_seed_gives_the_same_bits() {
                let scenario = scenarios().into_iter().find(|scenario| scenario.name() == stringify!($name));
                let scenario = scenario.unwrap();
                for on in [false, true] {
                    let play = |seed| scenario.run(seed, Mechanisms { on }).unwrap();
                    let first = play(3);
                    assert_eq!(play(3), first, "{on}");
                    assert_ne!(play(4).fingerprint, first.fingerprint, "{on}");
                }
            }
        }
    )*};
}

attacks! { junk duplicates wash exit cabal capture }

#[test]
fn money_is_counted_at_the_end_of_every_epoch() {
    for (name, off, on) in [("junk", 30, 30), ("duplicates", 6 * 4, 6 * 4), ("wash", 2 * 48, 48)] {
        let scenario = scenarios().into_iter().find(|scenario| scenario.name() == name).unwrap();
        let epochs = |on| scenario.run(1, Mechanisms { on }).unwrap().epochs;
        assert_eq!((epochs(false), epochs(true)), (off, on), "{name}");
    }
}

#[test]
fn a_report_is_one_value_for_table_json_and_chart() {
    let report = run("duplicates", 2, 1).unwrap();
    let json = serde_json::to_string(&report).unwrap();
    let table = report.to_table();
    let read: Report = serde_json::from_str(&json).unwrap();
    assert_eq!((read.to_table(), read.fingerprint), (table.clone(), report.fingerprint));
    assert!(report.rows.iter().all(|row| table.contains(&row.metric)) && table.contains("1.74"));
    let svg = report.svg();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"));
    for tag in ["svg", "g", "title", "style", "text", "desc"] {
        let opened = svg.matches(&format!("<{tag} ")).count() + svg.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, svg.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

#[test]
fn an_unknown_scenario_and_too_few_seeds_say_what_to_do() {
    let unknown = run("nothing", 2, 1).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "there is no scenario \"nothing\"; choose one of: junk, duplicates, wash, exit, cabal, capture"
    );
    assert_eq!(run("wash", 1, 1).unwrap_err().to_string(), "1 seeds give no interval; run at least 2");
}
