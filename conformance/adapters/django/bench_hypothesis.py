"""What one would write without the suite: a state machine of Hypothesis on one of Django's engines, with a dictionary as
its model. Prints how many steps it does and checks in a second, as JSON.

    bench_hypothesis.py DIRECTORY

The engine is `cache` in the memory of the process, the quickest that Django has. Each step is one operation on a session,
whose answer and contents are compared with the model's.
"""

import argparse
import json
import time
from importlib import import_module

import project
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

TRACES = 300
STEPS = 40

NAMES = st.sampled_from(["cart", "user", "theme", "", "_x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


def machine(store):
    class Sessions(RuleBasedStateMachine):
        steps = 0

        def __init__(self):
            super().__init__()
            self.session = store()
            self.data, self.saved = {}, None

        @rule(name=NAMES, value=VALUES)
        def put(self, name, value):
            self.session[name] = value
            self.data[name] = value

        @rule(name=NAMES)
        def get(self, name):
            assert self.session.get(name) == self.data.get(name)

        @rule(name=NAMES)
        def pop(self, name):
            assert self.session.pop(name, None) == self.data.pop(name, None)

        @rule(name=NAMES)
        def contains(self, name):
            assert (name in self.session) == (name in self.data)

        @rule()
        def save(self):
            self.session.save()
            self.saved = dict(self.data)

        @rule()
        def open_again(self):
            self.session = store(self.session.session_key)
            self.data = dict(self.saved or {})

        @rule()
        def exists(self):
            key = self.session.session_key
            assert (key is not None and store().exists(key)) == (self.saved is not None)

        @rule()
        def cycle_key(self):
            before = self.session.session_key
            self.session.cycle_key()
            self.saved = dict(self.data)
            assert self.session.session_key != before

        @rule()
        def flush(self):
            self.session.flush()
            assert self.session.session_key is None
            self.data, self.saved = {}, None

        @invariant()
        def contents_are_those_of_the_model(self):
            Sessions.steps += 1
            assert dict(self.session.items()) == self.data

    return Sessions


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", help="where other benchmarks have their files; this one has none")
    parser.parse_args()
    project.use_cache("memory://10000")
    sessions = machine(import_module("django.contrib.sessions.backends.cache").SessionStore)
    limits = settings(
        max_examples=TRACES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    begun = time.perf_counter()
    run_state_machine_as_test(sessions, settings=limits)
    print(json.dumps({"steps_per_second": sessions.steps / (time.perf_counter() - begun)}))


if __name__ == "__main__":
    main()
