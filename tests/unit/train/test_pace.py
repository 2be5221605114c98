"""When to save and to print, by an injected clock."""

from clt_jobs.train.pace import Pace


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_save_is_due_after_the_interval():
    clock = Clock()
    pace = Pace(60, clock)
    clock.now = 59
    assert not pace.save_due
    clock.now = 60
    assert pace.save_due
    pace.saved(0.1)
    assert not pace.save_due


def test_slow_saves_take_at_most_a_twentieth_of_the_time():
    clock = Clock()
    pace = Pace(60, clock)
    pace.saved(30)
    clock.now = 500
    assert not pace.save_due
    clock.now = 30 * 19
    assert pace.save_due


def test_lines_are_ten_seconds_apart():
    clock = Clock()
    pace = Pace(60, clock)
    printed = []
    for second in range(25):
        clock.now = float(second)
        if pace.line_due:
            printed.append(second)
    assert printed == [0, 10, 20]
