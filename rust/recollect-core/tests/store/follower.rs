//! A store open for reading beside the writer, in one process: after each write it sees what the writer sees.

use proptest::prelude::*;
use recollect_core::cancel::Cancel;
use recollect_core::error::Error;
use recollect_core::record::Kind;
use recollect_core::store::{Draft, Order, Selection, Store};
use recollect_core::time::Timestamp;
use recollect_core::vector::Keep;

use crate::cases::HOUR;
use crate::home::{Home, call, open, path};
use crate::machine::Machine;
use crate::plan::{NAMESPACES, Step, writing};
use crate::sight::look;

fn lists(store: &Store, now: i64) -> Vec<Vec<recollect_core::store::Held>> {
    let list = |name: &&str| {
        let memory = store.namespace(&path(name)).unwrap();
        memory.list(&Selection::default(), Order::Ingested, 0, None, Timestamp(now), Cancel::never()).unwrap()
    };
    NAMESPACES.iter().map(list).collect()
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => writing(),
        2 => (1..3 * HOUR).prop_map(Step::Wait),
        1 => Just(Step::Unload),
        1 => Just(Step::Checkpoint),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_reader_follows_the_writer(steps in prop::collection::vec(step(), 1..30)) {
        let home = Home::file();
        let path = home.path();
        let mut machine = Machine::new(home, Keep::F32);
        let follower = open(&path, true);
        for (at, step) in steps.into_iter().enumerate() {
            machine.run(step);
            // Not after each, so that it has several to catch up with.
            if at % 3 != 1 {
                assert_eq!(lists(&follower, machine.now), lists(&machine.store, machine.now));
            }
        }
        machine.check();
        for name in NAMESPACES {
            assert_eq!(look(&follower, name, machine.now), look(&open(&path, true), name, machine.now));
            assert_eq!(look(&follower, name, machine.now), look(&machine.store, name, machine.now));
        }
        let memory = follower.namespace(&self::path("a")).unwrap();
        let added = memory.add(vec![Draft::new(Kind::Core, "no")], None, false, &mut call(1, 1));
        prop_assert!(matches!(added, Err(Error::ReadOnly)));
        prop_assert!(matches!(follower.checkpoint(Cancel::never()), Err(Error::ReadOnly)));
        follower.close().unwrap();
    }
}
