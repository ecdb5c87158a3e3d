//! A real `redis-server`: started, asked, hurt and ended by the harness.

use schedbench::environment::{Entry, Ground, Need, Rooms};
use schedbench_contract::{Broker, Profile};

#[path = "environment_ground/mod.rs"]
mod ground;
use ground::{AOF_ALWAYS, aim};

fn need(profile: &Profile) -> Need<'_> {
    Need { who: "redis-asynq/test", profile, url_env: None }
}

#[test]
fn it_starts_survives_a_kill_and_leaves_nothing() {
    let (keeper, logs, root) = ground::stand();
    let rooms = Rooms::open_in(root.path(), None).expect("rooms");
    let at = Ground { keeper: &keeper, rooms: &rooms, logs: logs.path() };
    let mut redis = Entry::of(Broker::Redis).have(&at, &need(&AOF_ALWAYS)).expect("a redis");
    println!("{}", redis.describe());
    assert!(redis.describe().starts_with("redis ") && redis.describe().ends_with("(AOF always)"));
    redis.check().expect("alive");

    let mut asked = aim(redis.address());
    assert_eq!(asked.ask("SET it stays"), "OK");
    assert_eq!(asked.ask("CONFIG GET appendfsync"), "appendfsync always");
    assert_eq!(asked.ask("CONFIG GET save"), "save ");

    let child = redis.child().expect("a child").clone();
    let exit = child.kill();
    assert_eq!(exit.signal, Some(9));
    let died = redis.check().expect_err("it is dead").to_string();
    assert!(died.contains("broker died") && died.contains("signal 9"), "{died}");
    redis.restart().expect("it comes back");
    assert_ne!(redis.child().expect("a child").pid(), child.pid());
    assert_eq!(aim(redis.address()).ask("GET it"), "stays");

    let port = redis.address().port;
    redis.stop().expect("it ends");
    assert!(!ground::is_listened_on(port));
    let left: Vec<_> = std::fs::read_dir(rooms.path()).expect("the directory").flatten().collect();
    assert_eq!(left.len(), 1, "only the owner's marker: {left:?}");
    let path = rooms.path().to_owned();
    drop(rooms);
    assert!(!path.exists());
}
