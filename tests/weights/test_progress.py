import io

from alloy_nb.weights.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def clock(*times):
    return iter(times).__next__


def test_on_a_terminal_one_line_is_rewritten():
    out = Terminal()
    bar = Progress("w", 20_000_000, out=out, clock=clock(0, 0.5, 0.55, 1))
    for done in (5_000_000, 6_000_000, 20_000_000):
        bar(done)
    bar.finish()
    assert out.getvalue() == "\rw  5 of 20 MB  10.0 MB/s\rw  20 of 20 MB  20.0 MB/s\n"


def test_elsewhere_a_line_comes_each_tenth_or_two_seconds():
    out = io.StringIO()
    bar = Progress("w", 100_000_000, out=out, clock=clock(0, 0.1, 0.2, 0.3, 3.0))
    for done in (5_000_000, 10_000_000, 11_000_000, 12_000_000):
        bar(done)
    assert [line.split()[1] for line in out.getvalue().splitlines()] == ["10", "12"]


def test_what_was_there_before_does_not_count_for_the_rate():
    out = io.StringIO()
    bar = Progress("w", 10_000_000, out=out, clock=clock(0, 0, 1))
    bar.start_at(8_000_000)
    bar(10_000_000)
    assert out.getvalue() == "w  10 of 10 MB  2.0 MB/s\n"


def test_an_unknown_size_is_not_made_up():
    out = io.StringIO()
    bar = Progress("w", out=out, clock=clock(0, 2))
    bar(3_000_000)
    assert out.getvalue() == "w  3 MB  1.5 MB/s\n"
