#![allow(clippy::unwrap_used)]
use super::forecast::starts;
use super::ticket::{may_begin, place, sort};
use super::*;

/// A run of this name with so many threads; others are told by their names.
fn entry(name: &str, takes: usize, state: State, position: i64) -> Entry {
    let ticket = Ticket {
        run: name.into(),
        resource: "cpu".to_owned(),
        takes,
        position,
        held: false,
        state,
        // From tomorrow, or long ago: it decides nothing.
        since: if position % 2 == 0 { 1e12 } else { 0.0 },
        pid: 1,
    };
    Entry { ticket, is_suspended: false }
}

fn beginners(mut entries: Vec<Entry>, capacity: usize) -> Vec<String> {
    sort(&mut entries);
    let may = entries.iter().filter(|own| may_begin(own, &entries, capacity));
    may.map(|entry| entry.ticket.run.display().to_string()).collect()
}

#[test]
fn the_first_that_waits_begins_where_enough_is_left() {
    use State::{Running, Waiting};
    let waiting = |name, takes, position| entry(name, takes, Waiting, position);
    assert_eq!(beginners(vec![waiting("b", 2, 2), waiting("a", 2, 1)], 2), ["a"]);
    let one = entry("one", 1, Running, 9);
    assert_eq!(beginners(vec![one.clone(), waiting("a", 1, 1)], 2), ["a"]);
    // A small one does not overtake a large one.
    assert!(beginners(vec![one.clone(), waiting("a", 2, 1), waiting("b", 1, 2)], 2).is_empty());
    // One that needs more than there is begins alone.
    assert_eq!(beginners(vec![waiting("a", 8, 1)], 2), ["a"]);
    assert!(beginners(vec![one, waiting("a", 8, 1)], 2).is_empty());
}

#[test]
fn whoever_cannot_compute_is_passed_by() {
    use State::{Paused, Running, Waiting};
    let next = entry("next", 2, Waiting, 9);
    let mut suspended = entry("suspended", 2, Running, 1);
    suspended.is_suspended = true;
    let mut asleep = entry("asleep", 2, Waiting, 2);
    asleep.is_suspended = true;
    let mut held = entry("held", 2, Waiting, 3);
    held.ticket.held = true;
    let paused = entry("paused", 2, Paused, 4);
    assert_eq!(beginners(vec![suspended, asleep, held, paused, next], 2), ["next"]);
}

#[test]
fn other_resources_have_an_order_of_their_own() {
    let mut device = entry("device", 1, State::Waiting, 5);
    device.ticket.resource = "cuda 0".to_owned();
    let entries = vec![entry("a", 2, State::Waiting, 1), device];
    assert_eq!(beginners(entries.clone(), 2), ["a", "device"]);
    assert!(entries.iter().all(|own| place(own, &entries) == Some(1)));
}

#[test]
fn a_start_is_expected_when_those_before_it_are_done() {
    use State::{Running, Waiting};
    let entries = [
        entry("a", 1, Running, 1),
        entry("b", 1, Running, 2),
        entry("c", 2, Waiting, 3),
        entry("d", 1, Waiting, 4),
        entry("e", 1, Waiting, 5),
    ];
    let left = [Some(10.0), Some(4.0), Some(5.0), None, Some(1.0)];
    assert_eq!(starts(&entries, &left, |_| 2), [None, None, Some(10.0), Some(15.0), Some(15.0)]);
    let left = [None, Some(4.0), Some(5.0), None, Some(1.0)];
    assert_eq!(starts(&entries, &left, |_| 2), [None; 5]);
}

#[test]
fn runs_of_a_data_directory_and_of_its_studies_have_one_queue() {
    let data = Path::new("/data");
    let of = |path: &str| Queue::of(&RunDirectory::at(path), Path::new("/elsewhere"));
    assert_eq!(of("/data/runs/a"), Queue::in_data_dir(data));
    assert_eq!(of("/data/studies/s/runs/a"), Queue::in_data_dir(data));
    assert_eq!(of("/tmp/copy"), Queue::in_data_dir(Path::new("/elsewhere")));
}

#[test]
fn a_door_whose_keeper_sleeps_is_given_up_and_writes_nothing_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue { directory: folder.path().join("queue") };
    let asleep = Door::open(&queue.directory).unwrap();
    let ticket = entry("/run", 1, State::Running, 1).ticket;
    assert!(queue.write(&asleep, &ticket).unwrap());
    let next = Door::open(&queue.directory).unwrap();
    assert!(!queue.write(&asleep, &ticket).unwrap());
    assert!(queue.write(&next, &ticket).unwrap());
}

#[test]
fn a_ticket_without_a_worker_is_seen_through_and_swept() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDirectory::at(fs::canonicalize(folder.path()).unwrap());
    let queue = Queue { directory: folder.path().join("queue") };
    let lock = lock::Lock::take(&run).unwrap();
    let ticket = Ticket { run: run.path().into(), ..entry("", 1, State::Running, 1).ticket };
    assert!(queue.write(&Door::open(&queue.directory).unwrap(), &ticket).unwrap());
    assert_eq!(queue.entries()[0].standing(), Standing::Running);
    assert_eq!(
        queue.change(std::slice::from_ref(&run), Change::First).unwrap(),
        [Err(Refused::Computes(run.id()))]
    );
    let paused = Ticket { state: State::Paused, ..ticket };
    assert!(queue.write(&Door::open(&queue.directory).unwrap(), &paused).unwrap());
    let outcome = queue.change(std::slice::from_ref(&run), Change::Hold).unwrap();
    assert_eq!(
        (queue.waits(&run), outcome),
        (Err(Refused::Paused(run.id())), vec![Err(Refused::Paused(run.id()))])
    );
    drop(lock);
    assert!(queue.entries().is_empty());
    let outcome = queue.change(std::slice::from_ref(&run), Change::First).unwrap();
    assert_eq!(outcome, [Err(Refused::Absent(run.id()))]);
    assert!(!queue.file(run.path()).exists());
}
